#include "sweep/results.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include <tutelage/core/errors.hpp>
#include <tutelage/core/files.hpp>

#include "common/output_folder.hpp"

namespace examples {

namespace {

using nlohmann::json;

std::string line_of(const run_key& key, const run_record& r) {
  return json{{"teachers", key.teachers},      {"over_realization", key.over_realization},
              {"polarity", key.polarity},      {"seed", key.seed},
              {"eval_loss", r.eval_loss},      {"rho_mean", r.rho_mean},
              {"teacher_rho", r.teacher_rho},  {"student_rho", r.student_rho},
              {"fan_out_norm", r.fan_out_norm}}
             .dump() +
         '\n';
}

std::pair<run_key, run_record> parse_line(const std::string& line) {
  const json run = json::parse(line);
  return {{run.at("teachers"), run.at("over_realization"), run.at("polarity"), run.at("seed")},
          {run.at("eval_loss"), run.at("rho_mean"), run.at("teacher_rho"), run.at("student_rho"),
           run.at("fan_out_norm")}};
}

// The parser puts its own name for the error before it, in brackets: no news to a user.
std::string without_tag(const std::string& said) {
  const std::size_t tag = said.rfind('[', 0) == 0 ? said.find("] ") : said.npos;
  return tag == said.npos ? said : said.substr(tag + 2);
}

}  // namespace

folder_lock::folder_lock(const std::string& folder) {
  make_folder(folder);
  folder_ = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder_ < 0) throw tutelage::io_error("open", folder, errno);
  if (::flock(folder_, LOCK_EX | LOCK_NB) == 0) return;
  const int error_number = errno;
  ::close(folder_);
  if (error_number != EWOULDBLOCK) throw tutelage::io_error("lock", folder, error_number);
  throw std::runtime_error("another sweep is at work in " + folder +
                           ": wait until it ends, or choose another --out");
}

folder_lock::~folder_lock() { ::close(folder_); }

results_file::results_file(const std::string& folder, const std::string& settings)
    : lock_(folder), path_(folder + "/runs.jsonl"), settings_(settings + '\n') {
  read(settings);
  file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file_ < 0) throw tutelage::io_error("open", path_, errno);
  if (runs_.empty() && ::lseek(file_, 0, SEEK_END) == 0) write_line(settings_);
}

results_file::~results_file() {
  if (file_ >= 0) ::close(file_);
}

void results_file::read(const std::string& settings) {
  std::ifstream file(path_, std::ios::binary);
  if (!file) return;
  const std::string content(std::istreambuf_iterator<char>(file), {});
  std::size_t begin = 0;
  for (std::size_t end = content.find('\n'); end != std::string::npos;
       begin = end + 1, end = content.find('\n', begin)) {
    const std::string line = content.substr(begin, end - begin);
    if (begin == 0) {
      if (line != settings) {
        throw tutelage::format_error(path_, 0, "settings",
                                     "of another sweep: continue it with its own flags, or choose "
                                     "another --out; they are " +
                                         line);
      }
      continue;
    }
    try {
      runs_.insert(parse_line(line));
    } catch (const json::exception& problem) {
      throw tutelage::format_error(path_, begin, "run", without_tag(problem.what()));
    }
  }
  if (begin < content.size() && ::truncate(path_.c_str(), static_cast<off_t>(begin)) != 0) {
    throw tutelage::io_error("cut the last line of", path_, errno);
  }
}

std::size_t results_file::count() const {
  const std::scoped_lock lock(appending_);
  return runs_.size();
}

void results_file::append(const run_key& key, const run_record& record) {
  const std::scoped_lock lock(appending_);
  write_line(line_of(key, record));
  runs_.insert({key, record});
}

void results_file::write_line(const std::string& line) {
  const char* at = line.data();
  std::size_t left = line.size();
  while (left > 0) {
    const ssize_t written = ::write(file_, at, left);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw tutelage::io_error("write", path_, errno);
    at += written;
    left -= static_cast<std::size_t>(written);
  }
  if (::fsync(file_) != 0) throw tutelage::io_error("write", path_, errno);
}

void results_file::sort() {
  std::string content = settings_;
  for (const auto& [key, record] : runs_) content += line_of(key, record);
  tutelage::write_file(path_, content);
}

}  // namespace examples
