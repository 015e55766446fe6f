// NumPy's .npy: one array.
//
//   bytes 0-5   \x93NUMPY
//   bytes 6-7   version: 1.0, 2.0 or 3.0
//   then        length of the header, 16 bits (32 from version 2.0 on), little-endian
//   then        the header, a Python dictionary in text, padded with blanks to a line's end:
//               {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }
//   then        the elements
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <tutelage/core/files.hpp>
#include <tutelage/core/mapped_file.hpp>
#include <tutelage/io/named_array.hpp>
#include <type_traits>
#include <utility>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {

inline constexpr std::string_view npy_magic = "\x93NUMPY";

// The text of a dictionary with exactly the three keys, in any order.
class npy_header {
 public:
  npy_header(std::string_view text, std::uint64_t begin, const std::string& file)
      : text_(text), begin_(begin), file_(file) {
    expect('{', "header");
    while (!accept('}')) {
      const auto key = string("header");
      expect(':', key.c_str());
      if (key == "descr") {
        once(descr_, key) = string("descr");
        descr_at_ = at_;
      } else if (key == "fortran_order") {
        once(fortran_order_, key) = boolean();
      } else if (key == "shape") {
        once(shape_, key) = tuple();
      } else {
        fail("header", detail::text("unknown key '", key, "'"));
      }
      if (!accept(',')) {
        expect('}', "header");
        break;
      }
    }
    blanks();
    if (at_ + 1 != text_.size() || text_[at_] != '\n') {
      fail("header", "expected blanks and one end of line after the dictionary");
    }
    require(descr_.has_value(), "descr");
    require(fortran_order_.has_value(), "fortran_order");
    require(shape_.has_value(), "shape");
  }

  void describe(named_array& array) const {
    array.shape = *shape_;
    array.column_major = *fortran_order_ && shape_->size() >= 2;
    const std::string& d = *descr_;
    struct known {
      std::string_view code;
      element_type type;
    };
    constexpr std::array<known, 12> types{{{"b1", element_type::boolean},
                                           {"i1", element_type::int8},
                                           {"u1", element_type::uint8},
                                           {"i2", element_type::int16},
                                           {"u2", element_type::uint16},
                                           {"i4", element_type::int32},
                                           {"u4", element_type::uint32},
                                           {"i8", element_type::int64},
                                           {"u8", element_type::uint64},
                                           {"f2", element_type::float16},
                                           {"f4", element_type::float32},
                                           {"f8", element_type::float64}}};
    for (const auto& [code, type] : types) {
      if (d.size() != 3 || std::string_view(d).substr(1) != code) continue;
      const bool one_byte = size_of(type) == 1;
      if (one_byte ? d[0] == '|' : (d[0] == '<' || d[0] == '>')) {
        array.type = type;
        array.big_endian = d[0] == '>';
        return;
      }
    }
    throw format_error(file_, begin_ + descr_at_, "descr",
                       detail::text("'", printable(d),
                                    "', expected booleans, integers or reals of "
                                    "2, 4 or 8 bytes, '<f8' say"));
  }

 private:
  [[noreturn]] void fail(const std::string& field, const std::string& problem) const {
    throw format_error(file_, begin_ + at_, field, problem);
  }
  void require(bool there, const char* key) const {
    if (!there) fail("header", detail::text("no key '", key, "'"));
  }
  static std::string printable(std::string_view s) {
    std::string result;
    for (const char c : s.substr(0, 40)) result += c >= ' ' && c <= '~' ? c : '?';
    return result;
  }
  template <class Value>
  Value& once(std::optional<Value>& value, const std::string& key) const {
    if (value) fail(key, "is there twice");
    return value.emplace();
  }

  void blanks() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool accept(char c) {
    blanks();
    const bool there = at_ < text_.size() && text_[at_] == c;
    at_ += there;
    return there;
  }
  void expect(char c, const char* field) {
    if (!accept(c)) fail(field, detail::text("expected '", std::string(1, c), "'"));
  }
  bool word(std::string_view w) {
    const bool there = text_.substr(at_).substr(0, w.size()) == w;
    if (there) at_ += w.size();
    return there;
  }

  std::string string(const char* field) {
    blanks();
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    if (quote != '\'' && quote != '"') {
      fail(field, "expected a string (types of several fields are not read)");
    }
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == text_.npos) fail(field, "the string does not end");
    const auto inside = text_.substr(at_ + 1, end - at_ - 1);
    if (inside.find('\\') != inside.npos) fail(field, "a string with a backslash");
    at_ = end + 1;
    return std::string(inside);
  }
  bool boolean() {
    blanks();
    if (word("True")) return true;
    if (word("False")) return false;
    fail("fortran_order", "expected True or False");
  }
  std::vector<std::size_t> tuple() {
    std::vector<std::size_t> sizes;
    expect('(', "shape");
    while (!accept(')')) {
      if (sizes.size() == most_dimensions) fail("shape", "too many sizes");
      sizes.push_back(number());
      if (!accept(',')) {
        if (sizes.size() == 1) fail("shape", "expected ',' after the only size");
        expect(')', "shape");
        break;
      }
    }
    return sizes;
  }
  std::size_t number() {
    blanks();
    std::size_t value = 0;
    const std::size_t first = at_;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      if (__builtin_mul_overflow(value, std::size_t{10}, &value) ||
          __builtin_add_overflow(value, static_cast<std::size_t>(text_[at_] - '0'), &value)) {
        fail("shape", "a size beyond 64 bits");
      }
    }
    if (at_ == first) fail("shape", "expected a size");
    if (text_[first] == '0' && at_ > first + 1) fail("shape", "a size that begins with 0");
    return value;
  }

  std::string_view text_;
  std::uint64_t begin_;
  const std::string& file_;
  std::size_t at_ = 0, descr_at_ = 0;
  std::optional<std::string> descr_;
  std::optional<bool> fortran_order_;
  std::optional<std::vector<std::size_t>> shape_;
};

}  // namespace detail

/// The array in the bytes of a .npy file, which errors call `file`. Throws format_error when they
/// are anything but one whole array of numbers.
inline named_array parse_npy(std::span<const unsigned char> bytes, const std::string& file) {
  const auto cut_off = [&](const char* field) {
    return format_error(file, bytes.size(), field, "the file is cut off");
  };
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto magic = detail::npy_magic;
  if (text.substr(0, magic.size()) != magic.substr(0, text.size())) {
    throw format_error(file, 0, "magic number", "a .npy file begins with \\x93NUMPY");
  }
  if (bytes.size() < 8) throw cut_off("magic number");
  const int major = bytes[6], minor = bytes[7];
  if (major < 1 || major > 3 || minor != 0) {
    throw format_error(file, 6, "version",
                       detail::text(major, ".", minor, ", expected 1.0, 2.0 or 3.0"));
  }
  const std::size_t width = major == 1 ? 2 : 4, begin = 8 + width;
  if (bytes.size() < begin) throw cut_off("header length");
  std::size_t length = 0;
  for (std::size_t i = width; i-- > 0;) length = length << 8U | bytes[8 + i];
  if (length > bytes.size() - begin) throw cut_off("header");

  named_array array;
  array.file = file;
  array.offset = begin + length;
  detail::npy_header(text.substr(begin, length), begin, file).describe(array);
  std::size_t size = 0;
  if (!detail::product_of(array.shape, size_of(array.type), size)) {
    throw format_error(file, begin, "shape", "its product is beyond any file");
  }
  array.bytes = bytes.subspan(begin + length);
  if (array.bytes.size() != size) {
    throw format_error(
        file, std::min(bytes.size(), begin + length + size), "elements",
        detail::text(shape_text(array.shape), " of ", type_text(array.type), " are ", size,
                     " bytes, the file has ", array.bytes.size(), " after its header"));
  }
  return array;
}

/// What stands before the numbers of a .npy file: `type` as NumPy writes it ("<f8"), the shape of an array
/// in row-major order. Throws argument_error when that is more than version 1.0 has room for.
inline std::string npy_beginning(std::string_view type, std::span<const std::size_t> shape) {
  std::string header = detail::text("{'descr': '", type, "', 'fortran_order': False, 'shape': (");
  for (std::size_t i = 0; i < shape.size(); ++i)
    header += detail::text(i > 0 ? ", " : "", shape[i]);
  header += shape.size() == 1 ? ",), }" : "), }";
  constexpr std::size_t before = 10, line = 64;
  header.resize((before + header.size() + 1 + line - 1) / line * line - before, ' ');
  header.back() = '\n';
  if (header.size() > 0xFFFF) {
    throw argument_error(detail::text("npy_beginning: a header of ", header.size(),
                                      " bytes, expected 65535 at most"));
  }
  std::string content(detail::npy_magic);
  content += {'\x01', '\x00', static_cast<char>(header.size() & 0xFFU),
              static_cast<char>(header.size() >> 8U)};
  return content + header;
}

/// The bytes of a .npy file of a matrix, row-major.
template <class T>
std::string npy_content(const matrix_view<const T>& m) {
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, double>,
                "npy_content: writes float and double; convert other scalars");
  static_assert(std::endian::native == std::endian::little);
  const std::array<std::size_t, 2> shape{m.rows(), m.cols()};
  std::string content = npy_beginning(detail::text("<f", sizeof(T)), shape);
  for (std::size_t i = 0; i < m.rows(); ++i) {
    content.append(reinterpret_cast<const char*>(m.row(i).data()), m.cols() * sizeof(T));
  }
  return content;
}

/// Writes a matrix or view of float or double as a .npy file, whole or not at all. Throws io_error.
template <class Matrix>
void write_npy(const std::string& path, const Matrix& m) {
  const auto view = matrix_view(m);
  using T = typename decltype(view)::value_type;
  write_file(path, npy_content<T>(matrix_view<const T>(view)));
}

}  // namespace tutelage
