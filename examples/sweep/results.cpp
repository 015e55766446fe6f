#include "sweep/results.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include <tutelage/core/errors.hpp>
#include <tutelage/core/files.hpp>

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

}  // namespace

std::size_t run_record::covered(std::size_t epoch) const {
  return static_cast<std::size_t>(std::count_if(
      teacher_rho[epoch].begin(), teacher_rho[epoch].end(), [](double rho) { return rho > 0.95; }));
}

results_file::results_file(std::string path, const std::string& settings)
    : path_(std::move(path)), settings_(settings + '\n') {
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
      throw tutelage::format_error(path_, begin, "run", problem.what());
    }
  }
  if (begin < content.size() && ::truncate(path_.c_str(), static_cast<off_t>(begin)) != 0) {
    throw tutelage::io_error("cut the last line of", path_, errno);
  }
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
