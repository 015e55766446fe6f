// A file's bytes, mapped where it is a regular file and read once where it is not.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include <tutelage/core/errors.hpp>
#include <tutelage/core/target.hpp>
#include <utility>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {

// Closes a file when it goes.
struct descriptor {
  explicit descriptor(int file) noexcept : number(file) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() {
    if (number >= 0) ::close(number);
  }
  int number;
};

}  // namespace detail

/// Bytes stay where they are as long as the object or what it was moved to lives. A file must not be
/// cut while it is mapped: write_file replaces files and never cuts one.
class mapped_file {
 public:
  /// Throws io_error when the file cannot be opened or read.
  explicit mapped_file(std::string path)
      : mapped_file(detail::descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), path) {}

  /// Of a file that is open already; `path` is what errors call it.
  mapped_file(const detail::descriptor& file, std::string path) : path_(std::move(path)) {
    if (file.number < 0) throw io_error("open", path_, errno);
    struct stat status {};
    if (::fstat(file.number, &status) != 0) throw io_error("read", path_, errno);
    if (S_ISDIR(status.st_mode)) throw io_error("read", path_, EISDIR);
    const auto size = static_cast<std::size_t>(status.st_size);
    if (!S_ISREG(status.st_mode)) {
      read_all(file.number);
      return;
    }
    if (size == 0) return;  // no mapping is empty
    void* const address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.number, 0);
    if (address == MAP_FAILED) throw io_error("map", path_, errno);
    mapped_ = {static_cast<unsigned char*>(address), unmap{size}};
  }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::span<const unsigned char> bytes() const noexcept {
    if (mapped_) return {mapped_.get(), mapped_.get_deleter().size};
    return read_;
  }

 private:
  struct unmap {
    std::size_t size;
    void operator()(unsigned char* address) const noexcept { ::munmap(address, size); }
  };

  // A FIFO or device, to its end.
  void read_all(int file) {
    constexpr std::size_t step = 1U << 20;
    for (ssize_t got = 1; got != 0;) {
      const std::size_t done = read_.size();
      read_.resize(done + step);
      got = ::read(file, read_.data() + done, step);
      read_.resize(done + static_cast<std::size_t>(got > 0 ? got : 0));
      if (got < 0 && errno != EINTR) throw io_error("read", path_, errno);
    }
  }

  std::string path_;
  std::unique_ptr<unsigned char, unmap> mapped_{nullptr, unmap{0}};
  std::vector<unsigned char> read_;
};

}  // namespace tutelage
