// IDX files, the format of MNIST and Fashion-MNIST, plain or gzip.
//
//   bytes 0-1   zero
//   byte  2     type: 0x08 unsigned byte, 0x09 signed byte, 0x0B int16, 0x0C int32, 0x0D float32,
//               0x0E float64
//   byte  3     number of dimensions D
//   then        D sizes, 32 bits each, then the elements, row-major; all big-endian
//
// A plain file is mapped, not read: elements are converted when asked for. A gzip file is inflated
// into memory. Needs zlib (CMake component `images`).
#pragma once

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <tutelage/core/errors.hpp>
#include <tutelage/core/mapped_file.hpp>
#include <utility>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

enum class idx_type : std::uint8_t {
  uint8 = 0x08,
  int8 = 0x09,
  int16 = 0x0B,
  int32 = 0x0C,
  float32 = 0x0D,
  float64 = 0x0E
};

namespace detail {

// A file's bytes, in memory or mapped.
class file_bytes {
 public:
  explicit file_bytes(const std::string& path) {
    const descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (file.number < 0) throw io_error("open", path, errno);
    std::array<unsigned char, 2> magic{};
    const bool gzip =
        ::pread(file.number, magic.data(), 2, 0) == 2 && magic[0] == 0x1F && magic[1] == 0x8B;
    if (gzip) {
      inflate(path, file.number);
    } else {
      plain_.emplace(file, path);
    }
  }

  [[nodiscard]] std::span<const unsigned char> bytes() const noexcept {
    return plain_ ? plain_->bytes() : std::span<const unsigned char>(inflated_);
  }

 private:
  void inflate(const std::string& path, int file) {
    descriptor copied{::dup(file)};
    const std::unique_ptr<gzFile_s, int (*)(gzFile)> stream(::gzdopen(copied.number, "rb"),
                                                            gzclose);
    if (!stream) throw io_error("inflate", path, ENOMEM);
    copied.number = -1;  // the stream closes it
    constexpr unsigned step = 1U << 20;
    for (int got = 1; got > 0;) {
      const std::size_t done = inflated_.size();
      inflated_.resize(done + step);
      got = ::gzread(stream.get(), inflated_.data() + done, step);
      inflated_.resize(done + static_cast<std::size_t>(std::max(got, 0)));
    }
    int code = Z_OK;
    const char* const problem = ::gzerror(stream.get(), &code);
    if (code != Z_OK) {
      // zlib names what it read from, a file descriptor, before the problem.
      const std::string_view message = problem;
      const std::size_t name_end = message.find(": ");
      throw format_error(
          path, inflated_.size(), "gzip data",
          code == Z_BUF_ERROR
              ? "the file is cut off"
              : std::string(message.substr(name_end == message.npos ? 0 : name_end + 2)));
    }
  }

  std::optional<mapped_file> plain_;
  std::vector<unsigned char> inflated_;
};

}  // namespace detail

/// An IDX file of any type. The first dimension counts samples; the rest are one sample.
class idx_file {
 public:
  /// Throws io_error when the file cannot be read, format_error when it is not IDX or its length is
  /// not what its header says.
  explicit idx_file(std::string path) : path_(std::move(path)), file_(path_) {
    const auto bytes = file_.bytes();
    require_bytes(4, "magic number");
    if (bytes[0] != 0 || bytes[1] != 0) {
      throw format_error(path_, 0, "magic number", "an IDX file begins with two zero bytes");
    }
    type_ = static_cast<idx_type>(bytes[2]);
    if (element_size() == 0) {
      throw format_error(path_, 2, "type", detail::text("unknown type ", int{bytes[2]}));
    }
    const std::size_t dimensions = bytes[3];
    if (dimensions == 0) throw format_error(path_, 3, "dimensions", "0, expected at least 1");
    data_begin_ = 4 + 4 * dimensions;
    require_bytes(data_begin_, "sizes");
    std::size_t total = 1;
    for (std::size_t i = 0; i < dimensions; ++i) {
      shape_.push_back(read_big_endian<std::uint32_t>(4 + 4 * i));
      // Both products: after a size of 0 the total is 0 whatever follows.
      if ((i > 0 && __builtin_mul_overflow(cols_, shape_.back(), &cols_)) ||
          __builtin_mul_overflow(total, shape_.back(), &total)) {
        throw format_error(path_, 4 + 4 * i, "sizes", "their product is beyond any file");
      }
    }
    std::size_t data_size = 0;
    if (__builtin_mul_overflow(total, element_size(), &data_size) ||
        data_size > bytes.size() - data_begin_) {
      throw format_error(path_, bytes.size(), "elements",
                         detail::text("the file is cut off: ", total, " elements announced, ",
                                      (bytes.size() - data_begin_) / element_size(), " present"));
    }
    if (data_size < bytes.size() - data_begin_) {
      throw format_error(path_, data_begin_ + data_size, "elements",
                         "bytes follow after the last element");
    }
  }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] idx_type type() const noexcept { return type_; }
  [[nodiscard]] std::span<const std::size_t> shape() const noexcept { return shape_; }
  /// Samples.
  [[nodiscard]] std::size_t rows() const noexcept { return shape_.front(); }
  /// Elements of a sample.
  [[nodiscard]] std::size_t cols() const noexcept { return cols_; }

  /// Where sample i begins: a byte of the file, or of what a gzip file inflates to.
  [[nodiscard]] std::size_t row_offset(std::size_t i) const noexcept {
    return data_begin_ + i * cols_ * element_size();
  }

  /// Sample i, converted to T. Throws shape_error unless there is one and `out` has cols()
  /// elements.
  template <class T>
  void read_row(std::size_t i, std::span<T> out) const {
    if (i >= rows() || out.size() != cols_) {
      throw shape_error(detail::text("read_row: sample ", i, " into ", out.size(),
                                     " elements, expected one below ", rows(), " into ", cols_));
    }
    with_element_type([&]<class Element>(Element) {
      const std::size_t begin = data_begin_ + i * cols_ * sizeof(Element);
      for (std::size_t k = 0; k < cols_; ++k) {
        out[k] = static_cast<T>(read_big_endian<Element>(begin + k * sizeof(Element)));
      }
    });
  }

 private:
  void require_bytes(std::size_t count, const char* field) const {
    if (file_.bytes().size() < count) {
      throw format_error(path_, file_.bytes().size(), field, "the file is cut off");
    }
  }

  template <class Element>
  [[nodiscard]] Element read_big_endian(std::size_t offset) const noexcept {
    std::array<unsigned char, sizeof(Element)> raw;
    std::memcpy(raw.data(), file_.bytes().data() + offset, sizeof(Element));
    if constexpr (std::endian::native == std::endian::little) {
      std::reverse(raw.begin(), raw.end());
    }
    return std::bit_cast<Element>(raw);
  }

  // Calls visit with a value of the type that the file's elements have; returns nothing for others.
  template <class Visit>
  void with_element_type(const Visit& visit) const {
    switch (type_) {
      case idx_type::uint8:
        return visit(std::uint8_t{});
      case idx_type::int8:
        return visit(std::int8_t{});
      case idx_type::int16:
        return visit(std::int16_t{});
      case idx_type::int32:
        return visit(std::int32_t{});
      case idx_type::float32:
        return visit(float{});
      case idx_type::float64:
        return visit(double{});
    }
  }

  [[nodiscard]] std::size_t element_size() const noexcept {
    std::size_t size = 0;
    with_element_type([&]<class Element>(Element) { size = sizeof(Element); });
    return size;
  }

  std::string path_;
  detail::file_bytes file_;
  idx_type type_{};
  std::vector<std::size_t> shape_;
  std::size_t cols_ = 1;
  std::size_t data_begin_ = 0;
};

}  // namespace tutelage
