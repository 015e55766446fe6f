// The runs that a sweep's folder has.
//
//   runs.jsonl        a run a line, in the order of run_key: the same bytes however it came about
//   provenance.jsonl  when, where and by what each of these was done
//   journal-R.jsonl   what process R has added since: row, tab, provenance
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "sweep/run_key.hpp"

namespace examples {

enum class run_status { done, diverged, failed };
std::string to_string(run_status status);

/// A part of a file.
struct file_part {
  std::string file;
  std::uint64_t begin = 0;
  std::size_t size = 0;
};

/// Where each run's row is; the rows themselves stay in their files.
class run_index {
 public:
  struct entry {
    run_status status;
    file_part row, provenance;  // a provenance may be empty
  };

  /// Of no runs.
  run_index() = default;
  /// Reads runs.jsonl and all journals. A last line that a kill cut off is passed over. Of two rows of
  /// a run the one counts that did not fail, or else the later one. Throws format_error.
  explicit run_index(const std::string& folder);

  [[nodiscard]] const std::map<run_key, entry>& runs() const noexcept { return runs_; }
  [[nodiscard]] const std::vector<std::string>& journals() const noexcept { return journals_; }
  [[nodiscard]] std::size_t count(run_status status) const;

 private:
  void read_rows(const std::string& file);
  void read_provenance(const std::string& file);
  void read_journal(const std::string& file);
  void add(const run_key& key, const entry& found);

  std::map<run_key, entry> runs_;
  std::vector<std::string> journals_;
};

/// Reads parts of files, of which it keeps some open.
class part_reader {
 public:
  part_reader() = default;
  ~part_reader();
  part_reader(const part_reader&) = delete;
  part_reader& operator=(const part_reader&) = delete;

  /// Throws io_error, and format_error when the file has become shorter.
  std::string read(const file_part& part);

 private:
  void close_all();
  std::map<std::string, int> open_;
};

}  // namespace examples
