// Every template of this header, with nothing else included.
#include <tutelage/train/batches.hpp>

using namespace tutelage;

template <batch_source Source>
std::size_t one(Source source) {
  return source.next(0, 0).x.rows();
}

std::size_t all_of_batches(const mlp<double, relu, dynamic, dynamic, dynamic>& teacher,
                           const data_set<matrix<double>, matrix<double>>& rows,
                           const data_set<matrix<double>, std::vector<label>>& labels) {
  return one(with_replacement(rows, {})) + one(with_replacement(labels, {})) +
         one(shuffled(rows, {.batch = 2, .seed = 1})) + one(full_batch(labels)) +
         one(fresh_each_step(teacher, gaussian_inputs{}, {})) +
         one(fresh_each_epoch(teacher, uniform_inputs{}, 9, {}));
}
