#include "common/interrupt.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

namespace examples {

namespace {

std::atomic<int> pipe_end = -1;
constexpr std::array handled{SIGINT, SIGTERM, SIGHUP};

// Any thread may be the one that is interrupted (those of BLAS were there before main), so all it
// does is to wake the thread that waits.
extern "C" void wake(int signal) {
  const int error_number = errno;
  const auto byte = static_cast<unsigned char>(signal);
  static_cast<void>(!::write(pipe_end, &byte, 1));
  errno = error_number;
}

}  // namespace

on_interrupt::on_interrupt(std::function<std::string()> last_words) {
  if (::pipe2(pipe_, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category());
  pipe_end = pipe_[1];
  waiting_ = std::thread([last_words = std::move(last_words), end = pipe_[0]] {
    unsigned char signal = 0;
    while (::read(end, &signal, 1) < 0 && errno == EINTR) {
    }
    if (signal == 0) return;
    std::fprintf(stderr, "\n%s\n", last_words().c_str());
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  });
  struct sigaction action {};
  action.sa_handler = wake;
  action.sa_flags = SA_RESTART;
  for (std::size_t i = 0; i < old_.size(); ++i) {
    ::sigaction(handled[i], &action, &old_[i]);
    if (old_[i].sa_handler != SIG_IGN) continue;
    ::sigaction(handled[i], &old_[i], nullptr);  // as whoever began us wants
  }
}

on_interrupt::~on_interrupt() {
  for (std::size_t i = 0; i < old_.size(); ++i) ::sigaction(handled[i], &old_[i], nullptr);
  const unsigned char none = 0;
  static_cast<void>(!::write(pipe_[1], &none, 1));
  waiting_.join();
  for (const int end : pipe_) ::close(end);
}

}  // namespace examples
