// Training: the loop of steps and epochs around a trainer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <type_traits>
#include <utility>
#include <vector>

#include <tutelage/model/normalize_columns.hpp>
#include <tutelage/model/pair.hpp>
#include <tutelage/train/batches.hpp>
#include <tutelage/train/trainer.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// What hooks are told after a step.
template <class Network, class Optimizer>
struct step_report {
  Network& student;
  const run_state<Network, Optimizer>& state;  // to go on from here
  std::size_t epoch;                           // from 0
  std::uint64_t step;                          // steps done since training began
  double loss;                                 // of the batch, before the step
};

/// What hooks are told after an epoch.
template <class Network, class Optimizer>
struct epoch_report {
  Network& student;
  const run_state<Network, Optimizer>& state;  // to go on from here, with the next epoch
  std::size_t epoch;                           // epochs done: 1 after the first
  std::uint64_t step;                          // steps done since training began
  double train_loss;                           // mean of the epoch's step losses
  double rate;
};

struct train_settings {
  /// Since training began: a run that goes on after epoch 15 has 5 left.
  std::size_t epochs = 20;
  /// Layers that do not learn; 1 is the lowest.
  std::vector<std::size_t> frozen{};
  /// Asked before every epoch and after every step.
  std::stop_token stop{};
};

template <class Hook, class Network, class Optimizer>
concept step_hook = requires(Hook& h, const step_report<Network, Optimizer>& r) {
  h.on_step(r);
};
template <class Hook, class Network, class Optimizer>
concept epoch_hook = requires(Hook& h, const epoch_report<Network, Optimizer>& r) {
  h.on_epoch(r);
};

/// A hook has on_step(step_report), on_epoch(epoch_report), or both.
template <class Hook, class Network, class Optimizer>
concept train_hook = step_hook<Hook, Network, Optimizer> || epoch_hook<Hook, Network, Optimizer>;

namespace detail {

template <class Hook, class Report>
void tell_step(Hook& hook, const Report& report) {
  if constexpr (requires { hook.on_step(report); }) hook.on_step(report);
}
template <class Hook, class Report>
void tell_epoch(Hook& hook, const Report& report) {
  if constexpr (requires { hook.on_epoch(report); }) hook.on_epoch(report);
}

template <class Batches>
constexpr void check_source() {
  static_assert(batch_source<Batches>,
                "train: batches come from a source, with_replacement(data, settings), say; see "
                "batches.hpp");
}

template <class N>
inline constexpr bool is_trainer = false;
template <class Network, class Loss, class Optimizer>
inline constexpr bool is_trainer<trainer<Network, Loss, Optimizer>> = true;

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
  template <class Network, class Optimizer>
  void on_step(const step_report<Network, Optimizer>& report) const {
    if (layer < 1 || layer > Network::depth) {
      throw shape_error(
          detail::text("normalize_after_step: layer ", layer, ", expected 1 to ", Network::depth));
    }
    report.student.for_each_layer([&](auto& l, std::size_t number) {
      if (number != layer) return;
      if constexpr (dense_layer<std::remove_cvref_t<decltype(l)>>) {
        normalize_columns(l);
      } else {
        throw argument_error(
            detail::text("normalize_after_step: layer ", layer, " is not a dense one"));
      }
    });
  }
};

/// Goes on with a run until settings.epochs epochs of batches.steps() steps are done, from where
/// `learning` is, in the middle of an epoch too. Calls the hooks in order after each step and each
/// epoch. Returns the steps done since training began, fewer than planned when the stop token asked
/// for it. Throws diverged_error when a loss is not finite; argument_error when a rate is no positive
/// number, every layer is frozen, data are not finite or an epoch has fewer steps than were done;
/// shape_error when student and data do not fit.
template <class Network, class Loss, class Optimizer, class Batches,
          train_hook<Network, Optimizer>... Hooks>
std::uint64_t train(trainer<Network, Loss, Optimizer>& learning, Batches&& batches,
                    const train_settings& settings = {}, Hooks&&... hooks) {
  detail::check_source<Batches>();
  using T = typename Network::value_type;
  detail::check_data_scalar<typename std::remove_cvref_t<Batches>::value_type, T>();
  Network& student = learning.student();
  if constexpr (requires { batches.teacher().in_width(); }) {
    detail::require_pair("train", batches.teacher(), student);
  }
  for (const std::size_t l : settings.frozen) learning.freeze(l);
  const run_state<Network, Optimizer>& state = learning.state();
  while (state.epoch < settings.epochs) {
    if (settings.stop.stop_requested()) return state.step;
    const double rate = learning.rate();
    const std::size_t steps = batches.steps();
    if (steps == 0) throw argument_error("train: an epoch has 0 steps, expected at least 1");
    if (state.epoch_step > steps) {
      throw argument_error(detail::text("train: ", state.epoch_step, " steps of epoch ",
                                        state.epoch, " are done, it has ", steps));
    }
    while (state.epoch_step < steps) {
      const auto samples = batches.next(state.epoch, state.epoch_step);
      learning.step(samples.x, samples.y);
      [[maybe_unused]] const step_report<Network, Optimizer> report{student, state, state.epoch,
                                                                    state.step, state.last_loss};
      (detail::tell_step(hooks, report), ...);
      if (settings.stop.stop_requested()) return state.step;
    }
    const double train_loss = state.epoch_loss / static_cast<double>(steps);
    learning.next_epoch();
    [[maybe_unused]] const epoch_report<Network, Optimizer> report{
        student, state, state.epoch, state.step, train_loss, rate};
    (detail::tell_epoch(hooks, report), ...);
  }
  return state.step;
}

/// Trains `student` from the beginning, as above. Throws argument_error as well when a setting of the
/// optimizer means nothing.
template <class Network, class Batches, class Loss, class Optimizer,
          train_hook<Network, Optimizer>... Hooks>
  requires(!detail::is_trainer<Network>)
std::uint64_t train(Network& student, Batches&& batches, const Loss& loss,
                    const Optimizer& optimizer, const train_settings& settings = {},
                    Hooks&&... hooks) {
  detail::check_source<Batches>();
  trainer<Network, Loss, Optimizer> learning(student, loss, optimizer, batches.seed());
  return train(learning, batches, settings, hooks...);
}

}  // namespace tutelage
