#include <tutelage/io/npz.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "support/array_content.hpp"
#include "support/guarded_bytes.hpp"

namespace {

using namespace test;
using namespace tutelage;

const auto parse = [](std::span<const unsigned char> bytes) { parse_npz(bytes, "file"); };

const std::string first = npy_of("<f8", "(2,)", bytes_of<double>({1, 2}));
const std::string second = npy_of("<f4", "(2, 3)", bytes_of<float>({1, 2, 3, 4, 5, 6}));

std::vector<float> numbers(const named_array& a) {
  std::vector<float> result(a.size());
  a.read(std::span<float>(result));
  return result;
}

void check_both(const std::string& content) {
  const guarded_bytes guarded(content);
  const auto npz = parse_npz(guarded.bytes(), "file");
  REQUIRE(npz.arrays.size() == 2);
  CHECK(npz.arrays[0].name == "0.weight");
  CHECK(npz.arrays[0].file == "file(0.weight.npy)");
  CHECK(numbers(npz.arrays[0]) == std::vector<float>{1, 2});
  CHECK(npz.arrays[1].name == "b");
  CHECK(npz.arrays[1].shape == std::vector<std::size_t>{2, 3});
  CHECK(numbers(npz.arrays[1]) == std::vector<float>{1, 2, 3, 4, 5, 6});
}

// Both members, as `change` makes them.
template <class Change>
std::string both(const Change& change, bool zip64_end = false, const std::string& comment = "") {
  std::vector<zip_entry> entries{{"0.weight.npy", first}, {"b.npy", second}};
  for (auto& e : entries) change(e);
  return zip_of(entries, zip64_end, comment);
}

std::string refused(const std::string& content) { return refusal(parse, content); }
bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("npz: stored and deflated, narrow and ZIP64, sizes before and after") {
  for (const bool deflate : {false, true}) {
    for (const bool zip64 : {false, true}) {
      for (const bool follow : {false, true}) {
        for (const bool zip64_end : {false, true}) {
          CAPTURE(deflate);
          CAPTURE(zip64);
          CAPTURE(follow);
          check_both(both(
              [&](zip_entry& e) {
                e.deflate = deflate;
                e.zip64 = zip64;
                e.sizes_follow = follow;
              },
              zip64_end));
        }
      }
    }
  }
  check_both(both([](zip_entry&) {}, false, "a comment"));
  check_both(both([](zip_entry&) {}, true, "PK\5\6 and more that looks like an end record"));
  // ZIP64 after another extra field, as some writers align data.
  check_both(both([](zip_entry& e) {
    e.zip64 = true;
    e.other_extra = little_endian(0x4246, 2) + little_endian(3, 2) + "abc";
  }));
  check_both(zip_of({{"0.weight.npy", first}, {"b.npy", second, true, true}}));
}

TEST_CASE("npz: no arrays, and an array of none") {
  const std::string none = zip_of({});
  const guarded_bytes guarded(none);
  CHECK(parse_npz(guarded.bytes(), "file").arrays.empty());
  for (const bool deflate : {false, true}) {
    CHECK(refused(zip_of({{"a.npy", npy_of("<f8", "(0,)", ""), deflate}})) == "");
    CHECK(mentions(refused(zip_of({{"a.npy", "", deflate}})), "magic number: the file is cut off"));
  }
}

TEST_CASE("npz: checksums, sizes and names") {
  const auto change = [](auto member, auto value) {
    return both([&](zip_entry& e) { e.*member = value; });
  };
  for (const bool deflate : {false, true}) {
    CHECK(mentions(refused(both([&](zip_entry& e) {
                     e.deflate = deflate;
                     e.crc_change = 1;
                   })),
                   "its checksum is not that of its data"));
  }
  CHECK(refused(change(&zip_entry::name, std::string("same.npy"))) ==
        "byte 0: same.npy: is there twice");
  CHECK(mentions(refused(change(&zip_entry::name, std::string("text"))), "is no array"));
  CHECK(mentions(refused(change(&zip_entry::name, std::string(".npy"))), "is no array"));
  CHECK(mentions(refused(change(&zip_entry::name, std::string("a\0.npy", 6))), "zero byte"));
  // Announced sizes that the data do not have: refused before anything is taken.
  CHECK(mentions(refused(zip_of({{"a.npy", first, true, false, false, 0, 1}})),
                 "its deflated data are damaged: 144 bytes of 145"));
  CHECK(mentions(refused(zip_of({{"a.npy", first, true, true, false, 0, 1ULL << 40U}})),
                 "cannot have 1099511627920 bytes in "));
  CHECK(mentions(refused(zip_of({{"a.npy", first, false, false, false, 0, 1}})),
                 "lies outside its place"));
  CHECK(mentions(refused(zip_of({{"a.npy", first, false, true, false, 0, ~0ULL - 200}})),
                 "lies outside its place"));
}

TEST_CASE("npz: arrays after one with ZIP64 fields are not lost") {
  std::vector<zip_entry> entries;
  for (int i = 0; i < 5; ++i) {
    entries.push_back({"a" + std::to_string(i) + ".npy", first, i % 2 == 1, i < 3});
  }
  const std::string content = zip_of(entries);
  const guarded_bytes guarded(content);
  const auto npz = parse_npz(guarded.bytes(), "file");
  REQUIRE(npz.arrays.size() == 5);
  for (const auto& a : npz.arrays) CHECK(numbers(a) == std::vector<float>{1, 2});
}

TEST_CASE("npz: 77 bytes that other readers read past") {
  // A local header whose member is 42 bytes long and whose .npy header is not; nothing else.
  const std::string member = std::string("\x93NUMPY\x01\x00\xF6\xFF", 10) + std::string(32, ' ');
  const std::string header = little_endian(0x04034B50, 4) + std::string(14, '\0') +
                             little_endian(42, 4) + little_endian(42, 4) + little_endian(5, 2) +
                             little_endian(0, 2) + "a.npy";
  REQUIRE((header + member).size() == 77);
  CHECK(refused(header + member) ==
        "byte 77: end record: is not there: the file is cut off or no .npz");
  // The same member in a whole archive.
  for (const bool deflate : {false, true}) {
    CHECK(refused(zip_of({{"a.npy", member, deflate}})) == "byte 42: header: the file is cut off");
  }
}

TEST_CASE("npz: what directory and local headers disagree about") {
  const std::string good = zip_of({{"a.npy", first}});
  const std::size_t directory = 30 + 5 + first.size();
  REQUIRE(good.substr(directory, 4) == little_endian(0x02014B50, 4));
  const auto with = [&](std::size_t at, std::uint64_t value, std::size_t bytes) {
    std::string content = good;
    content.replace(at, bytes, little_endian(value, bytes));
    return refused(content);
  };
  CHECK(with(0, 0, 4) == "byte 0: a.npy: local header: is not where the directory says");
  CHECK(mentions(with(6, 2, 2), "local header: says another thing than the directory"));
  CHECK(mentions(with(8, 8, 2), "local header: says another thing than the directory"));
  CHECK(mentions(with(14, 1, 4), "local header: says another thing than the directory"));
  CHECK(mentions(with(18, 1, 4), "local header: says another thing than the directory"));
  CHECK(mentions(with(22, 1, 4), "local header: says another thing than the directory"));
  CHECK(mentions(with(26, 4, 2), "local header: says another thing than the directory"));
  CHECK(mentions(with(28, 0xFFFF, 2), "lies outside its place"));
  CHECK(mentions(with(30, 'b', 1), "local header: says another thing than the directory"));
  CHECK(mentions(with(directory + 8, 1, 2), "a.npy: is encrypted"));
  CHECK(mentions(with(directory + 10, 12, 2), "is compressed by method 12"));
  CHECK(mentions(with(directory + 34, 1, 2), "lies on another disk"));
  CHECK(mentions(with(directory + 42, 1, 4), "is not where the directory says"));
  CHECK(mentions(with(directory + 42, 0xFFFFFFF0, 4), "lies outside its place"));
  CHECK(mentions(with(directory + 42, 0xFFFFFFFF, 4), "ZIP64 extra field: is not there"));
  CHECK(mentions(with(directory + 28, 0xFFFF, 2), "directory: lies outside its place"));
  const std::size_t end = good.size() - 22;
  CHECK(mentions(with(end + 4, 1, 2), "names several disks"));
  CHECK(mentions(with(end + 8, 2, 2), "names several disks"));
  CHECK(mentions(with(end + 12, 50, 4), "does not end where the end record begins"));
  CHECK(mentions(with(end + 16, directory + 1, 4), "lies outside its place"));
  CHECK(mentions(with(end + 20, 1, 2), "end record: is not there"));
  std::string two = good;  // one entry, two announced
  two.replace(end + 8, 4, little_endian(2, 2) + little_endian(2, 2));
  CHECK(mentions(refused(two), "directory: lies outside its place"));
  two.replace(end + 8, 4, little_endian(0, 2) + little_endian(0, 2));
  CHECK(mentions(refused(two), "directory: does not end where the end record says"));
}

TEST_CASE("npz: members that overlap") {
  // Two directory entries for one place.
  std::string content = zip_of({{"a.npy", first}, {"a.npy", first}});
  const std::size_t directory = 2 * (30 + 5 + first.size());
  content.replace(directory + 46 + 5 + 42, 4, little_endian(0, 4));
  CHECK(mentions(refused(content), "directory: two members overlap"));
}

TEST_CASE("npz: every beginning is refused, every changed bit ends well") {
  for (const bool deflate : {false, true}) {
    const std::string content = both(
        [&](zip_entry& e) {
          e.deflate = deflate;
          e.zip64 = true;
        },
        true);
    CHECK(first_beginning_read(parse, content) == content.size());
    // Only what the archive says of itself without consequence: versions, times, attributes.
    CHECK(flips_read(parse, content) <= 8 * 2 * (2 + 2 + 4 + 2 + 4 + 4 + 2) + 8 * 8);
  }
}
