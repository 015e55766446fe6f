// Locks that end with the process that has them, however it ends.
#pragma once

#include <string>

namespace examples {

class file_lock {
 public:
  /// Opens the file, and makes it when it is not there. Throws io_error.
  explicit file_lock(std::string path);
  ~file_lock();
  file_lock(const file_lock&) = delete;
  file_lock& operator=(const file_lock&) = delete;

  /// False when another process's lock is in the way. A lock of the other kind is given up first, and
  /// not taken back. Throws io_error on file systems without locks.
  bool try_exclusive() { return attempt(true); }
  bool try_shared() { return attempt(false); }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// Open for reading and appending.
  [[nodiscard]] int file() const noexcept { return file_; }

 private:
  bool attempt(bool exclusive);

  std::string path_;
  int file_;
};

}  // namespace examples
