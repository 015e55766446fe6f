#include "sweep/journal.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <tutelage/core/errors.hpp>

#include "sweep/rows.hpp"

namespace examples {

namespace {

void write_all(int file, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw tutelage::io_error("write", path, errno);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

void force(int file, const std::string& path) {
  while (::fsync(file) != 0) {
    if (errno != EINTR) throw tutelage::io_error("write", path, errno);
  }
}

// A file that takes its name when it is complete, for files that memory could not hold.
class new_file {
 public:
  explicit new_file(std::string path)
      : path_(std::move(path)),
        temporary_(path_ + ".new"),
        file_(::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) {
    if (file_ < 0) throw tutelage::io_error("create", temporary_, errno);
  }
  ~new_file() {
    if (file_ < 0) return;
    ::close(file_);
    ::unlink(temporary_.c_str());
  }
  new_file(const new_file&) = delete;
  new_file& operator=(const new_file&) = delete;

  void write_line(const std::string& line) {
    constexpr std::size_t much = 1 << 20;
    waiting_ += line;
    waiting_ += '\n';
    if (waiting_.size() >= much) flush();
  }
  void name() {
    flush();
    force(file_, temporary_);
    if (::close(std::exchange(file_, -1)) != 0) throw tutelage::io_error("write", path_, errno);
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
      throw tutelage::io_error("rename a temporary file to", path_, errno);
    }
  }

 private:
  void flush() {
    write_all(file_, waiting_, path_);
    waiting_.clear();
  }

  std::string path_, temporary_;
  int file_;
  std::string waiting_;
};

void force_folder(const std::string& folder) {
  const int file = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) throw tutelage::io_error("open", folder, errno);
  const int failed = ::fsync(file) != 0 ? errno : 0;
  ::close(file);
  if (failed != 0) throw tutelage::io_error("write", folder, failed);
}

// How many bytes of a file are whole lines.
std::uint64_t whole_lines(int file, const std::string& path) {
  const off_t size = ::lseek(file, 0, SEEK_END);
  if (size < 0) throw tutelage::io_error("read", path, errno);
  std::vector<char> buffer(1 << 16);
  for (auto end = static_cast<std::uint64_t>(size); end > 0;) {
    const std::uint64_t begin = end - std::min<std::uint64_t>(end, buffer.size());
    const ssize_t got = ::pread(file, buffer.data(), end - begin, static_cast<off_t>(begin));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) throw tutelage::io_error("read", path, got < 0 ? errno : EIO);
    const std::string_view text(buffer.data(), static_cast<std::size_t>(got));
    const std::size_t last = text.rfind('\n');
    if (last != text.npos) return begin + last + 1;
    end = begin;
  }
  return 0;
}

// Who has the folder started no writer that still lives; one of before, killed on another machine, may
// be there a little longer. None comes back.
void wait_until_ended(const std::string& file) {
  constexpr int attempts = 100;
  file_lock lock(file);
  for (int i = 0; !lock.try_exclusive(); ++i) {
    if (i == attempts) throw std::runtime_error("a process still writes to " + file);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

}  // namespace

journal::journal(const std::string& folder, std::size_t rank)
    : lock_(folder + "/journal-" + std::to_string(rank) + ".jsonl") {
  if (!lock_.try_exclusive()) {
    throw std::runtime_error("another process writes to " + lock_.path() +
                             ": each needs a --rank of its own");
  }
  size_ = whole_lines(lock_.file(), lock_.path());
  if (::ftruncate(lock_.file(), static_cast<off_t>(size_)) != 0) {
    throw tutelage::io_error("cut the last line of", lock_.path(), errno);
  }
}

void journal::append(const std::string& row, const std::string& provenance) {
  const std::string line = row + '\t' + provenance + '\n';
  try {
    write_all(lock_.file(), line, lock_.path());
    force(lock_.file(), lock_.path());
  } catch (const tutelage::io_error&) {
    static_cast<void>(!::ftruncate(lock_.file(), static_cast<off_t>(size_)));
    throw;
  }
  size_ += line.size();
}

void merge_journals(const std::string& folder) {
  const run_index before(folder);
  if (before.journals().empty()) return;
  for (const auto& file : before.journals()) wait_until_ended(file);

  const run_index index(folder);
  part_reader parts;
  const std::string merged = folder + "/runs.jsonl";
  new_file rows(merged), provenance(folder + "/provenance.jsonl");
  for (const auto& [key, entry] : index.runs()) {
    const std::string row = parts.read(entry.row);
    if (entry.row.file != merged && !nlohmann::json::accept(row)) {
      throw tutelage::format_error(entry.row.file, entry.row.begin, "run",
                                   "is damaged: without its line it is done again");
    }
    rows.write_line(row);
    if (entry.provenance.size > 0) provenance.write_line(parts.read(entry.provenance));
  }
  // In this order: what is killed between the two leaves rows in both, which are the same.
  provenance.name();
  rows.name();
  force_folder(folder);
  for (const auto& file : index.journals()) {
    if (::unlink(file.c_str()) != 0) throw tutelage::io_error("remove", file, errno);
  }
}

}  // namespace examples
