#include "specialization/experiment.hpp"

namespace examples {

// Instantiated in files of their own, to be compiled at the same time.
std::vector<run_result> run_all_float(const options& o, run_observer& observer);
std::vector<run_result> run_all_double(const options& o, run_observer& observer);

std::vector<run_result> run_all(const options& o, run_observer& observer) {
  return o.scalar == "float" ? run_all_float(o, observer) : run_all_double(o, observer);
}

}  // namespace examples
