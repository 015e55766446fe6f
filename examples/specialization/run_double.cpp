#include "specialization/run.hpp"

namespace examples {

std::vector<run_result> run_all_double(const options& o, run_observer& observer) {
  return run_all_in<double>(o, observer);
}

}  // namespace examples
