// Tables of numbers in text, one row a line.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include <tutelage/core/mapped_file.hpp>
#include <tutelage/core/matrix.hpp>
#include <tutelage/core/scalar.hpp>
#include <utility>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

struct csv_settings {
  char separator = ',';
  bool header = false;  // the first line is names
};

/// Numbers [N, d] and, where the file has them, the columns' names.
template <real_scalar T>
struct csv_table {
  std::vector<std::string> names;
  matrix<T> values;
};

namespace detail {

inline std::string_view without_blanks(std::string_view s, char separator) {
  const auto blank = [&](char c) { return (c == ' ' || c == '\t') && c != separator; };
  while (!s.empty() && blank(s.front())) s.remove_prefix(1);
  while (!s.empty() && blank(s.back())) s.remove_suffix(1);
  return s;
}

// Calls visit(field, its byte) for the fields of a line that begins at byte `at`.
template <class Visit>
void for_each_field(std::string_view line, std::size_t at, char separator, const Visit& visit) {
  for (;;) {
    const std::size_t end = line.find(separator);
    visit(without_blanks(line.substr(0, end), separator), at);
    if (end == line.npos) return;
    line.remove_prefix(end + 1);
    at += end + 1;
  }
}

}  // namespace detail

/// The table in the bytes of a file, which errors call `file`. Lines end with LF or CR LF, the last
/// perhaps with nothing; numbers are written as C++ and Python print them. Throws format_error for a
/// field that is no finite number, rows of different lengths, an empty line and an empty file; names
/// may stand in double quotes.
template <real_scalar T>
csv_table<T> parse_csv(std::span<const unsigned char> bytes, const std::string& file,
                       const csv_settings& settings = {}) {
  std::string_view rest(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  constexpr std::string_view mark = "\xEF\xBB\xBF";  // of UTF-8, which some programs write
  if (rest.starts_with(mark)) rest.remove_prefix(mark.size());
  const auto place = [&] { return bytes.size() - rest.size(); };
  const auto next_line = [&] {
    auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  };

  csv_table<T> result;
  std::size_t cols = 0, row = 0;
  const auto require_fields = [&](std::size_t at, std::size_t count) {
    if (cols == 0) cols = count;
    if (count != cols) {
      throw format_error(file, at, detail::text("row ", row),
                         detail::text(count, " fields, expected ", cols));
    }
  };
  if (settings.header && !rest.empty()) {
    const std::size_t at = place();
    detail::for_each_field(next_line(), at, settings.separator,
                           [&](std::string_view name, std::size_t) {
                             if (name.size() >= 2 && name.front() == '"' && name.back() == '"') {
                               name = name.substr(1, name.size() - 2);
                             }
                             result.names.emplace_back(name);
                           });
    require_fields(at, result.names.size());
  }
  std::vector<T> numbers;
  while (!rest.empty()) {
    const std::size_t at = place();
    const auto line = next_line();
    std::size_t count = 0;
    detail::for_each_field(
        line, at, settings.separator, [&](std::string_view field, std::size_t begin) {
          T number = 0;
          const auto [end, problem] =
              std::from_chars(field.data(), field.data() + field.size(), number);
          if (problem != std::errc() || end != field.data() + field.size() || !is_finite(number)) {
            const auto shown = std::string(field.substr(0, 40));
            throw format_error(file, begin, detail::text("row ", row, ", column ", count),
                               detail::text("'", shown, "', expected a finite number",
                                            row == 0 && !settings.header
                                                ? " (names in the first line are read with header)"
                                                : ""));
          }
          numbers.push_back(number);
          ++count;
        });
    require_fields(at, count);
    ++row;
  }
  if (row == 0) throw format_error(file, bytes.size(), "rows", "none");
  result.values = make_matrix<T>(row, cols);
  std::copy(numbers.begin(), numbers.end(), result.values.data());
  return result;
}

/// The same for a file. Throws io_error, too.
template <real_scalar T>
csv_table<T> read_csv(const std::string& path, const csv_settings& settings = {}) {
  const mapped_file file(path);
  return parse_csv<T>(file.bytes(), path, settings);
}

}  // namespace tutelage
