// IDX files as bytes, written from the format's description and not with the library.
#pragma once

#include <zlib.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace test {

/// `value`, most significant byte first.
template <class Unsigned>
void append_big_endian(std::string& bytes, Unsigned value) {
  for (std::size_t i = sizeof(Unsigned); i-- > 0;) {
    bytes += static_cast<char>(static_cast<unsigned char>(value >> (8 * i) & 0xFF));
  }
}

/// The third byte of the format for elements of type E.
template <class E>
constexpr std::uint8_t idx_code() {
  if constexpr (std::is_same_v<E, std::uint8_t>) return 0x08;
  if constexpr (std::is_same_v<E, std::int8_t>) return 0x09;
  if constexpr (std::is_same_v<E, std::int16_t>) return 0x0B;
  if constexpr (std::is_same_v<E, std::int32_t>) return 0x0C;
  if constexpr (std::is_same_v<E, float>) return 0x0D;
  if constexpr (std::is_same_v<E, double>) return 0x0E;
}

/// Four magic bytes and the sizes.
inline std::string idx_header(std::uint8_t type, const std::vector<std::uint32_t>& sizes) {
  std::string bytes{'\0', '\0', static_cast<char>(type), static_cast<char>(sizes.size())};
  for (const std::uint32_t size : sizes) append_big_endian(bytes, size);
  return bytes;
}

/// A whole file.
template <class E>
std::string idx_content(const std::vector<std::uint32_t>& sizes, const std::vector<E>& elements) {
  using word = std::conditional_t<
      sizeof(E) == 1, std::uint8_t,
      std::conditional_t<sizeof(E) == 2, std::uint16_t,
                         std::conditional_t<sizeof(E) == 4, std::uint32_t, std::uint64_t>>>;
  std::string bytes = idx_header(idx_code<E>(), sizes);
  for (const E element : elements) {
    word bits;
    std::memcpy(&bits, &element, sizeof bits);
    append_big_endian(bytes, bits);
  }
  return bytes;
}

/// One gzip member.
inline std::string gzip(std::string_view content) {
  z_stream stream{};
  constexpr int gzip_window = 15 + 16;
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, gzip_window, 8,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::runtime_error("deflateInit2");
  }
  std::vector<unsigned char> in(content.begin(), content.end());
  std::string out(deflateBound(&stream, static_cast<uLong>(in.size())), '\0');
  stream.next_in = in.data();
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<unsigned char*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int code = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (code != Z_STREAM_END) throw std::runtime_error("deflate");
  return out;
}

}  // namespace test
