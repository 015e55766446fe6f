#include <tutelage/io/safetensors.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "support/array_content.hpp"
#include "support/guarded_bytes.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;
using namespace tutelage;

const auto parse = [](std::span<const unsigned char> bytes) { parse_safetensors(bytes, "file"); };

std::string refused(const std::string& header, std::size_t data_size) {
  return refusal(parse, safetensors_of(header, std::string(data_size, '\0')));
}
bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// {"a": {...}}
std::string one(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"a":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets +
         "}}";
}

template <class E>
void check_type(const std::string& dtype, element_type type, const std::vector<E>& elements,
                const std::vector<double>& expected) {
  CAPTURE(dtype);
  const std::string data = bytes_of(elements);
  // Blanks before the data, of each number: elements lie anywhere.
  for (std::size_t blanks = 0; blanks < 8; ++blanks) {
    const std::string content =
        safetensors_of(one(dtype, "[" + std::to_string(elements.size()) + "]",
                           "[0," + std::to_string(data.size()) + "]") +
                           std::string(blanks, ' '),
                       data);
    const guarded_bytes guarded(content);
    const auto file = parse_safetensors(guarded.bytes(), "file");
    REQUIRE(file.arrays.size() == 1);
    const auto& a = file.arrays[0];
    CHECK(a.name == "a");
    CHECK(a.type == type);
    CHECK(a.offset == content.size() - data.size());
    std::vector<double> got(a.size());
    a.read(std::span<double>(got));
    CHECK(got == expected);
  }
  CHECK(mentions(refused(one(dtype, "[1]", "[0,9]"), 9), "data_offsets 0 to 9, but (1,) of "));
}

}  // namespace

TEST_CASE("safetensors: all types, aligned or not") {
  using u16 = std::uint16_t;
  check_type<double>("F64", element_type::float64, {0.1, -2}, {0.1, -2});
  check_type<float>("F32", element_type::float32, {0.5F, -2, 7}, {0.5, -2, 7});
  check_type<u16>("F16", element_type::float16, {0x3C00, 0xC000, 0x0001}, {1, -2, 0x1p-24});
  check_type<u16>("BF16", element_type::bfloat16, {0x3F80, 0xC000, 0x4049}, {1, -2, 3.140625});
  check_type<std::int8_t>("I8", element_type::int8, {-128, 3}, {-128, 3});
  check_type<std::int16_t>("I16", element_type::int16, {-300}, {-300});
  check_type<std::int32_t>("I32", element_type::int32, {-70000}, {-70000});
  check_type<std::int64_t>("I64", element_type::int64, {-5000000000}, {-5e9});
  check_type<std::uint8_t>("U8", element_type::uint8, {255}, {255});
  check_type<u16>("U16", element_type::uint16, {65535}, {65535});
  check_type<std::uint32_t>("U32", element_type::uint32, {4000000000U}, {4e9});
  check_type<std::uint64_t>("U64", element_type::uint64, {10000000000U}, {1e10});
  check_type<std::uint8_t>("BOOL", element_type::boolean, {0, 1}, {0, 1});
  for (const char* dtype : {"F8_E4M3", "C64", "f32", "F128", ""}) {
    CAPTURE(dtype);
    CHECK(mentions(refused(one(dtype, "[1]", "[0,4]"), 4),
                   "a: dtype '" + std::string(dtype) + "' is not read"));
  }
}

TEST_CASE("safetensors: several arrays, in any order, of no elements too") {
  const std::string header = R"({"__metadata__":{"format":"pt","\u00fc":"\ud83d\ude00"},)"
                             R"("b":{"shape":[2],"dtype":"U8","data_offsets":[3,5]},)"
                             R"("none":{"dtype":"F64","data_offsets":[3,3],"shape":[7,0]},)"
                             R"("a":{"dtype":"U8","shape":[3,1],"data_offsets":[0,3]},)"
                             R"("scalar":{"dtype":"U8","shape":[],"data_offsets":[5,6]}})";
  const std::string content = safetensors_of(header, "abcdef");
  const guarded_bytes guarded(content);
  const auto file = parse_safetensors(guarded.bytes(), "file");
  REQUIRE(file.arrays.size() == 4);
  CHECK(file.metadata ==
        std::map<std::string, std::string>{{"format", "pt"}, {"\u00fc", "\U0001F600"}});
  const auto text = [&](std::size_t i) {
    return std::string(file.arrays[i].bytes.begin(), file.arrays[i].bytes.end());
  };
  CHECK(file.arrays[0].name == "b");
  CHECK(text(0) == "de");
  CHECK(text(1) == "");
  CHECK(file.arrays[1].shape == std::vector<std::size_t>{7, 0});
  CHECK(text(2) == "abc");
  CHECK(file.arrays[3].shape.empty());
  CHECK(text(3) == "f");
  CHECK(refused("{}", 0) == "");
  CHECK(refused("{}  ", 0) == "");
}

TEST_CASE("safetensors: the header's length and place") {
  CHECK(refusal(parse, "") == "byte 0: header: the file is cut off");
  CHECK(refusal(parse, "1234567") == "byte 7: header: the file is cut off");
  CHECK(refusal(parse, little_endian(100'000'001, 8) + "{}") ==
        "byte 0: header: 100000001 bytes, expected at most 100 MB");
  CHECK(refusal(parse, little_endian(100'000'000, 8) + "{}") ==
        "byte 10: header: the file is cut off: 100000000 bytes announced");
  CHECK(refusal(parse, little_endian(~0ULL, 8) + "{}") ==
        "byte 0: header: 18446744073709551615 bytes, expected at most 100 MB");
  CHECK(refused("", 0) == "byte 8: header: does not begin with '{'");
  CHECK(refused(" {}", 0) == "byte 8: header: does not begin with '{'");
  CHECK(refused("[]", 0) == "byte 8: header: does not begin with '{'");
}

TEST_CASE("safetensors: names and keys that are there twice") {
  const std::string a = R"("a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]})";
  CHECK(refused("{" + a + "," + a + "}", 1) == "byte 64: a: is there twice");
  // The same name, written in another way.
  CHECK(mentions(
      refused("{" + a + R"(,"\u0061":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})", 2),
      "a: is there twice"));
  for (const char* key : {"\"dtype\":\"U8\",", "\"shape\":[1],", "\"data_offsets\":[0,1],"}) {
    CHECK(mentions(refused(R"({"a":{)" + std::string(key) +
                               R"("dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
                           1),
                   "' is there twice"));
  }
  CHECK(mentions(refused(R"({"__metadata__":{"x":"1","x":"1"}})", 0),
                 "__metadata__: 'x' is there twice"));
  CHECK(mentions(refused(R"({"__metadata__":{},"__metadata__":{}})", 0),
                 "__metadata__: is there twice"));
}

TEST_CASE("safetensors: what a header may not hold") {
  for (const char* entry : {"1",
                            "null",
                            "true",
                            "\"text\"",
                            "[]",
                            "{}",
                            R"({"dtype":"U8","shape":[1]})",
                            R"({"dtype":"U8","data_offsets":[0,1]})",
                            R"({"shape":[1],"data_offsets":[0,1]})",
                            R"({"dtype":"U8","shape":[1],"data_offsets":[0,1],"more":1})",
                            R"({"dtype":8,"shape":[1],"data_offsets":[0,1]})",
                            R"({"dtype":["U8"],"shape":[1],"data_offsets":[0,1]})",
                            R"({"dtype":null,"shape":[1],"data_offsets":[0,1]})",
                            R"({"dtype":"U8","shape":1,"data_offsets":[0,1]})",
                            R"({"dtype":"U8","shape":"1","data_offsets":[0,1]})",
                            R"({"dtype":"U8","shape":[[1]],"data_offsets":[0,1]})",
                            R"({"dtype":"U8","shape":{"x":1},"data_offsets":[0,1]})",
                            R"({"dtype":"U8","shape":[1.0],"data_offsets":[0,1]})",
                            R"({"dtype":"U8","shape":[1e0],"data_offsets":[0,1]})",
                            R"({"dtype":"U8","shape":[-1],"data_offsets":[0,1]})",
                            R"({"dtype":"U8","shape":["1"],"data_offsets":[0,1]})",
                            R"({"dtype":"U8","shape":[true],"data_offsets":[0,1]})",
                            R"({"dtype":"U8","shape":[18446744073709551616],"data_offsets":[0,1]})",
                            R"({"dtype":"U8","shape":[1],"data_offsets":[0]})",
                            R"({"dtype":"U8","shape":[1],"data_offsets":[]})",
                            R"({"dtype":"U8","shape":[1],"data_offsets":[0,1,1]})",
                            R"({"dtype":"U8","shape":[1],"data_offsets":[1,0]})",
                            R"({"dtype":"U8","shape":[1],"data_offsets":0})"}) {
    CAPTURE(entry);
    CHECK(refused("{\"a\":" + std::string(entry) + "}", 1) != "");
  }
  for (const char* metadata : {"1", "null", "[]", "\"x\"", R"({"x":1})", R"({"x":{}})",
                               R"({"x":null})", R"({"x":["y"]})", R"({"x":true})"}) {
    CAPTURE(metadata);
    CHECK(refused("{\"__metadata__\":" + std::string(metadata) + "}", 0) != "");
  }
  const std::string good = one("U8", "[1]", "[0,1]");
  CHECK(refused(good, 1) == "");
  CHECK(mentions(refused(good + "x", 1), "header: "));
  CHECK(mentions(refused(good + "{}", 1), "header: "));
  CHECK(mentions(refused(good.substr(0, good.size() - 1) + ",}", 1), "header: "));
  CHECK(mentions(refused("{\"\xFF\":1}", 1), "invalid string: ill-formed UTF-8 byte"));
  CHECK(mentions(refused("{'a':1}", 1), "header: "));
  CHECK(mentions(refused("{/**/}", 0), "header: "));
  std::string deep = "{\"a\":{\"shape\":";
  deep += std::string(100'000, '[');
  CHECK(mentions(refused(deep, 0), "a: shape: a list has no place here"));
  std::string many = "[1";
  for (int i = 1; i < 64; ++i) many += ",1";
  CHECK(refused(one("U8", many + "]", "[0,1]"), 1) == "");
  CHECK(mentions(refused(one("U8", many + ",1]", "[0,1]"), 1), "shape has too many sizes"));
}

TEST_CASE("safetensors: offsets against the file, type and shape, holes and overlaps") {
  const auto two = [](const std::string& a, const std::string& b) {
    return R"({"a":{"dtype":"U8","shape":[2],"data_offsets":)" + a +
           R"(},"b":{"dtype":"U8","shape":[2],"data_offsets":)" + b + "}}";
  };
  CHECK(refused(two("[0,2]", "[2,4]"), 4) == "");
  CHECK(refused(two("[2,4]", "[0,2]"), 4) == "");
  CHECK(mentions(refused(two("[0,2]", "[1,3]"), 3), "b: data_offsets begin at 1, inside another"));
  CHECK(mentions(refused(two("[0,2]", "[0,2]"), 2), "data_offsets begin at 0, inside another"));
  CHECK(mentions(refused(two("[0,2]", "[3,5]"), 5), "b: data_offsets begin at 3, after a hole"));
  CHECK(mentions(refused(two("[1,3]", "[3,5]"), 5), "a: data_offsets begin at 1, after a hole"));
  CHECK(mentions(refused(two("[0,2]", "[2,4]"), 3), "b: data_offsets end at 4, the file has 3"));
  CHECK(mentions(refused(two("[0,2]", "[2,4]"), 5), "elements: bytes follow after the last array"));
  CHECK(mentions(refused(two("[0,3]", "[3,5]"), 5),
                 "a: data_offsets 0 to 3, but (2,) of uint8 are "
                 "2 bytes"));
  CHECK(mentions(refused("{}", 1), "bytes follow after the last array"));
  // An array of no elements has a place, too.
  CHECK(mentions(refused(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
                         R"("n":{"dtype":"U8","shape":[0],"data_offsets":[1,1]}})",
                         2),
                 "begin at 1, inside another"));
  CHECK(mentions(refused(one("U8", "[0]", "[9,9]"), 0), "begin at 9, after a hole"));
}

TEST_CASE("safetensors: products that wrap, with a zero before or after") {
  for (const char* shape :
       {"[4294967296,4294967296]", "[4294967296,4294967296,0]", "[0,4294967296,4294967296]",
        "[2305843009213693952]", "[0,2305843009213693952]", "[18446744073709551615,2]"}) {
    CAPTURE(shape);
    CHECK(
        mentions(refused(one("F64", shape, "[0,0]"), 0), "shape: its product is beyond any file"));
  }
  CHECK(mentions(refused(one("U8", "[18446744073709551615]", "[0,18446744073709551615]"), 4),
                 "data_offsets end at 18446744073709551615, the file has 4"));
}

TEST_CASE("safetensors: every beginning is refused, every changed bit ends well") {
  const std::string header = R"({"b":{"shape":[2],"dtype":"F32","data_offsets":[0,8]},)"
                             R"("a":{"dtype":"U8","shape":[3,1],"data_offsets":[8,11]}})";
  const std::string content = safetensors_of(header, std::string(11, 'x'));
  CHECK(refusal(parse, content) == "");
  CHECK(first_beginning_read(parse, content) == content.size());
  CHECK(flips_read(parse, content) >= 8 * 11);  // the elements' bits
}
