// A network over all samples of a data set: its outputs, its mean loss, its accuracy.
#pragma once

#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include <tutelage/data/inputs.hpp>
#include <tutelage/model/network.hpp>
#include <tutelage/model/pair.hpp>
#include <tutelage/train/data_set.hpp>
#include <tutelage/train/loss.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// Calls visit(x, first, kept) for consecutive chunks of `inputs`, after a forward pass of `net`
/// over each. Holds one chunk of activations at a time.
template <class Network, class Inputs, class Visit>
void for_each_forward(const Network& net, const Inputs& inputs, Visit&& visit) {
  detail::check_data_scalar<detail::scalar_of<Inputs>, typename Network::value_type>();
  activations<Network> kept;
  for_each_chunk(inputs, [&](matrix_view<const typename Network::value_type> x, std::size_t first) {
    net.forward(x, kept);
    visit(x, first, kept);
  });
}

/// The outputs of a network for all inputs, [N, C]: what a student learns from a teacher.
/// Throws shape_error when the inputs have another width.
template <class Network, class Inputs>
matrix<typename Network::value_type> outputs(const Network& net, const Inputs& inputs) {
  auto result = make_matrix<typename Network::value_type>(as_rows(inputs).rows(), net.out_width());
  for_each_forward(net, inputs, [&](const auto&, std::size_t first, const auto& kept) {
    const auto f = kept.template f<Network::depth>();
    copy(f, matrix_view(result).middle_rows(first, f.rows()));
  });
  return result;
}

/// The mean loss of a network over a data set. Throws argument_error when it is not finite: a
/// weight is not, or an output has overflowed.
template <class Network, class Inputs, class Targets, class Loss>
double mean_loss(const Network& net, const data_set<Inputs, Targets>& data, const Loss& loss) {
  using T = typename Network::value_type;
  workspace<typename Targets::value_type> room;
  using piece = decltype(middle_targets(data.targets(), 0, 0, room));
  detail::check_targets<Loss, T, piece>();
  detail::require_samples("mean_loss", data);
  double sum = 0;
  workspace<T> g;
  for_each_forward(net, data.inputs(), [&](const auto& x, std::size_t first, const auto& kept) {
    const matrix_view<const T> f = kept.template f<Network::depth>();
    const T of_chunk = loss.evaluate(f, middle_targets(data.targets(), first, x.rows(), room),
                                     g.reshape(f.rows(), f.cols()));
    sum += static_cast<double>(of_chunk) * static_cast<double>(x.rows());
  });
  const double mean = sum / static_cast<double>(data.size());
  if (!std::isfinite(mean)) {
    throw argument_error(detail::text("mean_loss: the mean loss is ", mean,
                                      ", expected finite weights and outputs"));
  }
  return mean;
}

/// The share of samples whose largest output is their label. Throws argument_error for an output
/// that is not finite and for a label that is no output's number.
template <class Network, class Inputs>
double accuracy(const Network& net, const data_set<Inputs, std::vector<label>>& data) {
  detail::require_samples("accuracy", data);
  std::size_t right = 0;
  for_each_forward(net, data.inputs(), [&](const auto&, std::size_t first, const auto& kept) {
    const auto answers =
        argmax(matrix_view<const typename Network::value_type>(kept.template f<Network::depth>()));
    for (std::size_t i = 0; i < answers.size(); ++i) {
      const label wanted = data.targets()[first + i];
      if (wanted >= net.out_width()) {
        throw argument_error(detail::text("accuracy: label ", wanted, " of sample ", first + i,
                                          ", expected one below ", net.out_width()));
      }
      right += answers[i] == wanted;
    }
  });
  return static_cast<double>(right) / static_cast<double>(data.size());
}

}  // namespace tutelage
