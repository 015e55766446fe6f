// Files of rows that grow, and the one that they become.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "sweep/file_lock.hpp"

namespace examples {

/// What one process adds: each line a row, a tab and its provenance, forced to the disk.
class journal {
 public:
  /// Continues journal-`rank`.jsonl of a folder; a line that a kill cut off is removed. Throws
  /// io_error, and std::runtime_error when another process of this rank is at work.
  journal(const std::string& folder, std::size_t rank);

  /// One thread at a time. A line that cannot be written whole is taken away again.
  void append(const std::string& row, const std::string& provenance);

 private:
  file_lock lock_;
  std::uint64_t size_;  // of whole lines
};

/// Puts all rows of a folder in order into runs.jsonl, and what is known of them into
/// provenance.jsonl, each whole or not at all, and then removes the journals. The caller has the
/// folder's lock. Throws std::runtime_error when a process still writes to a journal.
void merge_journals(const std::string& folder);

}  // namespace examples
