// Files that are written whole or not at all.
//
//   absent, regular file     temporary file in the same folder, fsync, rename, fsync of the folder
//   symlink to one of these  the same, for the file at its end; the link stays
//   device, FIFO             opened and written; it stays what it is
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <tutelage/core/errors.hpp>
#include <tutelage/core/target.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {

// An open file, closed at the end. Every call's result is checked; errors name the file.
class output_descriptor {
 public:
  output_descriptor(int file, std::string path) : file_(file), path_(std::move(path)) {}
  output_descriptor(const output_descriptor&) = delete;
  output_descriptor& operator=(const output_descriptor&) = delete;
  ~output_descriptor() {
    if (file_ >= 0) ::close(file_);
  }

  void write(std::string_view content) const {
    all_of(content, [&](std::string_view rest) {
      return ::write(file_, rest.data(), rest.size());  //
    });
  }

  // In place of what was written from byte `at` on.
  void overwrite(std::size_t at, std::string_view content) const {
    all_of(content, [&](std::string_view rest) {
      const auto place = static_cast<off_t>(at + content.size() - rest.size());
      return ::pwrite(file_, rest.data(), rest.size(), place);
    });
  }

  void set_mode(mode_t mode) const {
    if (::fchmod(file_, mode) != 0) fail("set the mode of");
  }

  // Forces what was written to the disk. EINVAL: it is on none (a FIFO, a terminal).
  void sync() const {
    while (::fsync(file_) != 0) {
      if (errno == EINVAL) return;
      if (errno != EINTR) fail("write");
    }
  }

  // Interrupted, it is closed all the same.
  void close() {
    if (::close(std::exchange(file_, -1)) != 0 && errno != EINTR) fail("write");
  }

 private:
  // Calls some(rest), which says how many bytes it wrote, until there is no rest.
  template <class Some>
  void all_of(std::string_view rest, const Some& some) const {
    while (!rest.empty()) {
      const ssize_t written = some(rest);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail("write");
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
  }

  [[noreturn]] void fail(const char* operation) const { throw io_error(operation, path_, errno); }

  int file_;
  std::string path_;
};

// Pieces on their way to what cannot be overwritten.
struct collected_pieces {
  void write(std::string_view piece) { content += piece; }
  void overwrite(std::size_t at, std::string_view piece) {
    content.replace(at, piece.size(), piece);
  }
  std::string content;
};

// Where a path leads when its last part is a symlink, to a file that may not be there yet.
inline std::string end_of_links(const std::string& path) {
  std::filesystem::path at = path;
  std::error_code none;
  constexpr int most_links = 40;  // the kernel's own limit
  for (int links = 0; std::filesystem::is_symlink(at, none); ++links) {
    const auto target = std::filesystem::read_symlink(at, none);
    if (links == most_links || none) {
      throw io_error("follow the link", path, none ? none.value() : ELOOP);
    }
    at = at.parent_path() / target;  // an absolute target replaces the folder
  }
  return at.string();
}

inline void force_folder_of(const std::string& path) {
  const auto parent = std::filesystem::path(path).parent_path().string();
  const std::string folder = parent.empty() ? "." : parent;
  const int file = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0 && errno == EACCES) return;  // may be written and not be read: cannot be forced
  if (file < 0) throw io_error("open", folder, errno);
  output_descriptor opened(file, folder);
  opened.sync();
  opened.close();
}

template <class Produce>
void replace_file(const std::string& path, const Produce& produce, mode_t mode) {
  std::string temporary = path + ".XXXXXX";
  const int file = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (file < 0) throw io_error("create a temporary file beside", path, errno);
  try {
    output_descriptor opened(file, path);
    produce(opened);
    opened.set_mode(mode);
    opened.sync();
    opened.close();
    if (::rename(temporary.c_str(), path.c_str()) != 0) {
      throw io_error("rename a temporary file to", path, errno);
    }
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  force_folder_of(path);
}

inline void write_through(const std::string& path, std::string_view content) {
  const int file = ::open(path.c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC);
  if (file < 0) throw io_error("open", path, errno);
  output_descriptor opened(file, path);
  opened.write(content);
  opened.sync();
  opened.close();
}

}  // namespace detail

/// Makes what `produce(out)` writes what the file at `path` holds: out.write(piece) appends,
/// out.overwrite(at, piece) replaces bytes that were written. A regular file is replaced whole,
/// keeping its mode, or left as it was, also when `produce` throws; a new one may be read by all; both
/// are on the disk when this returns. A symlink is followed. A device or FIFO is written to, and a
/// FIFO waits for its reader. Throws io_error.
template <class Produce>
void write_pieces(const std::string& path, const Produce& produce) {
  struct stat status {};
  const bool exists = ::stat(path.c_str(), &status) == 0;
  if (exists && !S_ISREG(status.st_mode)) {
    detail::collected_pieces all;
    produce(all);
    return detail::write_through(path, all.content);
  }
  constexpr mode_t permissions = 0777, readable = 0644;
  detail::replace_file(detail::end_of_links(path), produce,
                       exists ? status.st_mode & permissions : readable);
}

/// The same of one piece.
inline void write_file(const std::string& path, std::string_view content) {
  write_pieces(path, [&](auto& out) { out.write(content); });
}

}  // namespace tutelage
