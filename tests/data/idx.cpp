#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <tutelage/data/idx.hpp>

#include "support/idx_content.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;
using namespace tutelage;

constexpr std::uint32_t largest_size = std::numeric_limits<std::uint32_t>::max();

// What the library says about a file that is not IDX.
void check_format_error(const std::string& path, std::uint64_t byte_offset,
                        const std::string& field, const std::string& problem) {
  const auto e = thrown_by<format_error>([&] { idx_file file(path); });
  CHECK(e.file() == path);
  CHECK(e.byte_offset() == byte_offset);
  CHECK(e.field() == field);
  CHECK(e.what() == detail::text(path, ": byte ", byte_offset, ": ", field, ": ", problem));
}

template <class E>
bool same_number(E a, E b) {
  if constexpr (std::is_floating_point_v<E>) {
    return std::isnan(a) ? std::isnan(b) : a == b && std::signbit(a) == std::signbit(b);
  } else {
    return a == b;
  }
}

// Extremes, and numbers whose bytes all differ.
template <class E>
std::vector<E> elements() {
  using limits = std::numeric_limits<E>;
  std::vector<E> result{limits::lowest(), limits::max(), E(0), E(1), limits::min(), E(127)};
  if constexpr (std::is_floating_point_v<E>) {
    result.insert(result.end(),
                  {static_cast<E>(3.14159265358979323846), static_cast<E>(-0.0), limits::infinity(),
                   limits::denorm_min(), limits::quiet_NaN(), static_cast<E>(-1.0 / 3)});
  } else {
    for (int i = 1; i <= 6; ++i) {
      result.push_back(static_cast<E>(0x1234567LL * i * (i % 2 == 0 ? 1 : -1)));
    }
  }
  return result;
}

}  // namespace

TEST_CASE_TEMPLATE("all types, plain and gzip, one to four dimensions", E, std::uint8_t,
                   std::int8_t, std::int16_t, std::int32_t, float, double) {
  const temporary_folder folder;
  const std::vector<E> numbers = elements<E>();
  REQUIRE(numbers.size() == 12);
  const std::vector<std::vector<std::uint32_t>> shapes{
      {12}, {1}, {3, 4}, {12, 1}, {2, 3, 2}, {1, 2, 2, 3}, {2, 1, 1, 6}};
  for (const auto& shape : shapes) {
    std::size_t count = 1;
    for (const std::uint32_t size : shape) count *= size;
    const std::vector<E> part(numbers.begin(),
                              numbers.begin() + static_cast<std::ptrdiff_t>(count));
    const std::string content = idx_content(shape, part);
    for (const std::string& path :
         {folder.write("plain", content), folder.write("packed.gz", gzip(content))}) {
      const idx_file file(path);
      CHECK(file.path() == path);
      CHECK(static_cast<int>(file.type()) == idx_code<E>());
      CHECK(std::ranges::equal(file.shape(), shape));
      CHECK(file.rows() == shape[0]);
      CHECK(file.cols() == count / shape[0]);
      CHECK(file.row_offset(0) == 4 + 4 * shape.size());
      CHECK(file.row_offset(1) == 4 + 4 * shape.size() + file.cols() * sizeof(E));
      for (std::size_t i = 0; i < file.rows(); ++i) {
        std::vector<E> exact(file.cols());
        file.read_row(i, std::span<E>(exact));
        std::vector<double> wide(file.cols());
        file.read_row(i, std::span<double>(wide));
        for (std::size_t k = 0; k < file.cols(); ++k) {
          const E expected = part[i * file.cols() + k];
          CHECK(same_number(exact[k], expected));
          CHECK(same_number(wide[k], static_cast<double>(expected)));
        }
      }
    }
  }
}

TEST_CASE("bytes are big-endian, as the format's description has them") {
  const temporary_folder folder;
  const std::string content{'\0',   '\0',   '\x0B', '\x01', '\0', '\0', '\0', '\x02',  // two int16
                            '\x01', '\x02', '\xFF', '\xFE'};
  const idx_file file(folder.write("two", content));
  CHECK(file.type() == idx_type::int16);
  CHECK(file.rows() == 2);
  CHECK(file.cols() == 1);
  std::array<int, 2> got{};
  file.read_row(0, std::span<int>(&got[0], 1));
  file.read_row(1, std::span<int>(&got[1], 1));
  CHECK(got[0] == 258);
  CHECK(got[1] == -2);
}

TEST_CASE("files of no elements") {
  const temporary_folder folder;
  const auto check = [&](const std::vector<std::uint32_t>& shape, std::size_t cols) {
    const std::string content = idx_header(0x0E, shape);
    for (const std::string& path :
         {folder.write("plain", content), folder.write("packed", gzip(content))}) {
      const idx_file file(path);
      CHECK(file.rows() == shape[0]);
      CHECK(file.cols() == cols);
      CHECK(std::ranges::equal(file.shape(), shape));
    }
  };
  check({0}, 1);
  check({0, 28, 28}, 784);
  check({5, 0}, 0);
  check({3, 7, 0, 2}, 0);
  check({0, 0}, 0);
  check({0, largest_size, largest_size}, std::size_t{largest_size} * largest_size);
}

TEST_CASE("a file may be moved") {
  const temporary_folder folder;
  const std::string content = idx_content<std::uint8_t>({3, 2}, {1, 2, 3, 4, 5, 6});
  for (const std::string& path :
       {folder.write("plain", content), folder.write("packed", gzip(content))}) {
    idx_file first(path);
    const idx_file second(std::move(first));
    std::array<int, 2> row{};
    second.read_row(2, std::span<int>(row));
    CHECK(row == std::array{5, 6});
  }
}

TEST_CASE("a file cut off at every possible byte") {
  const temporary_folder folder;
  const std::string content = idx_content<std::int16_t>({2, 1, 3}, {1, 2, 3, 4, 5, 6});
  const std::size_t header = 16;
  REQUIRE(content.size() == header + 12);
  for (std::size_t size = 0; size < content.size(); ++size) {
    INFO("size ", size);
    const std::string cut = content.substr(0, size);
    std::vector<std::string> paths{folder.write("plain", cut)};
    // A whole gzip file of a file that is cut off.
    paths.push_back(folder.write("packed", gzip(cut)));
    for (const std::string& path : paths) {
      if (size < 4) {
        check_format_error(path, size, "magic number", "the file is cut off");
      } else if (size < header) {
        check_format_error(path, size, "sizes", "the file is cut off");
      } else {
        check_format_error(path, size, "elements",
                           detail::text("the file is cut off: 6 elements announced, ",
                                        (size - header) / 2, " present"));
      }
    }
  }
}

TEST_CASE("bytes after the last element") {
  const temporary_folder folder;
  const std::string content = idx_content<float>({2}, {1, 2});
  for (const std::string& extra : {std::string("\0", 1), std::string("abcdefgh")}) {
    const std::string longer = content + extra;
    check_format_error(folder.write("plain", longer), 16, "elements",
                       "bytes follow after the last element");
    check_format_error(folder.write("packed", gzip(longer)), 16, "elements",
                       "bytes follow after the last element");
  }
  check_format_error(folder.write("none", idx_header(0x08, {0, 3}) + "a"), 12, "elements",
                     "bytes follow after the last element");
}

TEST_CASE("a wrong magic number") {
  const temporary_folder folder;
  const std::string problem = "an IDX file begins with two zero bytes";
  for (const char wrong : {'\x01', '\x1F', '\x7F', '\xFF'}) {
    std::string content = idx_content<std::uint8_t>({1}, {1});
    content[1] = wrong;
    check_format_error(folder.write("second", content), 0, "magic number", problem);
    content[1] = '\0';
    content[0] = wrong;
    check_format_error(folder.write("first", content), 0, "magic number", problem);
  }
  check_format_error(folder.write("text", "P5 28 28 255\n"), 0, "magic number", problem);
}

TEST_CASE("every byte is a type or refused") {
  const temporary_folder folder;
  std::size_t known = 0;
  for (int type = 0; type < 256; ++type) {
    const std::string path = folder.write("file", idx_header(static_cast<std::uint8_t>(type), {0}));
    const bool expected = type == 8 || type == 9 || (type >= 11 && type <= 14);
    if (expected) {
      ++known;
      CHECK(static_cast<int>(idx_file(path).type()) == type);
    } else {
      check_format_error(path, 2, "type", detail::text("unknown type ", type));
    }
  }
  CHECK(known == 6);
}

TEST_CASE("the number of dimensions") {
  const temporary_folder folder;
  check_format_error(folder.write("none", idx_header(0x08, {})), 3, "dimensions",
                     "0, expected at least 1");
  check_format_error(folder.write("longer", idx_header(0x08, {}) + "abcd"), 3, "dimensions",
                     "0, expected at least 1");
  const idx_file most(
      folder.write("most", idx_header(0x08, std::vector<std::uint32_t>(255, 1)) + "a"));
  CHECK(most.shape().size() == 255);
  CHECK(most.cols() == 1);
  int got = 0;
  most.read_row(0, std::span<int>(&got, 1));
  CHECK(got == 'a');
}

TEST_CASE("sizes beyond any file") {
  const temporary_folder folder;
  const std::uint32_t n = largest_size;
  const std::string too_many = "their product is beyond any file";
  check_format_error(folder.write("cube", idx_header(0x08, {n, n, n})), 12, "sizes", too_many);
  check_format_error(folder.write("fourth", idx_header(0x08, {1, n, n, n})), 16, "sizes", too_many);
  check_format_error(folder.write("half", idx_header(0x08, {1U << 31, 1U << 31, 4})), 12, "sizes",
                     too_many);
  // No sample at all, but a sample could not be held.
  check_format_error(folder.write("no sample", idx_header(0x08, {0, n, n, n})), 16, "sizes",
                     too_many);
  // The product fits in 64 bits, the elements do not fit in the file.
  const std::string announced = "18446744065119617025";
  const std::string cut_off =
      "the file is cut off: " + announced + " elements announced, 0 present";
  check_format_error(folder.write("bytes", idx_header(0x08, {n, n})), 12, "elements", cut_off);
  check_format_error(folder.write("doubles", idx_header(0x0E, {n, n})), 12, "elements", cut_off);
  // 2^61 doubles are 2^64 bytes, 0 in 64 bits.
  check_format_error(folder.write("wraps", idx_header(0x0E, {1U << 30, 1U << 31})), 12, "elements",
                     "the file is cut off: 2305843009213693952 elements announced, 0 present");
  check_format_error(folder.write("packed", gzip(idx_header(0x08, {n, n}))), 12, "elements",
                     cut_off);
}

TEST_CASE("a gzip file cut off at every possible byte") {
  const temporary_folder folder;
  std::vector<std::uint8_t> numbers(100);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] = static_cast<std::uint8_t>(i * i * 7);
  }
  const std::string content = idx_content({100}, numbers);
  const std::string packed = gzip(content);
  REQUIRE(packed.size() > 30);
  for (std::size_t size = 0; size < packed.size(); ++size) {
    INFO("size ", size);
    const std::string path = folder.write("cut.gz", packed.substr(0, size));
    if (size < 2) {  // not yet a gzip file
      check_format_error(path, size, "magic number", "the file is cut off");
      continue;
    }
    const auto e = thrown_by<format_error>([&] { idx_file file(path); });
    CHECK(e.field() == "gzip data");
    check_format_error(path, e.byte_offset(), "gzip data", "the file is cut off");
    // The byte is one of the content. The last eight hold only a checksum and a size.
    CHECK(e.byte_offset() <= content.size());
    if (size <= 10) CHECK(e.byte_offset() == 0);
    if (size + 8 >= packed.size()) CHECK(e.byte_offset() == content.size());
  }
}

TEST_CASE("a gzip file with one wrong byte") {
  const temporary_folder folder;
  const std::string content = idx_content<std::uint8_t>({12}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3});
  const std::string packed = gzip(content);
  const std::size_t header = 10, trailer = packed.size() - 8;
  for (std::size_t i = header; i < packed.size(); ++i) {
    INFO("byte ", i);
    std::string wrong = packed;
    wrong[i] = static_cast<char>(wrong[i] ^ 0x55);
    const std::string path = folder.write("wrong.gz", wrong);
    if (i < trailer) {
      const auto e = thrown_by<format_error>([&] { idx_file file(path); });
      CHECK(e.file() == path);
      CHECK(e.field() == "gzip data");
      // No descriptor's number, which differs from run to run, in the message.
      CHECK(std::string(e.what()).find("fd:") == std::string::npos);
    } else {
      check_format_error(path, 0, "gzip data",
                         i < trailer + 4 ? "incorrect data check" : "incorrect length check");
    }
  }
}

TEST_CASE("large gzip files, whole and damaged") {
  // Two and a half of the pieces of 1 MiB in which files are inflated.
  const temporary_folder folder;
  const std::uint32_t rows = 2560, cols = 1024;
  std::vector<std::uint8_t> numbers(std::size_t{rows} * cols);
  std::uint32_t state = 1;
  for (auto& x : numbers) {
    state = state * 1664525U + 1013904223U;
    x = static_cast<std::uint8_t>(state >> 24);
  }
  const std::string packed = gzip(idx_content({rows, cols}, numbers));
  const idx_file file(folder.write("large.gz", packed));
  CHECK(file.rows() == rows);
  std::vector<std::uint8_t> row(cols);
  bool equal = true;
  for (std::size_t i = 0; i < rows; ++i) {
    file.read_row(i, std::span(row));
    equal = equal && std::equal(row.begin(), row.end(),
                                numbers.begin() + static_cast<std::ptrdiff_t>(i * cols));
  }
  CHECK(equal);
  std::string wrong = packed;
  wrong[packed.size() - 8] = static_cast<char>(wrong[packed.size() - 8] ^ 1);
  // The error's byte is where the piece began that holds it.
  check_format_error(folder.write("damaged.gz", wrong), std::uint64_t{2} << 20, "gzip data",
                     "incorrect data check");
}

TEST_CASE("files that cannot be read") {
  const temporary_folder folder;
  const auto check = [](const std::string& path, const std::string& operation, int error_number,
                        const std::string& reason) {
    const auto e = thrown_by<io_error>([&] { idx_file file(path); });
    CHECK(e.operation() == operation);
    CHECK(e.path() == path);
    CHECK(e.code() == std::error_code(error_number, std::generic_category()));
    CHECK(e.what() == "cannot " + operation + " " + path + ": " + reason);
  };
  check(folder / "absent", "open", ENOENT, "No such file or directory");
  check(folder / "", "read", EISDIR, "Is a directory");
  check(folder.write("file", "x") + "/below", "open", ENOTDIR, "Not a directory");
  check("", "open", ENOENT, "No such file or directory");
}

TEST_CASE("samples that are not there, and rows of another length") {
  const temporary_folder folder;
  const idx_file file(folder.write("two", idx_content<std::uint8_t>({2, 3}, {1, 2, 3, 4, 5, 6})));
  std::vector<int> row(3), longer(4);
  CHECK(message_of<shape_error>([&] { file.read_row(2, std::span(row)); }) ==
        "read_row: sample 2 into 3 elements, expected one below 2 into 3");
  CHECK(message_of<shape_error>([&] { file.read_row(1, std::span(longer)); }) ==
        "read_row: sample 1 into 4 elements, expected one below 2 into 3");
}

TEST_CASE("no file is left open, whatever went wrong") {
  const temporary_folder folder;
  const std::string content = idx_content<std::uint8_t>({2}, {1, 2});
  const std::string packed = gzip(content);
  std::vector<std::string> paths{folder / "absent",
                                 folder / "",
                                 folder.write("cut", content.substr(0, 9)),
                                 folder.write("cut.gz", packed.substr(0, 12)),
                                 folder.write("good", content),
                                 folder.write("good.gz", packed)};
  const auto lowest_free = [&] {
    const int file = ::open(paths[4].c_str(), O_RDONLY);
    ::close(file);
    return file;
  };
  const int before = lowest_free();
  for (const std::string& path : paths) {
    try {
      idx_file file(path);
    } catch (const error&) {
    }
    CHECK(lowest_free() == before);
  }
}
