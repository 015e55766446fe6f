#include "shards/ranks.hpp"

#include <limits>
#include <stdexcept>

#ifdef EXAMPLES_MPI
#include <mpi.h>
#endif

namespace examples {

#ifdef EXAMPLES_MPI

ranks::ranks() {
  MPI_Init(nullptr, nullptr);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
  MPI_Comm_size(MPI_COMM_WORLD, &size_);
}

ranks::~ranks() { MPI_Finalize(); }

void ranks::send_to_first(const std::string& bytes) const {
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    throw std::length_error("a shard's sums are " + std::to_string(bytes.size()) +
                            " bytes, a message has at most 2147483647");
  }
  MPI_Send(bytes.data(), static_cast<int>(bytes.size()), MPI_BYTE, 0, 0, MPI_COMM_WORLD);
}

std::string ranks::receive_from(int rank) const {
  MPI_Status status;
  MPI_Probe(rank, 0, MPI_COMM_WORLD, &status);
  int size = 0;
  MPI_Get_count(&status, MPI_BYTE, &size);
  std::string bytes(static_cast<std::size_t>(size), '\0');
  MPI_Recv(bytes.data(), size, MPI_BYTE, rank, 0, MPI_COMM_WORLD, &status);
  return bytes;
}

int ranks::end(int code) const {
  if (code != 0 && size_ > 1) MPI_Abort(MPI_COMM_WORLD, code);
  return code;
}

#else

ranks::ranks() = default;
ranks::~ranks() = default;
void ranks::send_to_first(const std::string& /*bytes*/) const {
  throw std::logic_error("there is one rank");
}
std::string ranks::receive_from(int /*rank*/) const { throw std::logic_error("there is one rank"); }
int ranks::end(int code) const { return code; }

#endif

}  // namespace examples
