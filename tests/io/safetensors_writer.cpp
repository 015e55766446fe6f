#include <tutelage/io/safetensors_writer.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tutelage/io/safetensors.hpp>

#include "support/guarded_bytes.hpp"
#include "support/thrown.hpp"

using namespace test;
using namespace tutelage;

TEST_CASE("safetensors_writer: what is written is read") {
  auto W = make_matrix<double>(3, 70), b = make_matrix<double>(1, 3);
  for (std::size_t i = 0; i < 210; ++i) W(i / 70, i % 70) = 1.0 / static_cast<double>(i + 1);
  for (std::size_t i = 0; i < 3; ++i) b(0, i) = static_cast<double>(i);
  const float single = 0.1F;
  const std::uint64_t count = (1ULL << 63U) + 1;
  const std::vector<block<const double>> blocks{
      {"layer \"1\"\n.weight", {70, 3}, matrix_view<const double>(W), true},
      {"straight", {3, 70}, matrix_view<const double>(W), false},
      {"bias", {3}, matrix_view<const double>(b), false}};
  safetensors_writer writer;
  for (const auto& block : blocks) writer.add(block);
  writer.add(block<const float>{"single", {}, {&single, 1, 1, 1}});
  writer.add(block<const std::uint64_t>{"count", {1, 1}, {&count, 1, 1, 1}});
  writer.describe("b", "\u00fc\n");
  writer.describe("a", "1");
  const std::string content = writer.content();
  const guarded_bytes guarded(content);
  const auto file = parse_safetensors(guarded.bytes(), "file");
  CHECK(file.metadata == std::map<std::string, std::string>{{"a", "1"}, {"b", "\u00fc\n"}});
  REQUIRE(file.arrays.size() == 5);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(file.arrays[i].name == blocks[i].name);
    CHECK(file.arrays[i].shape == blocks[i].shape);
    CHECK(file.arrays[i].offset % 8 == 0);
  }
  std::vector<double> turned(210), straight(210);
  file.arrays[0].read(std::span<double>(turned));
  file.arrays[1].read(std::span<double>(straight));
  bool equal = true;
  for (std::size_t i = 0; i < 210; ++i) {
    equal = equal && turned[i] == W(i % 3, i / 3) && straight[i] == W(i / 70, i % 70);
  }
  CHECK(equal);
  CHECK(file.arrays[3].type == element_type::float32);
  CHECK(file.arrays[4].type == element_type::uint64);
  float single_read = 0;
  file.arrays[3].read(std::span<float>(&single_read, 1));
  CHECK(single_read == single);
  long double count_read = 0;
  file.arrays[4].read(std::span<long double>(&count_read, 1));
  CHECK(count_read == static_cast<long double>(count));
}

TEST_CASE("safetensors_writer: more than a piece") {
  auto wide = make_matrix<float>(1, 70'001), tall = make_matrix<float>(1301, 67);
  for (std::size_t k = 0; k < 70'001; ++k) wide(0, k) = static_cast<float>(k);
  for (std::size_t i = 0; i < 1301 * 67; ++i) tall(i / 67, i % 67) = static_cast<float>(i);
  safetensors_writer writer;
  writer.add(block<const float>{"wide", {70'001}, matrix_view<const float>(wide), false});
  writer.add(block<const float>{"tall", {67, 1301}, matrix_view<const float>(tall), true});
  std::size_t pieces = 0, largest = 0;
  std::string content;
  writer.write_to([&](std::string_view piece) {
    ++pieces;
    largest = std::max(largest, piece.size());
    content += piece;
  });
  CHECK(pieces >= 2);
  CHECK(largest <= 600'000);
  CHECK(content == writer.content());
  const guarded_bytes guarded(content);
  const auto file = parse_safetensors(guarded.bytes(), "file");
  std::vector<float> read_wide(70'001), read_tall(1301 * 67);
  file.arrays[0].read(std::span<float>(read_wide));
  file.arrays[1].read(std::span<float>(read_tall));
  bool equal = true;
  for (std::size_t k = 0; k < 70'001; ++k) equal = equal && read_wide[k] == wide(0, k);
  for (std::size_t i = 0; i < 1301 * 67; ++i) {
    equal = equal && read_tall[i] == tall(i % 1301, i / 1301);
  }
  CHECK(equal);
}

TEST_CASE("safetensors_writer: names") {
  const double x = 1;
  const auto named = [&](const std::string& name) {
    return block<const double>{name, {}, {&x, 1, 1, 1}};
  };
  safetensors_writer writer;
  writer.add(named("bias"));
  CHECK(message_of<argument_error>([&] { writer.add(named("bias")); }) ==
        "safetensors_writer: two blocks are called bias");
  thrown_by<argument_error>([&] { writer.add(named("\xFF")); });
  thrown_by<argument_error>([&] { writer.add(named("__metadata__")); });
  thrown_by<argument_error>([&] { writer.describe("a", "\xFF"); });
}

TEST_CASE("safetensors_writer: nothing, and texts alone") {
  const auto parse = [](std::span<const unsigned char> bytes) { parse_safetensors(bytes, "file"); };
  safetensors_writer writer;
  CHECK(refusal(parse, writer.content()).empty());
  writer.describe("x", "y");
  CHECK(refusal(parse, writer.content()).empty());
}
