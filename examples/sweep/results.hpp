// What a sweep has found so far: a file with one run a line, which a kill at any moment leaves
// usable.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace examples {

/// Which run.
struct run_key {
  std::size_t teachers;
  double over_realization;
  double polarity;
  std::uint64_t seed;
  auto operator<=>(const run_key&) const = default;
};

/// What of a run the figures need. An epoch has an entry before training and one after each epoch.
struct run_record {
  std::vector<double> eval_loss;                 // an epoch
  std::vector<double> rho_mean;                  // an epoch
  std::vector<std::vector<double>> teacher_rho;  // an epoch; each teacher's best correlation
  std::vector<double> student_rho;               // in the end; a student's best correlation
  std::vector<double> fan_out_norm;              // in the end; of each student
};

using sweep_results = std::map<run_key, run_record>;

/// A folder that one program at a time may write to, until it ends. Throws io_error, and
/// std::runtime_error when another has it.
class folder_lock {
 public:
  explicit folder_lock(const std::string& folder);
  ~folder_lock();
  folder_lock(const folder_lock&) = delete;
  folder_lock& operator=(const folder_lock&) = delete;

 private:
  int folder_;
};

/// The file runs.jsonl of a sweep. Its first line states the settings that all runs share; each run
/// adds a line when it ends.
class results_file {
 public:
  /// Makes and locks the folder and reads the runs that are there. A last line that a kill cut off
  /// is removed. Throws as folder_lock does, and format_error for a line that is no run or for other
  /// settings.
  results_file(const std::string& folder, const std::string& settings);
  ~results_file();
  results_file(const results_file&) = delete;
  results_file& operator=(const results_file&) = delete;

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// No thread may append meanwhile.
  [[nodiscard]] const sweep_results& runs() const noexcept { return runs_; }
  /// How many runs are kept. Any thread may call it.
  [[nodiscard]] std::size_t count() const;

  /// Adds a run; the line is on the disk when this returns. Any thread may call it.
  void append(const run_key& key, const run_record& record);

  /// Replaces the file by one with the same runs in order: the same bytes however often the sweep
  /// was interrupted.
  void sort();

 private:
  void read(const std::string& settings);
  void write_line(const std::string& line);

  folder_lock lock_;
  std::string path_;
  std::string settings_;
  int file_ = -1;
  mutable std::mutex appending_;
  sweep_results runs_;
};

}  // namespace examples
