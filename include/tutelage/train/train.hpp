// Training: a step, and the loop of steps and epochs around it.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <stop_token>
#include <tuple>

#include <tutelage/core/finite.hpp>
#include <tutelage/data/teacher.hpp>
#include <tutelage/model/network.hpp>
#include <tutelage/model/pair.hpp>
#include <tutelage/train/batches.hpp>
#include <tutelage/train/optimizer.hpp>
#include <tutelage/train/schedule.hpp>
#include <type_traits>
#include <utility>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {

template <class O, class T>
constexpr bool is_optimizer = requires {
  typename O::template state<T>;
};

template <class Network, class Loss, class Optimizer>
constexpr void check_trainer() {
  using T = typename Network::value_type;
  static_assert(!std::is_const_v<Network>, "train: a student that learns is not const");
  static_assert(!is_optimizer<Loss, T> || is_optimizer<Optimizer, T>,
                "train: loss and optimizer are swapped, the loss comes first");
  static_assert(is_optimizer<Optimizer, T> || is_optimizer<Loss, T>,
                "train: what should be an optimizer is none; see optimizer.hpp");
}

template <class Batches, class Rate>
constexpr void check_train() {
  static_assert(batch_source<Batches>,
                "train: batches come from a source, with_replacement(data, settings), say; see "
                "batches.hpp");
  static_assert(rate_schedule<Rate>,
                "train: the rate is a schedule, a function of the epoch: constant_rate{0.1}, say");
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

/// A student while it learns: the network's weights are somebody else's, everything else that
/// learning needs is here. No step allocates once the largest batch has been seen.
template <class Network, class Loss, class Optimizer>
class trainer {
  using T = typename Network::value_type;
  static_assert((detail::check_trainer<Network, Loss, Optimizer>(), true));

 public:
  /// The student must outlive the trainer. `seed` only names the run in a diverged_error. Throws
  /// argument_error for settings of the optimizer that mean nothing, or a weight that is not finite.
  explicit trainer(Network& student, Loss loss = {}, Optimizer optimizer = {},
                   std::uint64_t seed = 0)
      : student_(&student), loss_(std::move(loss)), optimizer_(std::move(optimizer)), seed_(seed) {
    if constexpr (requires { optimizer_.check(); }) optimizer_.check();
    std::size_t i = 0;
    student.for_each_parameter([&](const matrix_view<T>& W) {
      detail::require_finite("trainer", "a layer", W);
      state_[i++].allocate(W.rows(), W.cols());
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
    auto frozen = frozen_;
    frozen[l - 1] = true;
    if (std::find(frozen.begin(), frozen.end(), false) == frozen.end()) {
      throw argument_error(detail::text("freeze: layer ", l, " is the last one that learns"));
    }
    frozen_ = frozen;
  }

  /// One step on a batch: x [N, d], y [N, C] or N labels; both may be scattered_rows. Returns the
  /// mean loss before the step. Throws diverged_error when it is not finite, and argument_error when
  /// that is the fault of x or y, or when the rate is no positive number, with all weights as they
  /// were.
  template <class Targets>
  T step(matrix_view<const T> x, const Targets& y, double rate) {
    return step_on(x, y, rate);
  }
  template <class Targets>
  T step(scattered_rows<T> x, const Targets& y, double rate) {
    if constexpr (detail::simd_scalar<T> && detail::reads_scattered_rows<Network>) {
      if (detail::tiles_are_faster<T>(x.rows(), x.cols(),
                                      student_->template layer<1>().out_width()))
        return step_on(x, y, rate);
    }
    return step_on(in_order(x, x_), y, rate);
  }

  /// Steps done.
  [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }

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
  T step_on(const X& x, const Targets& y, double rate) {
    detail::check_step_targets<Loss, T, Targets>();
    if (!detail::is_rate<T>(rate)) {
      throw argument_error(
          detail::text("step: the learning rate is ", rate, ", expected a positive number"));
    }
    const matrix_view<const T> f = student_->forward(training{}, x, kept_);
    const matrix_view<T> grad_out = gradients_.template reshape<Network::depth>(f.rows(), f.cols());
    const T loss = evaluate(f, y, grad_out);
    if (!is_finite(loss)) {
      detail::require_finite("step", "x", x);
      if constexpr (requires { y.row(0); }) detail::require_finite("step", "targets", y);
      throw diverged_error(seed_, steps_, lowest_not_finite(), last_loss_);
    }
    last_loss_ = static_cast<double>(real_part(loss));
    ++steps_;
    student_->backward(
        x, kept_, grad_out, gradients_,
        [&](auto l, const auto& f_below, const auto& g) {
          if (!frozen_[l - 1]) learn<l>(f_below, g, static_cast<T>(rate));
        },
        lowest_learning());
    return loss;
  }

  template <std::size_t l, class X, class G>
  void learn(const X& f_below, const G& g, T rate) {
    auto& layer = student_->template layer<l>();
    const auto& tape = kept_.template tape<l>();
    std::array<matrix_view<T>, Network::template layer_type<l>::parameters> weights;
    std::size_t i = 0, j = 0;
    layer.for_each_parameter([&](const matrix_view<T>& W) { weights[i++] = W; });
    layer.backward_weights(f_below, tape, g, [&](std::size_t, std::size_t, const auto& descent) {
      optimizer_.step(weights[j], descent, rate, state_[Network::template parameters_below<l> + j]);
      ++j;
    });
    if constexpr (moded_layer<typename Network::template layer_type<l>>) layer.track(tape);
  }

  [[nodiscard]] std::size_t lowest_learning() const noexcept {
    std::size_t l = 1;
    while (l <= Network::depth && frozen_[l - 1]) ++l;
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
  std::uint64_t steps_ = 0;
  double last_loss_ = std::numeric_limits<double>::infinity();
  std::array<bool, Network::depth> frozen_{};
  std::array<typename Optimizer::template state<T>, Network::parameters> state_;
  activations<Network> kept_;
  gradients<Network> gradients_;
  workspace<T> x_, y_;  // scattered rows in order, where those are not taken as they lie
};

/// What hooks are told after a step.
template <class Network>
struct step_report {
  Network& student;
  std::size_t epoch;   // from 0
  std::uint64_t step;  // steps done since training began
  double loss;         // of the batch, before the step
};

/// What hooks are told after an epoch.
template <class Network>
struct epoch_report {
  Network& student;
  std::size_t epoch;   // epochs done: 1 after the first
  std::uint64_t step;  // steps done since training began
  double train_loss;   // mean of the epoch's step losses
  double rate;
};

struct train_settings {
  std::size_t epochs = 20;
  /// Layers that do not learn; 1 is the lowest.
  std::vector<std::size_t> frozen{};
  /// Asked before every epoch and after every step.
  std::stop_token stop{};
};

/// A hook has on_step(step_report), on_epoch(epoch_report), or both.
template <class Hook, class Network>
concept train_hook = requires(Hook& h, const step_report<Network>& r) {
  h.on_step(r);
}
|| requires(Hook& h, const epoch_report<Network>& r) { h.on_epoch(r); };

namespace detail {
template <class Hook, class Report>
void tell_step(Hook& hook, const Report& report) {
  if constexpr (requires { hook.on_step(report); }) hook.on_step(report);
}
template <class Hook, class Report>
void tell_epoch(Hook& hook, const Report& report) {
  if constexpr (requires { hook.on_epoch(report); }) hook.on_epoch(report);
}
}  // namespace detail

/// Makes a hook of a function of the epoch's report.
template <class F>
struct on_epoch_end {
  explicit on_epoch_end(F function) : call(std::move(function)) {}

  F call;
  template <class Report>
  void on_epoch(const Report& report) {
    call(report);
  }
};

/// A hook that scales every column of W~ of a layer to unit norm after each step, and the bias with
/// it: the normalized training of the reference experiments. Throws shape_error for no layer's
/// number.
struct normalize_after_step {
  std::size_t layer = 1;
  template <class Network>
  void on_step(const step_report<Network>& report) const {
    if (layer < 1 || layer > Network::depth) {
      throw shape_error(
          detail::text("normalize_after_step: layer ", layer, ", expected 1 to ", Network::depth));
    }
    report.student.for_each_layer([&](auto& l, std::size_t number) {
      if (number == layer) normalize_columns(l);
    });
  }
};

/// Trains `student` for settings.epochs epochs of batches.steps() steps, with rate(epoch) as
/// learning rate, and calls the hooks in order after each step and each epoch. Returns the steps
/// done, fewer than planned when the stop token asked for it. Throws diverged_error when a loss is
/// not finite; argument_error when a rate is no positive number, every layer is frozen, a setting of
/// the optimizer means nothing or data are not finite; shape_error when student and data do not fit.
template <class Network, class Batches, class Loss, class Optimizer, class Rate,
          train_hook<Network>... Hooks>
std::uint64_t train(Network& student, Batches&& batches, const Loss& loss,
                    const Optimizer& optimizer, const Rate& rate, const train_settings& settings,
                    Hooks&&... hooks) {
  detail::check_train<Batches, Rate>();
  using T = typename Network::value_type;
  detail::check_data_scalar<typename std::remove_cvref_t<Batches>::value_type, T>();
  if constexpr (requires { batches.teacher().in_width(); }) {
    detail::require_pair("train", batches.teacher(), student);
  }
  trainer<Network, Loss, Optimizer> learning(student, loss, optimizer, batches.seed());
  for (const std::size_t l : settings.frozen) learning.freeze(l);
  for (std::size_t epoch = 0; epoch < settings.epochs; ++epoch) {
    if (settings.stop.stop_requested()) return learning.steps();
    const double rate_now = rate(epoch);
    if (!detail::is_rate<T>(rate_now)) {
      throw argument_error(detail::text("train: the learning rate of epoch ", epoch, " is ",
                                        rate_now, ", expected a positive number"));
    }
    double sum = 0;
    const std::size_t steps = batches.steps();
    if (steps == 0) throw argument_error("train: an epoch has 0 steps, expected at least 1");
    for (std::size_t s = 0; s < steps; ++s) {
      const auto samples = batches.next(epoch, s);
      const double step_loss =
          static_cast<double>(real_part(learning.step(samples.x, samples.y, rate_now)));
      sum += step_loss;
      [[maybe_unused]] const step_report<Network> report{student, epoch, learning.steps(),
                                                         step_loss};
      (detail::tell_step(hooks, report), ...);
      if (settings.stop.stop_requested()) return learning.steps();
    }
    [[maybe_unused]] const epoch_report<Network> report{student, epoch + 1, learning.steps(),
                                                        sum / static_cast<double>(steps), rate_now};
    (detail::tell_epoch(hooks, report), ...);
  }
  return learning.steps();
}

}  // namespace tutelage
