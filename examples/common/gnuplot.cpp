#include "common/gnuplot.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>
#include <stdexcept>
#include <string_view>

#include <tutelage/core/errors.hpp>
#include <tutelage/core/files.hpp>

namespace examples {

namespace {

// A file in memory that a program we start can open by name: no disk can be full under it, and
// nothing is left of it when we are stopped.
class memory_file {
 public:
  explicit memory_file(const std::string& content = "") : file_(::memfd_create("figure", 0)) {
    if (file_ < 0) throw tutelage::io_error("make", "a file in memory", errno);
    for (std::size_t at = 0; at < content.size();) {
      const ssize_t written = ::write(file_, content.data() + at, content.size() - at);
      if (written < 0) throw tutelage::io_error("write", "a file in memory", errno);
      at += static_cast<std::size_t>(written);
    }
  }
  memory_file(const memory_file&) = delete;
  memory_file& operator=(const memory_file&) = delete;
  ~memory_file() { ::close(file_); }

  [[nodiscard]] int descriptor() const { return file_; }
  [[nodiscard]] std::string name() const { return "/dev/fd/" + std::to_string(file_); }

  [[nodiscard]] std::string content() const {
    struct stat status {};
    if (::fstat(file_, &status) != 0) throw tutelage::io_error("read", "a file in memory", errno);
    std::string text(static_cast<std::size_t>(status.st_size), '\0');
    if (::pread(file_, text.data(), text.size(), 0) != status.st_size) {
      throw tutelage::io_error("read", "a file in memory", errno);
    }
    return text;
  }

 private:
  int file_;
};

// Runs gnuplot on a script; what it says goes to `said`. False when it is not installed.
bool run_gnuplot(const memory_file& script, const memory_file& said, int& status) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  for (const int stream : {STDOUT_FILENO, STDERR_FILENO}) {
    ::posix_spawn_file_actions_adddup2(&actions, said.descriptor(), stream);
  }
  std::string name = "gnuplot", defaults = "-d", file = script.name();
  char* const arguments[] = {name.data(), defaults.data(), file.data(), nullptr};
  pid_t child = 0;
  const int problem = ::posix_spawnp(&child, "gnuplot", &actions, nullptr, arguments, environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (problem == ENOENT) return false;
  if (problem != 0) throw tutelage::io_error("start", "gnuplot", problem);
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) throw tutelage::io_error("wait for", "gnuplot", errno);
  }
  return true;
}

// The first thing that gnuplot said; what the font library says is not about the figure.
std::string complaint(const std::string& said) {
  std::istringstream lines(said);
  for (std::string line; std::getline(lines, line);) {
    const bool blank = line.find_first_not_of(" \t\r^") == std::string::npos;
    if (!blank && line.rfind("Fontconfig", 0) != 0) return line;
  }
  return "";
}

// White space apart.
bool ends_with(std::string_view text, std::string_view end) {
  text = text.substr(0, text.find_last_not_of(" \n") + 1);
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

}  // namespace

std::string quoted(const std::string& path) {
  std::string result = "'";
  for (const char c : path) result += c == '\'' ? std::string("''") : std::string(1, c);
  return result + "'";
}

bool draw(const std::string& stem, const std::string& script) {
  const memory_file svg, png, said;
  const auto figure = [&](const char* terminal, const memory_file& file) {
    return std::string("reset\nset terminal ") + terminal + "\nset output " + quoted(file.name()) +
           "\n" + script + "\nunset output\n";
  };
  const memory_file all("set encoding utf8\n" +
                        figure("svg size 800,560 background rgb 'white'", svg) +
                        figure("pngcairo size 1200,840 fontscale 1.4", png));
  int status = 0;
  if (!run_gnuplot(all, said, status)) return false;
  const std::string problem = complaint(said.content());
  if (!problem.empty() || status != 0) {
    throw std::runtime_error("gnuplot on " + stem + ": " +
                             (problem.empty() ? "failed and did not say why" : problem));
  }
  const std::string vectors = svg.content(), pixels = png.content();
  if (!ends_with(vectors, "</svg>") || !ends_with(pixels, "IEND\xae\x42\x60\x82")) {
    throw std::runtime_error("gnuplot on " + stem + ": the figure is not whole");
  }
  tutelage::write_file(stem + ".svg", vectors);
  tutelage::write_file(stem + ".png", pixels);
  return true;
}

}  // namespace examples
