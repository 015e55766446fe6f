// NumPy's .npz: a ZIP archive of .npy files, one an array.
//
//   for each member   local header (30 bytes, name, extra fields), the data, perhaps a descriptor
//   directory         46 bytes, name, extra fields, comment for each member: where it begins, sizes
//   end               perhaps a ZIP64 end record and its locator, then the end record, 22 bytes
//
// What is read: members that are stored or deflated, ZIP64, checksums. What is refused: encryption,
// several disks, members that overlap, that two names or local and directory entries disagree about.
// Needs zlib (CMake component `io`).
#pragma once

#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <tutelage/io/npy.hpp>
#include <utility>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {

struct zip_member {
  std::string name;
  std::uint64_t begin = 0, packed = 0, size = 0;  // of its data in the file; bytes inflated
  std::uint32_t crc = 0;
  bool deflated = false;
};

class zip_reader {
 public:
  zip_reader(std::span<const unsigned char> bytes, const std::string& file)
      : bytes_(bytes), file_(file) {}

  // Checks everything but the data.
  [[nodiscard]] std::vector<zip_member> members() const {
    const auto [entries, begin, end] = find_directory();
    std::vector<zip_member> result;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> used;  // [first, last) of each member
    std::uint64_t at = begin;
    for (std::uint64_t i = 0; i < entries; ++i) {
      constexpr std::size_t fixed = 46;
      require(at, fixed, end, "directory");
      if (number<4>(at) != 0x02014B50) fail(at, "directory", "an entry has another signature");
      const std::uint64_t names = number<2>(at + 28), extras = number<2>(at + 30),
                          comments = number<2>(at + 32);
      require(at + fixed, names + extras + comments, end, "directory");
      zip_member m;
      m.name = text(at + fixed, names);
      const std::uint64_t flags = number<2>(at + 8), method = number<2>(at + 10);
      check_kind(at, m.name, flags, method);
      m.deflated = method == 8;
      m.crc = static_cast<std::uint32_t>(number<4>(at + 16));
      m.packed = number<4>(at + 20);
      m.size = number<4>(at + 24);
      std::uint64_t local = number<4>(at + 42);
      if (number<2>(at + 34) != 0) fail(at + 34, m.name, "lies on another disk");
      read_zip64(at + fixed + names, extras, m.name, {&m.size, &m.packed, &local});
      check_local(local, begin, flags, m);
      // Deflate's best is 1032 to 1.
      if (m.deflated ? m.size / 1040 > m.packed : m.size != m.packed) {
        fail(at + 24, m.name,
             detail::text("cannot have ", m.size, " bytes in ", m.packed, " of the file"));
      }
      used.emplace_back(local, m.begin + m.packed);
      result.push_back(std::move(m));
      at += fixed + names + extras + comments;
    }
    if (at != end) fail(at, "directory", "does not end where the end record says");
    std::sort(used.begin(), used.end());
    for (std::size_t i = 1; i < used.size(); ++i) {
      if (used[i].first < used[i - 1].second) {
        fail(used[i].first, "directory", "two members overlap");
      }
    }
    return result;
  }

  // A member's data: where it lies, or inflated into `room`.
  std::span<const unsigned char> data(const zip_member& m, std::vector<unsigned char>& room) const {
    auto data = bytes_.subspan(m.begin, m.packed);
    if (m.deflated) {
      inflate(m, room);
      data = room;
    }
    const uLong crc = ::crc32_z(0, data.data(), data.size());
    if (crc != m.crc) fail(m.begin, m.name, "its checksum is not that of its data");
    return data;
  }

 private:
  struct directory {
    std::uint64_t entries, begin, end;
  };

  [[noreturn]] void fail(std::uint64_t at, const std::string& field,
                         const std::string& problem) const {
    throw format_error(file_, at, field, problem);
  }

  // Are there `count` bytes from `at` on, before `end`?
  void require(std::uint64_t at, std::uint64_t count, std::uint64_t end,
               const std::string& field) const {
    if (at > end || count > end - at) fail(at, field, "lies outside its place");
  }

  template <std::size_t Bytes>
  [[nodiscard]] std::uint64_t number(std::uint64_t at) const noexcept {
    std::uint64_t value = 0;
    for (std::size_t i = Bytes; i-- > 0;) value = value << 8U | bytes_[at + i];
    return value;
  }
  [[nodiscard]] std::string text(std::uint64_t at, std::uint64_t count) const {
    return {reinterpret_cast<const char*>(bytes_.data()) + at, count};
  }

  void check_kind(std::uint64_t at, const std::string& name, std::uint64_t flags,
                  std::uint64_t method) const {
    if ((flags & 0x2041U) != 0) fail(at + 8, name, "is encrypted");
    if ((flags & 0x20U) != 0) fail(at + 8, name, "is a patch of another file");
    if (method != 0 && method != 8) {
      fail(at + 10, name,
           detail::text("is compressed by method ", method,
                        ", expected 0 (stored) or 8 (deflated)"));
    }
  }

  [[nodiscard]] directory find_directory() const {
    constexpr std::uint64_t fixed = 22, longest_comment = 0xFFFF;
    const std::uint64_t size = bytes_.size();
    if (size < fixed) fail(size, "end record", "the file is cut off or no .npz");
    // The last place whose comment ends with the file.
    std::uint64_t at = size - fixed;
    const std::uint64_t lowest = at > longest_comment ? at - longest_comment : 0;
    while (number<4>(at) != 0x06054B50 || number<2>(at + 20) != size - fixed - at) {
      if (at == lowest) fail(size, "end record", "is not there: the file is cut off or no .npz");
      --at;
    }
    std::uint64_t disk = number<2>(at + 4), first_disk = number<2>(at + 6);
    std::uint64_t here = number<2>(at + 8), entries = number<2>(at + 10);
    std::uint64_t length = number<4>(at + 12), begin = number<4>(at + 16);
    const bool wide = disk == 0xFFFF || first_disk == 0xFFFF || here == 0xFFFF ||
                      entries == 0xFFFF || length == 0xFFFFFFFF || begin == 0xFFFFFFFF;
    std::uint64_t end = at;
    if (wide && at >= 20 && number<4>(at - 20) == 0x07064B50) {
      const std::uint64_t record = number<8>(at - 12);
      require(record, 56, at - 20, "ZIP64 end record");
      if (number<4>(record) != 0x06064B50 || number<8>(record + 4) != at - 20 - record - 12) {
        fail(record, "ZIP64 end record", "is not where its locator says");
      }
      if (number<4>(at - 16) != 0 || number<4>(at - 4) != 1) {
        fail(at - 20, "ZIP64 locator", "names several disks");
      }
      // Each number that the narrow record has must be the same here.
      const auto widen = [&](std::uint64_t& value, std::uint64_t none, std::uint64_t wider) {
        if (value != none && value != wider) {
          fail(record, "ZIP64 end record", "says another thing than the end record");
        }
        value = wider;
      };
      widen(disk, 0xFFFF, number<4>(record + 16));
      widen(first_disk, 0xFFFF, number<4>(record + 20));
      widen(here, 0xFFFF, number<8>(record + 24));
      widen(entries, 0xFFFF, number<8>(record + 32));
      widen(length, 0xFFFFFFFF, number<8>(record + 40));
      widen(begin, 0xFFFFFFFF, number<8>(record + 48));
      end = record;
    }
    if (disk != 0 || first_disk != 0 || here != entries) {
      fail(at + 4, "end record", "names several disks");
    }
    require(begin, length, end, "directory");
    if (begin + length != end)
      fail(at + 12, "directory", "does not end where the end record begins");
    return {entries, begin, end};
  }

  // The extra field 1 has 64 bits for those of `values`, in order, whose 32 bits are all ones.
  void read_zip64(std::uint64_t at, std::uint64_t size, const std::string& name,
                  std::initializer_list<std::uint64_t*> values) const {
    constexpr std::uint64_t none = 0xFFFFFFFF;
    const std::uint64_t end = at + size;
    bool found = false;
    while (at != end) {
      require(at, 4, end, name + ": extra field");
      const std::uint64_t kind = number<2>(at), length = number<2>(at + 2);
      require(at + 4, length, end, name + ": extra field");
      if (kind == 1) {
        if (found) fail(at, name + ": ZIP64 extra field", "is there twice");
        found = true;
        std::uint64_t from = at + 4;
        for (std::uint64_t* const value : values) {
          if (*value != none) continue;
          require(from, 8, at + 4 + length, name + ": ZIP64 extra field");
          *value = number<8>(from);
          from += 8;
        }
      }
      at += 4 + length;
    }
    for (const std::uint64_t* const value : values) {
      if (!found && *value == none) fail(at, name + ": ZIP64 extra field", "is not there");
    }
  }

  // The local header at `at` must say what the directory does; sets where the data begins.
  void check_local(std::uint64_t at, std::uint64_t directory_begin, std::uint64_t flags,
                   zip_member& m) const {
    constexpr std::uint64_t fixed = 30;
    const std::string field = m.name + ": local header";
    require(at, fixed, directory_begin, field);
    if (number<4>(at) != 0x04034B50) fail(at, field, "is not where the directory says");
    const std::uint64_t names = number<2>(at + 26), extras = number<2>(at + 28);
    require(at + fixed, names + extras, directory_begin, field);
    m.begin = at + fixed + names + extras;
    require(m.begin, m.packed, directory_begin, m.name + ": data");
    const auto require_same = [&](std::uint64_t place, bool same) {
      if (!same) fail(place, field, "says another thing than the directory");
    };
    require_same(at + fixed, text(at + fixed, names) == m.name);
    require_same(at + 6, number<2>(at + 6) == flags);
    require_same(at + 8, number<2>(at + 8) == (m.deflated ? 8U : 0U));
    constexpr std::uint64_t follows = 8;  // sizes follow the data, and are 0 here
    std::uint64_t packed = number<4>(at + 18), size = number<4>(at + 22);
    if ((flags & follows) == 0) require_same(at + 14, number<4>(at + 14) == m.crc);
    read_zip64(at + fixed + names, extras, field, {&size, &packed});
    if ((flags & follows) == 0 || packed != 0 || size != 0) {
      require_same(at + 18, packed == m.packed && size == m.size);
    }
  }

  void inflate(const zip_member& m, std::vector<unsigned char>& room) const {
    z_stream stream{};
    constexpr int raw = -MAX_WBITS;
    if (::inflateInit2(&stream, raw) != Z_OK) throw io_error("inflate", file_, ENOMEM);
    const std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&stream, ::inflateEnd);
    room.resize(m.size);
    constexpr std::uint64_t most = std::numeric_limits<uInt>::max();  // at a time
    std::uint64_t taken = 0, given = 0;
    int code = Z_OK;
    unsigned char none = 0;  // zlib wants a place even for no bytes
    while (code == Z_OK) {
      const std::uint64_t in = std::min(most, m.packed - taken),
                          out = std::min(most, m.size - given);
      stream.next_in = const_cast<unsigned char*>(bytes_.data()) + m.begin + taken;
      stream.avail_in = static_cast<uInt>(in);
      stream.next_out = out == 0 ? &none : room.data() + given;
      stream.avail_out = static_cast<uInt>(out);
      code = ::inflate(&stream, Z_NO_FLUSH);
      taken += in - stream.avail_in;
      given += out - stream.avail_out;
    }
    if (code != Z_STREAM_END || taken != m.packed || given != m.size) {
      fail(m.begin + taken, m.name,
           detail::text("its deflated data are damaged: ", given, " bytes of ", m.size));
    }
  }

  std::span<const unsigned char> bytes_;
  const std::string& file_;
};

}  // namespace detail

/// The arrays of a .npz file. Those that are stored stay in its bytes; the others are inflated.
struct npz_arrays {
  std::vector<named_array> arrays;
  std::vector<std::vector<unsigned char>> inflated;
};

/// The arrays in the bytes of a .npz file, which errors call `file`, in the file's order. Throws
/// format_error when they are anything but an archive of whole .npy files with different names. An
/// array's errors call it `file(member)`, their byte counts from the member's beginning.
inline npz_arrays parse_npz(std::span<const unsigned char> bytes, const std::string& file) {
  constexpr std::string_view ending = ".npy";
  const detail::zip_reader archive(bytes, file);
  const auto members = archive.members();
  std::vector<std::string> names;
  for (const auto& m : members) {
    if (m.name.size() <= ending.size() || !m.name.ends_with(ending)) {
      throw format_error(file, m.begin, m.name, "is no array: its name does not end with .npy");
    }
    if (m.name.find('\0') != m.name.npos) {
      throw format_error(file, m.begin, "directory", "a name with a zero byte");
    }
    names.push_back(m.name);
  }
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) throw format_error(file, 0, *twice, "is there twice");

  npz_arrays result;
  for (const auto& m : members) {
    std::vector<unsigned char> room;
    const auto data = archive.data(m, room);
    auto array = parse_npy(data, detail::text(file, "(", m.name, ")"));
    array.name = m.name.substr(0, m.name.size() - ending.size());
    if (m.deflated) result.inflated.push_back(std::move(room));  // its bytes stay where they are
    result.arrays.push_back(std::move(array));
  }
  return result;
}

}  // namespace tutelage
