// Every template of this header, with nothing else included.
#include <tutelage/train/schedule.hpp>

using namespace tutelage;

template <rate_schedule S>
double one(const S& schedule) {
  return schedule(3);
}

double all_of_schedule() {
  return one(learning_rate(0.1)) + one(learning_rate(halving_rate{})) +
         one(step_rates({{0, 0.1}})) + one(halving_rate{}) + one(cosine_rate{});
}
