// Every optimizer with this header alone.
#include <tutelage/train/optimizer.hpp>

namespace {
using namespace tutelage;

template <class Optimizer>
void step(const Optimizer& optimizer, const matrix_view<double>& W,
          typename Optimizer::template state<double>& state) {
  optimizer.check();
  state.allocate(W.rows(), W.cols());
  optimizer.step(W, [](const matrix_view<double>&, double, double) {}, 0.1, state);
}
template void step<sgd>(const sgd&, const matrix_view<double>&, sgd::state<double>&);
template void step<momentum_sgd>(const momentum_sgd&, const matrix_view<double>&,
                                 momentum_sgd::state<double>&);
template void step<adam>(const adam&, const matrix_view<double>&, adam::state<double>&);
}  // namespace
