// One step of training, and where a run of steps is.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <tutelage/core/finite.hpp>
#include <tutelage/core/scattered_rows.hpp>
#include <tutelage/model/network.hpp>
#include <tutelage/train/loss.hpp>
#include <tutelage/train/optimizer.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {

template <class Network, class Loss, class Optimizer>
constexpr void check_trainer() {
  using T = typename Network::value_type;
  static_assert(!std::is_const_v<Network>, "train: a student that learns is not const");
  static_assert(!optimizer<Loss, T> || optimizer<Optimizer, T>,
                "train: loss and optimizer are swapped, the loss comes first");
  static_assert(optimizer<Optimizer, T> || optimizer<Loss, T>,
                "train: what should be an optimizer is none; see optimizer.hpp");
}

// A trainer puts scattered targets in order for a loss that wants them so.
template <class Loss, class T, class Targets>
constexpr void check_step_targets() {
  check_targets<Loss, T, Targets>();
}
template <class Loss, class T, class Targets>
  requires std::same_as<Targets, scattered_rows<T>>
constexpr void check_step_targets() {
  if constexpr (!takes_targets<Loss, T, Targets>) check_targets<Loss, T, matrix_view<const T>>();
}

// Does the lowest layer read rows where they lie? (As rows of its own extent: those of a dynamic one
// become rows of a static one only when that is asked for.)
template <class Network>
inline constexpr bool reads_scattered_rows =
    requires(const typename Network::template layer_type<1>& lowest,
             typename Network::template layer_type<1>::tape& kept,
             scattered_rows<typename Network::value_type, Network::in_extent> x) {
  lowest.forward(x, kept);
};

// Is this a rate that a step in scalar T can have?
template <class T>
bool is_rate(double rate) noexcept {
  using limits = std::numeric_limits<real_t<T>>;
  const long double r = rate;
  return r >= static_cast<long double>(limits::denorm_min()) &&
         r <= static_cast<long double>(limits::max());
}

}  // namespace detail

/// Where a run is: with the student's blocks and buffers all that it needs to go on to the same bits.
template <class Network, class Optimizer>
struct run_state {
  using kept_type = typename Optimizer::template state<typename Network::value_type>;

  std::uint64_t epoch = 0;                                     // epochs done
  std::uint64_t step = 0;                                      // steps done since training began
  std::uint64_t epoch_step = 0;                                // and since this epoch began
  double epoch_loss = 0;                                       // sum of their losses
  double last_loss = std::numeric_limits<double>::infinity();  // the last step's
  std::array<std::uint64_t, Network::depth> frozen{};          // not 0: this layer does not learn
  std::array<kept_type, Network::parameters> optimizer{};      // of each parameter matrix, in order

  /// Calls visit(block) for each of these, a name after `prefix`: epoch, step, epoch_step,
  /// epoch_loss, last_loss, frozen, and optimizer.0.exp_avg, say, for the lowest parameter matrix.
  template <class Visit>
  void for_each_block(const std::string& prefix, Visit&& visit) {
    show_blocks(*this, prefix, visit);
  }
  template <class Visit>
  void for_each_block(const std::string& prefix, Visit&& visit) const {
    show_blocks(*this, prefix, visit);
  }

 private:
  template <class Self, class Visit>
  static void show_blocks(Self& self, const std::string& prefix, Visit& visit) {
    visit(detail::number_block(prefix + "epoch", self.epoch));
    visit(detail::number_block(prefix + "step", self.step));
    visit(detail::number_block(prefix + "epoch_step", self.epoch_step));
    visit(detail::number_block(prefix + "epoch_loss", self.epoch_loss));
    visit(detail::number_block(prefix + "last_loss", self.last_loss));
    visit(block<std::remove_reference_t<decltype(self.frozen[0])>>{
        prefix + "frozen",
        {Network::depth},
        {self.frozen.data(), 1, Network::depth, Network::depth}});
    for (std::size_t i = 0; i < Network::parameters; ++i) {
      self.optimizer[i].for_each_block(detail::text(prefix, "optimizer.", i, "."), visit);
    }
  }
};

namespace detail {

// Throws unless `given` can take the place of `own`.
template <class State>
void require_state_of(const State& own, const State& given) {
  struct shown {
    std::string name;
    std::size_t rows, cols;
  };
  std::vector<shown> expected;
  own.for_each_block({}, [&](const auto& b) {
    expected.push_back({b.name, b.values.rows(), b.values.cols()});
  });
  std::size_t i = 0;
  given.for_each_block({}, [&](const auto& b) {
    const auto& e = expected.at(i++);
    require_shape("resume", e.name.c_str(), b.values, e.rows, e.cols);
    using number = typename decltype(b.values)::value_type;
    if constexpr (!std::is_integral_v<number>) {
      if (e.name != "last_loss") require_finite("resume", e.name.c_str(), b.values);
    }
  });
  if (std::find(given.frozen.begin(), given.frozen.end(), 0) == given.frozen.end()) {
    throw argument_error("resume: every layer is frozen");
  }
}

}  // namespace detail

/// A student while it learns: the network's weights are somebody else's, everything else that
/// learning needs is here. No step allocates once the largest batch has been seen.
template <class Network, class Loss, class Optimizer>
class trainer {
  using T = typename Network::value_type;
  static_assert((detail::check_trainer<Network, Loss, Optimizer>(), true));

 public:
  /// The student must outlive the trainer. `seed` only names the run in a diverged_error. Throws
  /// argument_error for settings of the optimizer that mean nothing, or a weight that is not finite.
  trainer(Network& student, Loss loss, Optimizer optimizer, std::uint64_t seed = 0)
      : student_(&student), loss_(std::move(loss)), optimizer_(std::move(optimizer)), seed_(seed) {
    optimizer_.check();
    std::size_t i = 0;
    student.for_each_parameter([&](const matrix_view<T>& W) {
      detail::require_finite("trainer", "a layer", W);
      state_.optimizer[i++].allocate(W.rows(), W.cols());
    });
  }

  /// One student, one trainer.
  trainer(const trainer&) = delete;
  trainer& operator=(const trainer&) = delete;

  /// Leaves the weights of layer l (1 is the lowest) as they are from now on. Throws shape_error
  /// for no layer's number and argument_error when no other layer learns.
  void freeze(std::size_t l) {
    if (l < 1 || l > Network::depth) {
      throw shape_error(detail::text("freeze: layer ", l, ", expected 1 to ", Network::depth));
    }
    auto frozen = state_.frozen;
    frozen[l - 1] = 1;
    if (std::find(frozen.begin(), frozen.end(), 0) == frozen.end()) {
      throw argument_error(detail::text("freeze: layer ", l, " is the last one that learns"));
    }
    state_.frozen = frozen;
  }

  /// One step on a batch with the optimizer's rate of this epoch: x [N, d], y [N, C] or N labels;
  /// both may be scattered_rows. Returns the mean loss before the step. Throws diverged_error when it is not finite, and argument_error when
  /// that is the fault of x or y, or when the rate is no positive number, with all weights as they
  /// were.
  template <class Targets>
  T step(matrix_view<const T> x, const Targets& y) {
    return step_on(x, y);
  }
  template <class Targets>
  T step(scattered_rows<T> x, const Targets& y) {
    if constexpr (detail::simd_scalar<T> && detail::reads_scattered_rows<Network>) {
      if (detail::tiles_are_faster<T>(x.rows(), x.cols(),
                                      student_->template layer<1>().out_width()))
        return step_on(x, y);
    }
    return step_on(in_order(x, x_), y);
  }

  /// This epoch is done, the next begins.
  void next_epoch() {
    ++state_.epoch;
    state_.epoch_step = 0;
    state_.epoch_loss = 0;
    rate_.reset();  // of the epoch before
  }

  /// The rate of this epoch; the optimizer is asked once. Throws argument_error when it is no
  /// positive number.
  double rate() {
    if (!rate_) {
      const double now = optimizer_.rate(state_.epoch);
      if (!detail::is_rate<T>(now)) {
        throw argument_error(detail::text("trainer: the learning rate of epoch ", state_.epoch,
                                          " is ", now, ", expected a positive number"));
      }
      rate_ = now;
    }
    return *rate_;
  }

  /// Where the run is, and going on from there: resume(state()) of another trainer, whose student
  /// has the same weights and buffers, takes the same steps. resume throws shape_error for the state
  /// of another network or optimizer's, and argument_error for one that is not finite or in which no
  /// layer learns.
  [[nodiscard]] const run_state<Network, Optimizer>& state() const noexcept { return state_; }
  void resume(const run_state<Network, Optimizer>& state) {
    detail::require_state_of(state_, state);
    state_ = state;
    rate_.reset();
  }

  [[nodiscard]] Network& student() const noexcept { return *student_; }

 private:
  static matrix_view<const T> in_order(const scattered_rows<T>& rows, workspace<T>& room) {
    const auto result = room.reshape(rows.rows(), rows.cols());
    copy(rows, result);
    return result;
  }

  template <class Targets>
  T evaluate(const matrix_view<const T>& f, const Targets& y, const matrix_view<T>& grad_out) {
    return loss_.evaluate(f, y, grad_out);
  }
  T evaluate(const matrix_view<const T>& f, const scattered_rows<T>& y,
             const matrix_view<T>& grad_out) {
    if constexpr (requires { loss_.evaluate(f, y, grad_out); }) {
      return loss_.evaluate(f, y, grad_out);
    } else {
      return loss_.evaluate(f, in_order(y, y_), grad_out);
    }
  }

  template <class X, class Targets>
  T step_on(const X& x, const Targets& y) {
    detail::check_step_targets<Loss, T, Targets>();
    const T rate_now = static_cast<T>(rate());
    const matrix_view<const T> f = student_->forward(training{}, x, kept_);
    const matrix_view<T> grad_out = gradients_.template reshape<Network::depth>(f.rows(), f.cols());
    const T loss = evaluate(f, y, grad_out);
    if (!is_finite(loss)) {
      detail::require_finite("step", "x", x);
      if constexpr (requires { y.row(0); }) detail::require_finite("step", "targets", y);
      throw diverged_error(seed_, state_.step, lowest_not_finite(), state_.last_loss);
    }
    state_.last_loss = static_cast<double>(real_part(loss));
    state_.epoch_loss += state_.last_loss;
    ++state_.step;
    ++state_.epoch_step;
    student_->backward(
        x, kept_, grad_out, gradients_,
        [&](auto l, const auto& f_below, const auto& g) {
          if (state_.frozen[l - 1] == 0) learn<l>(f_below, g, rate_now);
        },
        lowest_learning());
    return loss;
  }

  template <std::size_t l, class X, class G>
  void learn(const X& f_below, const G& g, T rate_now) {
    auto& layer = student_->template layer<l>();
    const auto& tape = kept_.template tape<l>();
    std::array<matrix_view<T>, Network::template layer_type<l>::parameters> weights;
    std::size_t i = 0, j = 0;
    layer.for_each_parameter([&](const matrix_view<T>& W) { weights[i++] = W; });
    layer.backward_weights(f_below, tape, g, [&](std::size_t, std::size_t, const auto& descent) {
      optimizer_.step(weights[j], descent, rate_now,
                      state_.optimizer[Network::template parameters_below<l> + j]);
      ++j;
    });
    if constexpr (moded_layer<typename Network::template layer_type<l>>) layer.track(tape);
  }

  [[nodiscard]] std::size_t lowest_learning() const noexcept {
    std::size_t l = 1;
    while (l <= Network::depth && state_.frozen[l - 1] != 0) ++l;
    return l;
  }

  // depth when only the loss itself is not finite.
  [[nodiscard]] std::size_t lowest_not_finite() const {
    const auto finite = [](const auto& f) {
      for (std::size_t i = 0; i < f.rows(); ++i) {
        for (const T& value : f.row(i)) {
          if (!is_finite(value)) return false;
        }
      }
      return true;
    };
    for (std::size_t l = 1; l < Network::depth; ++l) {
      if (!finite(kept_.f(l))) return l;
    }
    return Network::depth;
  }

  Network* student_;
  Loss loss_;
  Optimizer optimizer_;
  std::uint64_t seed_;
  run_state<Network, Optimizer> state_;
  std::optional<double> rate_;  // of this epoch, once it was asked for
  activations<Network> kept_;
  gradients<Network> gradients_;
  workspace<T> x_, y_;  // scattered rows in order, where those are not taken as they lie
};

}  // namespace tutelage
