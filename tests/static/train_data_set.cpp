// Every template of this header, with nothing else included.
#include <tutelage/train/data_set.hpp>

using namespace tutelage;

std::size_t all_of_data_set(const matrix<double>& x, const std::vector<label>& labels) {
  const data_set of_rows(x, x);
  const data_set of_labels(x, labels);
  return middle_targets(of_rows.targets(), 0, of_rows.size()).rows() +
         middle_targets(of_labels.targets(), 0, of_labels.size()).size();
}
