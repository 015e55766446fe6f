#include "specialization/run.hpp"

namespace examples {

std::vector<run_result> run_all_float(const options& o, run_observer& observer) {
  return run_all_in<float>(o, observer);
}

}  // namespace examples
