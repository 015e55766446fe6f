// Inputs with targets, and evaluations over all of them.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>

#include <tutelage/core/finite.hpp>
#include <tutelage/data/inputs.hpp>
#include <tutelage/model/network.hpp>
#include <tutelage/model/pair.hpp>
#include <tutelage/train/loss.hpp>
#include <type_traits>
#include <utility>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {

template <class Source>
using scalar_of =
    typename std::remove_cvref_t<decltype(as_rows(std::declval<const Source&>()))>::value_type;

// Can a loss say how far outputs are from these targets?
template <class Loss, class T, class Targets>
constexpr bool takes_targets = requires(const Loss& loss, matrix_view<const T> f, const Targets& y,
                                        matrix_view<T> g) {
  loss.evaluate(f, y, g);
};

template <class Loss, class T, class Targets>
constexpr void check_targets() {
  static_assert(takes_targets<Loss, T, Targets>,
                "the loss does not take these targets: labels are for cross_entropy, rows of the "
                "network's scalar for mean_squared_error");
}

// How many samples there are; none once they were moved elsewhere.
class sample_count {
 public:
  explicit sample_count(std::size_t n) noexcept : n_(n) {}
  sample_count(const sample_count&) = default;
  sample_count(sample_count&& other) noexcept : n_(std::exchange(other.n_, 0)) {}
  sample_count& operator=(const sample_count&) = default;
  sample_count& operator=(sample_count&& other) noexcept {
    n_ = std::exchange(other.n_, 0);
    return *this;
  }
  ~sample_count() = default;

  [[nodiscard]] std::size_t get() const noexcept { return n_; }

 private:
  std::size_t n_;
};

inline void require_range(std::size_t first, std::size_t count, std::size_t size) {
  if (first > size || count > size - first) {
    throw shape_error(
        text("middle_targets: ", count, " targets from ", first, " on, there are ", size));
  }
}

template <class Data>
void require_samples(const char* function, const Data& data) {
  if (data.size() == 0) {
    throw shape_error(text(function, ": the data set has no samples: it was moved from"));
  }
}

}  // namespace detail

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

/// Targets of some samples: rows of teacher outputs or probabilities, or labels. Throws shape_error
/// when there are not so many.
template <class T>
matrix_view<const T> middle_targets(const matrix<T>& targets, std::size_t first,
                                    std::size_t count) {
  detail::require_range(first, count, targets.shape(0));
  return matrix_view(targets).middle_rows(first, count);
}
inline std::span<const label> middle_targets(const std::vector<label>& targets, std::size_t first,
                                             std::size_t count) {
  detail::require_range(first, count, targets.size());
  return std::span(targets).subspan(first, count);
}

/// The same of any targets: those of a row_source that are not in memory are read into `room`.
template <class Targets>
auto middle_targets(const Targets& targets, std::size_t first, std::size_t count,
                    workspace<typename Targets::value_type>& room) {
  if constexpr (row_source<Targets>) {
    detail::require_range(first, count, targets.rows());
    return read_rows(targets, first, count, room);
  } else {
    return middle_targets(targets, first, count);
  }
}

/// N inputs (a matrix or any row_source) and N targets (a matrix, any row_source or labels).
template <class Inputs, class Targets>
class data_set {
 public:
  using value_type = detail::scalar_of<Inputs>;
  using targets_type = Targets;

  /// Throws shape_error when their numbers differ or are 0, and argument_error, naming row and
  /// column, for an input or target that is not finite. Reads a source once for that.
  data_set(Inputs inputs, Targets targets)
      : inputs_(std::move(inputs)), targets_(std::move(targets)), size_(as_rows(inputs_).rows()) {
    if (size() == 0 || target_count(targets_) != size()) {
      throw shape_error(detail::text("data_set: ", size(), " inputs and ", target_count(targets_),
                                     " targets, expected equally many and at least 1"));
    }
    for_each_chunk(inputs_, [](const auto& x, std::size_t first) {
      detail::require_finite("data_set", "inputs", x, first);
    });
    if constexpr (!std::is_same_v<Targets, std::vector<label>>) {
      for_each_chunk(targets_, [](const auto& y, std::size_t first) {
        detail::require_finite("data_set", "targets", y, first);
      });
    }
  }

  /// N; 0 once moved from, which nothing that takes samples accepts.
  [[nodiscard]] std::size_t size() const noexcept { return size_.get(); }
  [[nodiscard]] const Inputs& inputs() const noexcept { return inputs_; }
  [[nodiscard]] const Targets& targets() const noexcept { return targets_; }

 private:
  template <class T>
  static std::size_t target_count(const matrix<T>& targets) {
    return targets.shape(0);
  }
  template <row_source S>
  static std::size_t target_count(const S& targets) {
    return targets.rows();
  }
  static std::size_t target_count(const std::vector<label>& labels) { return labels.size(); }

  Inputs inputs_;
  Targets targets_;
  detail::sample_count size_;
};

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
