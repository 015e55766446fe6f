#include "common/progress.hpp"

#include <unistd.h>

#include <cstdio>

namespace examples {

progress::progress(std::size_t total, bool quiet)
    : total_(total), visible_(!quiet && ::isatty(STDERR_FILENO) == 1) {}

progress::~progress() {
  if (visible_) std::fputs("\r\033[K", stderr);
}

void progress::advance(const std::string& note) {
  const std::scoped_lock lock(drawing_);
  ++done_;
  const auto now = clock::now();
  if (!visible_ || (done_ < total_ && now - last_ < std::chrono::milliseconds(100))) return;
  last_ = now;
  draw(note);
}

void progress::draw(const std::string& note) {
  constexpr std::size_t width = 30;
  const std::size_t filled = width * done_ / total_;
  const double spent = std::chrono::duration<double>(clock::now() - start_).count();
  const double left = spent * static_cast<double>(total_ - done_) / static_cast<double>(done_);
  std::fprintf(stderr, "\r\033[K[%s%s] %3zu%%  %s  %.0f s left", std::string(filled, '#').c_str(),
               std::string(width - filled, '.').c_str(), 100 * done_ / total_, note.c_str(), left);
  std::fflush(stderr);
}

}  // namespace examples
