// Every template of this header, with nothing else included.
#include <tutelage/train/chosen_samples.hpp>

using namespace tutelage;

namespace {
struct samples {
  using targets_type = std::vector<label>;
  [[nodiscard]] const matrix<double>& inputs() const { return x; }
  [[nodiscard]] const targets_type& targets() const { return y; }
  matrix<double> x;
  targets_type y;
};
}  // namespace

std::size_t all_of_chosen_samples(std::span<const std::size_t> indices) {
  const samples data;
  detail::chosen_samples<samples> chosen;
  return chosen(data, indices, indices).x.rows();
}
