#include <tutelage/io/npy.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "support/array_content.hpp"
#include "support/guarded_bytes.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;
using namespace tutelage;

std::vector<double> numbers(const named_array& a) {
  std::vector<double> result(a.size());
  a.read(std::span<double>(result));
  return result;
}

const auto parse = [](std::span<const unsigned char> bytes) {
  const auto array = parse_npy(bytes, "file");
  numbers(array);
};

std::vector<double> read(const std::string& content) {
  const guarded_bytes guarded(content);
  return numbers(parse_npy(guarded.bytes(), "file"));
}

std::string reversed_elements(std::string bytes, std::size_t size) {
  for (std::size_t i = 0; i < bytes.size(); i += size) {
    std::reverse(bytes.begin() + static_cast<std::ptrdiff_t>(i),
                 bytes.begin() + static_cast<std::ptrdiff_t>(i + size));
  }
  return bytes;
}

template <class E>
void check_type(const std::string& code, const std::vector<E>& elements) {
  std::vector<double> expected;
  for (const E x : elements) expected.push_back(static_cast<double>(x));
  const std::string shape = "(" + std::to_string(elements.size()) + ",)";
  const std::string bytes = bytes_of(elements);
  if (sizeof(E) == 1) {
    CHECK(read(npy_of("|" + code, shape, bytes)) == expected);
    CHECK(refusal(parse, npy_of("<" + code, shape, bytes)).find("descr: '<" + code) !=
          std::string::npos);
    return;
  }
  CHECK(read(npy_of("<" + code, shape, bytes)) == expected);
  CHECK(read(npy_of(">" + code, shape, reversed_elements(bytes, sizeof(E)))) == expected);
  CHECK(refusal(parse, npy_of("=" + code, shape, bytes)) != "");
  CHECK(refusal(parse, npy_of("|" + code, shape, bytes)) != "");
}

}  // namespace

TEST_CASE("npy: all types, both orders of bytes") {
  check_type<std::int8_t>("i1", {-128, 127, 0, 1});
  check_type<std::uint8_t>("u1", {0, 255, 1});
  check_type<std::int16_t>("i2", {-32768, 32767, 0x1234});
  check_type<std::uint16_t>("u2", {65535, 0x1234});
  check_type<std::int32_t>("i4", {std::numeric_limits<std::int32_t>::min(), 0x12345678});
  check_type<std::uint32_t>("u4", {4294967295U, 0x12345678});
  check_type<std::int64_t>("i8", {std::numeric_limits<std::int64_t>::min(), 0x123456789ABCD});
  check_type<std::uint64_t>("u8", {1ULL << 63U, 0x123456789ABCD});
  check_type<float>("f4", {-1.5F, 3.25e30F, std::numeric_limits<float>::denorm_min()});
  check_type<double>("f8", {-1.5, 3.25e300, std::numeric_limits<double>::denorm_min()});
  CHECK(read(npy_of("|b1", "(3,)", std::string("\0\1\2", 3))) == std::vector<double>{0, 1, 1});
}

TEST_CASE("npy: every half precision number") {
  std::vector<std::uint16_t> bits(65536);
  for (std::size_t i = 0; i < bits.size(); ++i) bits[i] = static_cast<std::uint16_t>(i);
  const auto got = read(npy_of("<f2", "(65536,)", bytes_of(bits)));
  bool equal = true;
  for (std::size_t i = 0; i < bits.size(); ++i) {
    const double sign = (i & 0x8000U) != 0 ? -1 : 1;
    const int exponent = static_cast<int>(i >> 10U & 31U);
    const double fraction = static_cast<double>(i & 1023U) / 1024;
    if (exponent == 31) {
      equal = equal && (fraction == 0 ? got[i] == sign * INFINITY : std::isnan(got[i]));
    } else {
      const double expected =
          exponent == 0 ? std::ldexp(fraction, -14) : std::ldexp(1 + fraction, exponent - 15);
      equal = equal && got[i] == sign * expected && std::signbit(got[i]) == (sign < 0);
    }
  }
  CHECK(equal);
}

TEST_CASE("npy: shapes, versions, and how dictionaries are written") {
  const std::string six = bytes_of<double>({1, 2, 3, 4, 5, 6});
  const std::vector<double> in_order{1, 2, 3, 4, 5, 6};
  for (const char* shape : {"(6,)", "(2, 3)", "(2,3)", "(1, 2, 3, 1)", "( 6 , 1 , )"}) {
    CAPTURE(shape);
    CHECK(read(npy_of("<f8", shape, six)) == in_order);
  }
  CHECK(read(npy_of("<f8", "()", bytes_of<double>({7}))) == std::vector<double>{7});
  CHECK(read(npy_of("<f8", "(0,)", "")).empty());
  CHECK(read(npy_of("<f8", "(3, 0)", "")).empty());
  for (const int major : {1, 2, 3}) {
    CHECK(read(npy_of("{\"shape\": (6,), \"descr\": \"<f8\", \"fortran_order\": False}", six,
                      major)) == in_order);
  }
}

TEST_CASE("npy: columns first") {
  const std::string six = bytes_of<double>({1, 2, 3, 4, 5, 6});
  CHECK(read(npy_of("<f8", "(2, 3)", six, "True")) == std::vector<double>{1, 3, 5, 2, 4, 6});
  CHECK(read(npy_of("<f8", "(6,)", six, "True")) == std::vector<double>{1, 2, 3, 4, 5, 6});
  const std::string columns = npy_of("<f8", "(2, 3)", six, "True");
  const guarded_bytes bytes(columns);
  auto tall = make_matrix<double>(3, 2);  // not the array's own rows
  parse_npy(bytes.bytes(), "file").read(matrix_view(tall), false);
  CHECK(std::vector<double>(tall.begin(), tall.end()) == std::vector<double>{1, 3, 5, 2, 4, 6});
  // (i, j, k) of [2, 3, 2] is at i + 2 j + 6 k.
  std::vector<double> twelve, expected;
  for (int i = 0; i < 12; ++i) twelve.push_back(i);
  for (int i = 0; i < 2; ++i) {
    for (int j = 0; j < 3; ++j) {
      for (int k = 0; k < 2; ++k) expected.push_back(i + 2 * j + 6 * k);
    }
  }
  const std::string content = npy_of("<f8", "(2, 3, 2)", bytes_of(twelve), "True");
  CHECK(read(content) == expected);
  const guarded_bytes guarded(content);
  const auto array = parse_npy(guarded.bytes(), "file");
  auto plain = make_matrix<double>(2, 6), turned = make_matrix<double>(6, 2);
  array.read(matrix_view(plain), false);
  array.read(matrix_view(turned), true);
  for (std::size_t i = 0; i < 12; ++i) {
    CHECK(plain(i / 6, i % 6) == expected[i]);
    CHECK(turned(i % 6, i / 6) == expected[i]);
  }
}

TEST_CASE("npy: into a matrix, straight and turned, past a tile") {
  const std::size_t rows = 37, cols = 70;
  std::vector<float> values(rows * cols);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  for (const bool fortran : {false, true}) {
    const std::string content =
        npy_of("<f4", "(37, 70)", bytes_of(values), fortran ? "True" : "False");
    const guarded_bytes guarded(content);
    const auto array = parse_npy(guarded.bytes(), "file");
    auto plain = make_matrix<double>(rows, cols), turned = make_matrix<double>(cols, rows);
    array.read(matrix_view(plain), false);
    array.read(matrix_view(turned), true);
    bool equal = true;
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t k = 0; k < cols; ++k) {
        const auto expected = static_cast<double>(fortran ? i + rows * k : i * cols + k);
        equal = equal && plain(i, k) == expected && turned(k, i) == expected;
      }
    }
    CHECK(equal);
    const auto wrong = [&] { array.read(matrix_view(plain).middle_rows(0, 36), false); };
    CHECK(message_of<shape_error>(wrong) == "read:  has 2590 elements, expected (36x70)");
  }
}

TEST_CASE("npy: what is refused, and where") {
  const std::string data = bytes_of<double>({1, 2});
  const auto of = [&](const std::string& dictionary) {
    return refusal(parse, npy_of(dictionary, data));
  };
  const std::string good = "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }";
  CHECK(of(good) == "");
  CHECK(of("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), 'x': 1}") ==
        "byte 70: header: unknown key 'x'");
  CHECK(of("{'descr': '<f8', 'fortran_order': False}") == "byte 63: header: no key 'shape'");
  CHECK(of("{'descr': '<f8', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}") ==
        "byte 41: descr: is there twice");
  CHECK(of("{'descr': '<c16', 'fortran_order': False, 'shape': (1,), }").find("descr: '<c16'") !=
        std::string::npos);
  for (const char* descr : {"|O", "<U4", "|S8", "|V2", "<f16", "<f", "", "f8", "<M8", "<f88"}) {
    CAPTURE(descr);
    CHECK(refusal(parse, npy_of(descr, "(2,)", data)).find(": descr: '") != std::string::npos);
  }
  CHECK(of("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (2,)}")
            .find("descr: expected a string") != std::string::npos);
  CHECK(of("{'descr': '<f8', 'fortran_order': 1, 'shape': (2,)}")
            .find("fortran_order: expected True or False") != std::string::npos);
  for (const char* shape : {"(-2,)", "(2)", "2", "[2]", "(2, )x", "(2,,)", "(,)", "(02,)", "(2.,)",
                            "(0x2,)", "(2L,)"}) {
    CAPTURE(shape);
    CHECK(refusal(parse, npy_of("<f8", shape, data)) != "");
  }
  CHECK(refusal(parse, npy_of("<f8", "(18446744073709551616,)", data))
            .find("a size beyond 64 bits") != std::string::npos);
  CHECK(refusal(parse, npy_of("<f8", "(55340232221128654850,)", data))  // 3 2^64 + 2
            .find("a size beyond 64 bits") != std::string::npos);
  // Products that wrap, with a zero before or after.
  for (const char* shape :
       {"(4294967296, 4294967296)", "(4294967296, 4294967296, 0)", "(0, 4294967296, 4294967296)",
        "(2305843009213693952,)", "(0, 2305843009213693952)"}) {
    CAPTURE(shape);
    CHECK(refusal(parse, npy_of("<f8", shape, "")) ==
          "byte 10: shape: its product is beyond any file");
  }
  std::string many = "(";
  for (int i = 0; i < 64; ++i) many += "1, ";
  CHECK(refusal(parse, npy_of("<f8", many + ")", data.substr(0, 8))) == "");
  CHECK(
      refusal(parse, npy_of("<f8", many + "1)", data.substr(0, 8))).find("shape: too many sizes") !=
      std::string::npos);
  CHECK(refusal(parse, npy_of("<f8", "(3,)", data)) ==
        "byte 144: elements: (3,) of float64 are 24 bytes, the file has 16 after its header");
  CHECK(refusal(parse, npy_of("<f8", "(1,)", data)) ==
        "byte 136: elements: (1,) of float64 are 8 bytes, the file has 16 after its header");
  CHECK(refusal(parse, npy_of("<f8", "(1152921504606846976,)", data)).find("elements: ") !=
        std::string::npos);
  CHECK(refusal(parse, npy_of(good, data, 4)) == "byte 6: version: 4.0, expected 1.0, 2.0 or 3.0");
  std::string minor = npy_of(good, data);
  minor[7] = 1;
  CHECK(refusal(parse, minor) == "byte 6: version: 1.1, expected 1.0, 2.0 or 3.0");
  CHECK(refusal(parse, "not numpy") == "byte 0: magic number: a .npy file begins with \\x93NUMPY");
  // No end of line, and two.
  std::string unended = npy_of(good, data);
  unended[127] = ' ';
  CHECK(refusal(parse, unended).find("one end of line") != std::string::npos);
  unended[127] = '\n';
  unended[126] = '\n';
  CHECK(refusal(parse, unended).find("one end of line") != std::string::npos);
  // A header longer than the file.
  std::string longer = npy_of(good, data);
  longer[9] = '\x7F';
  CHECK(refusal(parse, longer) == "byte 144: header: the file is cut off");
  CHECK(refusal(parse, npy_of(good, data).substr(0, 127)) ==
        "byte 127: header: the file is cut off");
}

TEST_CASE("npy: every beginning is refused, every changed bit ends well") {
  const std::string content = npy_of("<f4", "(2, 3)", bytes_of<float>({1, 2, 3, 4, 5, 6}));
  CHECK(first_beginning_read(parse, content) == content.size());
  CHECK(flips_read(parse, content) >= 8 * 24);  // the elements' bits
  CHECK(
      first_beginning_read(parse, npy_of("{'descr': '<f8', 'fortran_order': False, 'shape': (1,)}",
                                         bytes_of<double>({1}), 2)) == 136);
}

TEST_CASE("npy: numbers that are none are named") {
  const auto problem = [](const std::string& content) {
    return refusal(
        [](std::span<const unsigned char> bytes) {
          parse_npy(bytes, "file").require_finite<float>();
        },
        content);
  };
  std::vector<double> numbers(5000, 1.0);
  const auto content = [&] { return npy_of("<f8", "(5000,)", bytes_of(numbers)); };
  CHECK(problem(content()) == "");
  numbers[4999] = std::numeric_limits<double>::quiet_NaN();
  CHECK(problem(content()) == "byte 40120: : element 4999 is nan, expected finite numbers");
  numbers[17] = 1e300;  // no finite float
  CHECK(problem(content()) == "byte 264: : element 17 is inf, expected finite numbers");
  CHECK(problem(npy_of("<f2", "(1,)", std::string("\x00\x7C", 2))).find("element 0 is inf") !=
        std::string::npos);
}

TEST_CASE("npy: what is written is read") {
  const temporary_folder folder;
  auto m = make_matrix<double>(3, 2);
  for (std::size_t i = 0; i < 6; ++i) m(i / 2, i % 2) = 1.0 / static_cast<double>(i + 1);
  write_npy(folder / "m.npy", matrix_view(m).middle_rows(1, 2));
  const mapped_file file(folder / "m.npy");
  const auto array = parse_npy(file.bytes(), file.path());
  CHECK(array.shape == std::vector<std::size_t>{2, 2});
  CHECK(array.offset == 128);
  CHECK(numbers(array) == std::vector<double>{1.0 / 3, 1.0 / 4, 1.0 / 5, 1.0 / 6});
}

TEST_CASE("arrays of any number of axes begin as NumPy writes them") {
  const auto beginning = [](std::initializer_list<std::size_t> shape) {
    return npy_beginning("<f8", std::vector<std::size_t>(shape));
  };
  CHECK(beginning({}).find("'shape': (), }") != std::string::npos);
  CHECK(beginning({3}).find("'shape': (3,), }") != std::string::npos);
  CHECK(beginning({3, 4, 5}).find(
            "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4, 5), }") == 10);
  CHECK(beginning({3, 4, 5}).size() == 128);
  CHECK_THROWS_AS(npy_beginning("<f8", std::vector<std::size_t>(30'000, 1)), argument_error);
}
