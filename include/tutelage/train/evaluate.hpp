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

namespace detail {

// The mean of a loss over the chunks of a data set.
template <class T, class Data, class Loss>
class mean_over_chunks {
  using targets = typename Data::targets_type;
  using room = workspace<typename targets::value_type>;
  using piece =
      decltype(middle_targets(std::declval<const targets&>(), 0, 0, std::declval<room&>()));
  static_assert((check_targets<Loss, T, piece>(), true));

 public:
  mean_over_chunks(const Data& data, const Loss& loss) : data_(&data), loss_(&loss) {}

  // The outputs for the samples from `first` on.
  void add(const matrix_view<const T>& f, std::size_t first) {
    const T of_chunk = loss_->evaluate(f, middle_targets(data_->targets(), first, f.rows(), room_),
                                       g_.reshape(f.rows(), f.cols()));
    sum_ += static_cast<double>(of_chunk) * static_cast<double>(f.rows());
  }

  // Throws argument_error when it is not finite.
  [[nodiscard]] double result(const char* function) const {
    const double mean = sum_ / static_cast<double>(data_->size());
    if (!std::isfinite(mean)) {
      throw argument_error(
          text(function, ": the mean loss is ", mean, ", expected finite weights and outputs"));
    }
    return mean;
  }

 private:
  const Data* data_;
  const Loss* loss_;
  double sum_ = 0;
  room room_;
  workspace<T> g_;
};

// How many of the samples from `first` on have their label's output for the largest.
template <class T>
std::size_t count_right(const char* function, const matrix_view<const T>& f,
                        const std::vector<label>& labels, std::size_t first) {
  const auto answers = argmax(f);
  std::size_t right = 0;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const label wanted = labels[first + i];
    if (wanted >= f.cols()) {
      throw argument_error(text(function, ": label ", wanted, " of sample ", first + i,
                                ", expected one below ", f.cols()));
    }
    right += answers[i] == wanted;
  }
  return right;
}

}  // namespace detail

/// The mean loss of a network over a data set. Throws argument_error when it is not finite: a
/// weight is not, or an output has overflowed.
template <class Network, class Inputs, class Targets, class Loss>
double mean_loss(const Network& net, const data_set<Inputs, Targets>& data, const Loss& loss) {
  using T = typename Network::value_type;
  detail::require_samples("mean_loss", data);
  detail::mean_over_chunks<T, data_set<Inputs, Targets>, Loss> mean(data, loss);
  for_each_forward(net, data.inputs(), [&](const auto&, std::size_t first, const auto& kept) {
    mean.add(kept.template f<Network::depth>(), first);
  });
  return mean.result("mean_loss");
}

/// The share of samples whose largest output is their label. Throws argument_error for an output
/// that is not finite and for a label that is no output's number.
template <class Network, class Inputs>
double accuracy(const Network& net, const data_set<Inputs, std::vector<label>>& data) {
  detail::require_samples("accuracy", data);
  std::size_t right = 0;
  for_each_forward(net, data.inputs(), [&](const auto&, std::size_t first, const auto& kept) {
    const matrix_view<const typename Network::value_type> f = kept.template f<Network::depth>();
    right += detail::count_right("accuracy", f, data.targets(), first);
  });
  return static_cast<double>(right) / static_cast<double>(data.size());
}

}  // namespace tutelage
