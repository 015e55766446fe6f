// Files that are written whole or not at all.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>
#include <string_view>

#include <tutelage/core/errors.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// Replaces the file at `path` by `content`: writes a temporary file in the same folder, forces it
/// to the disk, then renames it. On any error the old file, or none, is left. Throws io_error.
inline void write_file(const std::string& path, std::string_view content) {
  std::string temporary = path + ".XXXXXX";
  const int file = ::mkstemp(temporary.data());
  if (file < 0) throw io_error("create a temporary file beside", path, errno);
  const auto fail = [&](const char* operation) {
    const int error_number = errno;
    ::unlink(temporary.c_str());
    throw io_error(operation, path, error_number);
  };
  const auto fail_open = [&](const char* operation) {
    const int error_number = errno;
    ::close(file);
    errno = error_number;
    fail(operation);
  };
  while (!content.empty()) {
    const ssize_t written = ::write(file, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_open("write");
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  constexpr mode_t readable = 0644;
  if (::fchmod(file, readable) != 0) fail_open("set the mode of");
  if (::fsync(file) != 0) fail_open("write");
  if (::close(file) != 0) fail("write");
  if (::rename(temporary.c_str(), path.c_str()) != 0) fail("rename a temporary file to");
}

}  // namespace tutelage
