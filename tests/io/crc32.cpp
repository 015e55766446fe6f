#include <tutelage/io/crc32.hpp>

#include <doctest/doctest.h>

#include <string>

#include "support/guarded_bytes.hpp"

using namespace test;
using namespace tutelage;

namespace {

std::string noise(std::size_t size) {
  std::string result(size, '\0');
  std::uint32_t state = 1;
  for (char& c : result) {
    state = state * 1664525 + 1013904223;
    c = static_cast<char>(state >> 24U);
  }
  return result;
}

// A bit at a time.
std::uint32_t plain_crc32(std::span<const unsigned char> bytes) {
  std::uint32_t crc = ~0U;
  for (const unsigned char byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1U ^ ((crc & 1U) != 0 ? 0xEDB88320U : 0U);
  }
  return ~crc;
}

}  // namespace

TEST_CASE("crc32: of every length, zlib's and the definition's") {
  const std::string text = "123456789";
  CHECK(detail::add_crc32(0, guarded_bytes(text).bytes()) == 0xCBF43926U);  // as everybody's
  for (std::size_t size = 0; size < 700; ++size) {
    CAPTURE(size);
    const guarded_bytes bytes(noise(size));
    const auto crc = detail::add_crc32(0, bytes.bytes());
    CHECK(crc == plain_crc32(bytes.bytes()));
    if (size != 0) CHECK(crc == detail::zlib_crc32(0, bytes.bytes()));
  }
}

TEST_CASE("crc32: in two pieces, cut anywhere") {
  const std::string content = noise(517);
  const auto whole = plain_crc32(guarded_bytes(content).bytes());
  for (std::size_t cut = 0; cut <= content.size(); ++cut) {
    CAPTURE(cut);
    const guarded_bytes first(content.substr(0, cut)), second(content.substr(cut));
    CHECK(detail::add_crc32(detail::add_crc32(0, first.bytes()), second.bytes()) == whole);
  }
}
