// Inputs with targets, and evaluations over all of them.
#pragma once

#include <cstddef>
#include <span>

#include <tutelage/data/inputs.hpp>
#include <tutelage/model/network.hpp>
#include <tutelage/train/loss.hpp>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

/// Calls visit(x, first, kept) for consecutive chunks of `inputs`, after a forward pass of `net`
/// over each. Holds one chunk of activations at a time.
template <class Network, class Inputs, class Visit>
void for_each_forward(const Network& net, const Inputs& inputs, Visit&& visit) {
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

/// Targets of some samples: rows of teacher outputs or probabilities, or labels.
template <class T>
matrix_view<const T> middle_targets(const matrix<T>& targets, std::size_t first,
                                    std::size_t count) {
  return matrix_view(targets).middle_rows(first, count);
}
inline std::span<const label> middle_targets(const std::vector<label>& targets, std::size_t first,
                                             std::size_t count) {
  return std::span(targets).subspan(first, count);
}

/// N inputs (a matrix or any row_source) and N targets (a matrix or labels).
template <class Inputs, class Targets>
class data_set {
 public:
  using value_type =
      typename std::remove_cvref_t<decltype(as_rows(std::declval<const Inputs&>()))>::value_type;
  using targets_type = Targets;

  /// Throws shape_error when their numbers differ or are 0.
  data_set(Inputs inputs, Targets targets)
      : inputs_(std::move(inputs)), targets_(std::move(targets)) {
    if (size() == 0 || target_count(targets_) != size()) {
      throw shape_error(detail::text("data_set: ", size(), " inputs and ", target_count(targets_),
                                     " targets, expected equally many and at least 1"));
    }
  }

  [[nodiscard]] std::size_t size() const { return as_rows(inputs_).rows(); }
  [[nodiscard]] const Inputs& inputs() const noexcept { return inputs_; }
  [[nodiscard]] const Targets& targets() const noexcept { return targets_; }

 private:
  template <class T>
  static std::size_t target_count(const matrix<T>& targets) {
    return targets.shape(0);
  }
  static std::size_t target_count(const std::vector<label>& labels) { return labels.size(); }

  Inputs inputs_;
  Targets targets_;
};

/// The mean loss of a network over a data set.
template <class Network, class Inputs, class Targets, class Loss>
double mean_loss(const Network& net, const data_set<Inputs, Targets>& data, const Loss& loss) {
  using T = typename Network::value_type;
  double sum = 0;
  workspace<T> g;
  for_each_forward(net, data.inputs(), [&](const auto& x, std::size_t first, const auto& kept) {
    const matrix_view<const T> f = kept.template f<Network::depth>();
    const T of_chunk = loss.evaluate(f, middle_targets(data.targets(), first, x.rows()),
                                     g.reshape(f.rows(), f.cols()));
    sum += static_cast<double>(of_chunk) * static_cast<double>(x.rows());
  });
  return sum / static_cast<double>(data.size());
}

/// The share of samples whose largest output is their label.
template <class Network, class Inputs>
double accuracy(const Network& net, const data_set<Inputs, std::vector<label>>& data) {
  std::size_t right = 0;
  for_each_forward(net, data.inputs(), [&](const auto&, std::size_t first, const auto& kept) {
    const auto answers =
        argmax(matrix_view<const typename Network::value_type>(kept.template f<Network::depth>()));
    for (std::size_t i = 0; i < answers.size(); ++i)
      right += answers[i] == data.targets()[first + i];
  });
  return static_cast<double>(right) / static_cast<double>(data.size());
}

}  // namespace tutelage
