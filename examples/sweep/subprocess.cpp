#include "sweep/subprocess.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <string_view>
#include <thread>

#include <tutelage/core/errors.hpp>

namespace examples {

namespace {

// Two ends of a pipe, each closed once.
class pipe_ends {
 public:
  pipe_ends() {
    if (::pipe2(ends_, O_CLOEXEC) != 0) throw tutelage::io_error("make", "a pipe", errno);
  }
  ~pipe_ends() {
    close(0);
    close(1);
  }
  pipe_ends(const pipe_ends&) = delete;
  pipe_ends& operator=(const pipe_ends&) = delete;

  [[nodiscard]] int reading() const { return ends_[0]; }
  [[nodiscard]] int writing() const { return ends_[1]; }
  void close(int end) {
    if (ends_[end] >= 0) ::close(ends_[end]);
    ends_[end] = -1;
  }

 private:
  int ends_[2] = {-1, -1};
};

// Reads both until their writers are gone.
void drain(const pipe_ends& output, const pipe_ends& errors, ended_process& result) {
  constexpr std::size_t most_errors = 1 << 16;
  std::array<char, 1 << 16> buffer{};
  std::array<pollfd, 2> waiting{{{output.reading(), POLLIN, 0}, {errors.reading(), POLLIN, 0}}};
  while (waiting[0].fd >= 0 || waiting[1].fd >= 0) {
    if (::poll(waiting.data(), waiting.size(), -1) < 0) {
      if (errno == EINTR) continue;
      throw tutelage::io_error("wait for", "a pipe", errno);
    }
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      if (waiting[i].fd < 0 || waiting[i].revents == 0) continue;
      const ssize_t got = ::read(waiting[i].fd, buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) {
        waiting[i].fd = -1;  // poll passes over it
        continue;
      }
      std::string& text = i == 0 ? result.output : result.errors;
      text.append(buffer.data(), static_cast<std::size_t>(got));
      if (i == 1 && text.size() > 2 * most_errors) text.erase(0, text.size() - most_errors);
    }
  }
}

double seconds_of(const timeval& t) {
  return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
}

// This program's environment, but one thread of BLAS: its threads start when a program does, and are
// as many as the machine has cores.
std::vector<char*> environment() {
  static std::string one_thread = "OPENBLAS_NUM_THREADS=1";
  std::vector<char*> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (std::string_view(*entry).rfind("OPENBLAS_NUM_THREADS=", 0) != 0) all.push_back(*entry);
  }
  all.push_back(one_thread.data());
  all.push_back(nullptr);
  return all;
}

// Does a program get this signal from another rather than by its own fault?
bool is_from_outside(int signal) {
  constexpr std::array outside{SIGHUP, SIGINT, SIGQUIT, SIGKILL, SIGTERM};
  return std::find(outside.begin(), outside.end(), signal) != outside.end();
}

}  // namespace

std::string signal_name(int signal) {
  const char* const name = ::sigabbrev_np(signal);
  return name != nullptr ? std::string("SIG") + name : "signal " + std::to_string(signal);
}

pid_t subprocesses::start(const std::string& program, const std::vector<std::string>& arguments,
                          int output, int errors) {
  std::vector<std::string> words{program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  ::posix_spawnattr_setpgroup(&attributes, 0);

  std::unique_lock lock(changing_);
  pid_t child = 0;
  int problem = 0;
  const bool stopped = stopped_;
  if (!stopped) {
    problem = ::posix_spawn(&child, program.c_str(), &actions, &attributes, argv.data(),
                            environment().data());
    if (problem == 0) running_.insert(child);
  }
  lock.unlock();
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  while (stopped) ::pause();  // the program ends
  if (problem != 0) throw tutelage::io_error("start", program, problem);
  return child;
}

ended_process subprocesses::run(const std::string& program,
                                const std::vector<std::string>& arguments) {
  const auto begin = std::chrono::steady_clock::now();
  pipe_ends output, errors;
  const pid_t child = start(program, arguments, output.writing(), errors.writing());
  output.close(1);
  errors.close(1);
  ended_process result;
  drain(output, errors, result);

  // It keeps its number until wait4: stop() cannot meet another process of that number.
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) < 0) {
    if (errno != EINTR) throw tutelage::io_error("wait for", program, errno);
  }
  // Who ends all processes of a job, as a batch system does, may be about to end this one.
  if (info.si_code != CLD_EXITED && is_from_outside(info.si_status)) {
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
  rusage used{};
  bool stopped = false;
  {
    const std::scoped_lock lock(changing_);
    running_.erase(child);
    stopped = stopped_;
    while (::wait4(child, &result.status, 0, &used) < 0) {
      if (errno != EINTR) throw tutelage::io_error("wait for", program, errno);
    }
  }
  while (stopped) ::pause();  // how it ended says nothing
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  result.processor_seconds = seconds_of(used.ru_utime) + seconds_of(used.ru_stime);
  return result;
}

void subprocesses::stop() {
  const std::scoped_lock lock(changing_);
  stopped_ = true;
  for (const pid_t child : running_) ::kill(-child, SIGTERM);
}

}  // namespace examples
