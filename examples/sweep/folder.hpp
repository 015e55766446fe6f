// Who may work in the folder of a sweep, and on what.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "sweep/arguments.hpp"
#include "sweep/file_lock.hpp"

namespace examples {

/// While it lives, the folder is its process's, or that of the processes with ranks.
///
///   settings.json  what all runs share: program, flags, names of axes, fields that are kept
///   lock           is locked: exclusively by a sweep, shared by those with --rank
class sweep_folder {
 public:
  /// Makes the folder when it is not there, with `plan`'s settings, and merges what was left by
  /// others. Throws io_error, and std::runtime_error when another sweep is at work, or the folder is
  /// of one with other settings: these are named.
  sweep_folder(std::string path, const sweep_plan& plan, bool shared);

  /// A folder that is there, whatever its settings, to merge it.
  explicit sweep_folder(std::string path);

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  /// Merges the journals when no other process is at work, else says no. It is the last that this
  /// process does in the folder.
  bool merge_at_end();

 private:
  void check_settings(const sweep_plan& plan) const;

  std::string path_;
  file_lock lock_;
  bool shared_ = false;
};

/// What settings.json of a folder says: program, flags, axes, keep. Throws io_error, format_error.
nlohmann::json read_settings(const std::string& folder);

}  // namespace examples
