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
  const auto handle = [&](int signal, struct sigaction& old) {
    ::sigaction(signal, &action, &old);
    if (old.sa_handler == SIG_IGN) ::sigaction(signal, &old, nullptr);  // as whoever began us wants
  };
  handle(SIGINT, old_interrupt_);
  handle(SIGTERM, old_terminate_);
  handle(SIGHUP, old_hang_up_);
}

on_interrupt::~on_interrupt() {
  ::sigaction(SIGINT, &old_interrupt_, nullptr);
  ::sigaction(SIGTERM, &old_terminate_, nullptr);
  ::sigaction(SIGHUP, &old_hang_up_, nullptr);
  const unsigned char none = 0;
  static_cast<void>(!::write(pipe_[1], &none, 1));
  waiting_.join();
  for (const int end : pipe_) ::close(end);
}

}  // namespace examples
