#include "sweep/file_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include <tutelage/core/errors.hpp>

namespace examples {

file_lock::file_lock(std::string path)
    : path_(std::move(path)),
      file_(::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) {
  if (file_ < 0) throw tutelage::io_error("open", path_, errno);
}

file_lock::~file_lock() { ::close(file_); }

bool file_lock::attempt(bool exclusive) {
  while (::flock(file_, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return false;
    if (errno != EINTR) throw tutelage::io_error("lock", path_, errno);
  }
  return true;
}

}  // namespace examples
