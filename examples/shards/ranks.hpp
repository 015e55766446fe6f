// The processes that share a computation: MPI's ranks, or this one alone where it was built without.
#pragma once

#include <string>

namespace examples {

class ranks {
 public:
  ranks();
  ranks(const ranks&) = delete;
  ranks& operator=(const ranks&) = delete;
  ~ranks();

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return size_; }

  /// Of one rank, and on rank 0 what it sent, in its order. Throws length_error beyond 2 GB.
  void send_to_first(const std::string& bytes) const;
  [[nodiscard]] std::string receive_from(int rank) const;

  /// What main returns: with a failure all ranks end, for none may wait for this one.
  [[nodiscard]] int end(int code) const;

 private:
  int rank_ = 0, size_ = 1;
};

}  // namespace examples
