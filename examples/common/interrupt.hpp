// What a program says when it is stopped.
#pragma once

#include <array>
#include <csignal>
#include <functional>
#include <string>
#include <thread>

namespace examples {

/// Of programs that write their files at the end.
inline constexpr const char* nothing_kept =
    "stopped; nothing is kept: results are written at the end, each file whole";

/// While it lives, Ctrl-C (SIGINT), SIGTERM and SIGHUP print what `last_words` returns, called on a
/// thread of its own, and then end the program as they would have; one that is ignored stays so. One
/// such object at a time.
class on_interrupt {
 public:
  explicit on_interrupt(std::function<std::string()> last_words);
  ~on_interrupt();
  on_interrupt(const on_interrupt&) = delete;
  on_interrupt& operator=(const on_interrupt&) = delete;

 private:
  int pipe_[2] = {-1, -1};
  std::array<struct sigaction, 3> old_{};
  std::thread waiting_;
};

}  // namespace examples
