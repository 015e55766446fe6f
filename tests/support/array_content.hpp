// .npy, .npz and safetensors files as bytes, written from the formats' descriptions and not with the
// library.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace test {

/// `value`, least significant byte first.
inline std::string little_endian(std::uint64_t value, std::size_t bytes) {
  std::string result;
  for (std::size_t i = 0; i < bytes; ++i) result += static_cast<char>(value >> (8 * i) & 0xFF);
  return result;
}

template <class E>
std::string bytes_of(const std::vector<E>& elements) {
  std::string result(elements.size() * sizeof(E), '\0');
  if (!elements.empty()) std::memcpy(result.data(), elements.data(), result.size());
  return result;
}

/// A .npy file whose header is this dictionary.
inline std::string npy_of(const std::string& dictionary, const std::string& data, int major = 1) {
  std::string header = dictionary;
  const std::size_t before = major == 1 ? 10 : 12;
  while ((before + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  return "\x93NUMPY" + std::string{static_cast<char>(major), '\0'} +
         little_endian(header.size(), major == 1 ? 2 : 4) + header + data;
}
inline std::string npy_of(const std::string& descr, const std::string& shape,
                          const std::string& data, const std::string& fortran_order = "False") {
  return npy_of("{'descr': '" + descr + "', 'fortran_order': " + fortran_order +
                    ", 'shape': " + shape + ", }",
                data);
}

inline std::string deflated(std::string_view content) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    throw std::runtime_error("deflateInit2");
  }
  std::string in(content);
  std::string out(deflateBound(&stream, static_cast<uLong>(in.size())), '\0');
  stream.next_in = reinterpret_cast<unsigned char*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<unsigned char*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int code = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (code != Z_STREAM_END) throw std::runtime_error("deflate");
  return out;
}

/// One member of an archive; what differs from a plain one is set after construction.
struct zip_entry {
  std::string name, data;
  bool deflate = false;
  bool zip64 = false;         // sizes and place in extra fields of 64 bits
  bool sizes_follow = false;  // the local header leaves them to a descriptor
  std::uint32_t crc_change = 0;
  std::uint64_t more_size = 0;  // announced beyond the truth, in both headers
  std::string other_extra{};    // before the ZIP64 one
};

/// An archive; `zip64_end`: with the end record of 64 bits.
inline std::string zip_of(const std::vector<zip_entry>& entries, bool zip64_end = false,
                          const std::string& comment = "") {
  std::string file, directory;
  const auto n16 = [](std::uint64_t x) { return little_endian(x, 2); };
  const auto n32 = [](std::uint64_t x) { return little_endian(x, 4); };
  const auto n64 = [](std::uint64_t x) { return little_endian(x, 8); };
  for (const auto& e : entries) {
    const std::string packed = e.deflate ? deflated(e.data) : e.data;
    const std::uint64_t size = e.data.size() + e.more_size;
    const std::uint64_t packed_size = packed.size() + (e.deflate ? 0 : e.more_size);
    const std::uint64_t crc = crc32(0, reinterpret_cast<const unsigned char*>(e.data.data()),
                                    static_cast<uInt>(e.data.size())) ^
                              e.crc_change;
    const std::string begin =
        n16(e.zip64 ? 45 : 20) + n16(e.sizes_follow ? 8 : 0) + n16(e.deflate ? 8 : 0) + n32(0x2100);
    const std::string narrow_sizes =
        e.zip64 ? n32(0xFFFFFFFF) + n32(0xFFFFFFFF) : n32(packed_size) + n32(size);
    const std::string local_extra =
        e.other_extra + (e.zip64 ? n16(1) + n16(16) + n64(size) + n64(packed_size) : "");
    const std::string extra =
        e.other_extra +
        (e.zip64 ? n16(1) + n16(24) + n64(size) + n64(packed_size) + n64(file.size()) : "");
    directory += n32(0x02014B50) + n16(45) + begin + n32(crc) + narrow_sizes + n16(e.name.size()) +
                 n16(extra.size()) + n16(0) + n16(0) + n16(0) + n32(0) +
                 n32(e.zip64 ? 0xFFFFFFFF : file.size()) + e.name + extra;
    file += n32(0x04034B50) + begin +
            (e.sizes_follow && !e.zip64 ? n32(0) + n32(0) + n32(0) : n32(crc) + narrow_sizes) +
            n16(e.name.size()) + n16(local_extra.size()) + e.name + local_extra + packed;
    if (e.sizes_follow) file += n32(0x08074B50) + n32(crc) + n32(packed_size) + n32(size);
  }
  const std::uint64_t place = file.size();
  file += directory;
  const std::uint64_t count = entries.size();
  if (zip64_end) {
    const std::uint64_t record = file.size();
    file += n32(0x06064B50) + n64(44) + n16(45) + n16(45) + n32(0) + n32(0) + n64(count) +
            n64(count) + n64(directory.size()) + n64(place);
    file += n32(0x07064B50) + n32(0) + n64(record) + n32(1);
    file += n32(0x06054B50) + n16(0) + n16(0) + n16(0xFFFF) + n16(0xFFFF) + n32(0xFFFFFFFF) +
            n32(0xFFFFFFFF);
  } else {
    file += n32(0x06054B50) + n16(0) + n16(0) + n16(count) + n16(count) + n32(directory.size()) +
            n32(place);
  }
  return file + n16(comment.size()) + comment;
}

/// A safetensors file of this header and data.
inline std::string safetensors_of(const std::string& header, const std::string& data) {
  return little_endian(header.size(), 8) + header + data;
}

}  // namespace test
