// Programs that run beside this one.
#pragma once

#include <sys/types.h>

#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace examples {

/// How a program ended and what it said.
struct ended_process {
  int status = 0;  // as waitpid gives it
  std::string output;
  std::string errors;            // of a long text the last part
  double seconds = 0;            // from start to end
  double processor_seconds = 0;  // its own and its children's
};

/// "SIGSEGV" of its number.
std::string signal_name(int signal);

/// The programs that run now. Any thread may call each of these.
class subprocesses {
 public:
  /// Starts a program and waits until it ends. It reads nothing, and has a process group of its own:
  /// Ctrl-C at a terminal does not reach it. Throws io_error when it cannot be started.
  ended_process run(const std::string& program, const std::vector<std::string>& arguments);

  /// Ends those that run. None is started from now on: run() then does not return.
  void stop();

 private:
  pid_t start(const std::string& program, const std::vector<std::string>& arguments, int output,
              int errors);

  std::mutex changing_;
  std::set<pid_t> running_;
  bool stopped_ = false;
};

}  // namespace examples
