// Where a training step's batch comes from.
//
//   with_replacement   each step draws its samples from a fixed set, any number of times
//   shuffled           each epoch visits every sample once, in a new order
//   full_batch         each step is the whole set
//   fresh_each_step    each step draws new inputs and asks the teacher
//   fresh_each_epoch   each epoch draws a new fixed set, labelled once; steps draw with replacement
//
// A source is a function of its seed, the epoch and the step: batches can be asked for in any
// order.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include <tutelage/core/random.hpp>
#include <tutelage/data/inputs.hpp>
#include <tutelage/train/chosen_samples.hpp>
#include <tutelage/train/data_set.hpp>
#include <tutelage/train/evaluate.hpp>
#include <type_traits>
#include <utility>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

/// Satisfied by the five types above, and by references to them.
template <class S>
concept batch_source = requires(std::remove_cvref_t<S>& s, const std::remove_cvref_t<S>& cs,
                                std::size_t epoch, std::size_t step) {
  typename std::remove_cvref_t<S>::value_type;
  { cs.seed() } -> std::convertible_to<std::uint64_t>;
  { cs.steps() } -> std::convertible_to<std::size_t>;
  s.next(epoch, step).x;
  s.next(epoch, step).y;
};

namespace detail {

inline void require_positive(const char* function, const char* what, std::size_t n) {
  if (n == 0) throw argument_error(text(function, ": ", what, " is 0, expected at least 1"));
}

}  // namespace detail

/// Settings of the sources that draw: samples a step, steps an epoch.
struct batch_settings {
  std::size_t batch = 16;
  std::size_t steps = 1000;
  std::uint64_t seed = 1;
};

/// The data set must outlive the source, here and below.
template <class Data>
class with_replacement {
 public:
  using value_type = typename Data::value_type;

  /// Throws argument_error when a setting is 0.
  with_replacement(const Data& data, const batch_settings& settings)
      : data_(&data), settings_(settings), indices_(settings.batch), ahead_(settings.batch) {
    detail::require_positive("with_replacement", "batch", settings.batch);
    detail::require_positive("with_replacement", "steps", settings.steps);
  }
  with_replacement(const Data&& data, const batch_settings& settings) = delete;

  [[nodiscard]] std::uint64_t seed() const noexcept { return settings_.seed; }
  [[nodiscard]] std::size_t steps() const noexcept { return settings_.steps; }

  auto next(std::size_t epoch, std::size_t step) {
    detail::require_samples("with_replacement", *data_);
    const std::uint64_t number = epoch * settings_.steps + step;
    if (drawn_ahead_ != number || ahead_.empty()) draw_ahead(number);  // empty once moved from
    indices_.swap(ahead_);
    draw_ahead(number + 1);
    return chosen_(*data_, indices_, ahead_);
  }

 private:
  void draw_ahead(std::uint64_t number) {
    stream random(settings_.seed, purpose::batches, number);
    ahead_.resize(settings_.batch);
    for (auto& i : ahead_) i = random.below(data_->size());
    drawn_ahead_ = number;
  }

  const Data* data_;
  batch_settings settings_;
  std::vector<std::size_t> indices_, ahead_;  // of this batch and of the next
  std::optional<std::uint64_t> drawn_ahead_;  // the next one's number
  detail::chosen_samples<Data> chosen_;
};

/// Settings of the source that visits every sample: samples a step.
struct shuffle_settings {
  std::size_t batch = 16;
  std::uint64_t seed = 1;
};

/// The last batch of an epoch may be smaller.
template <class Data>
class shuffled {
 public:
  using value_type = typename Data::value_type;

  /// Throws argument_error when `batch` is 0.
  shuffled(const Data& data, const shuffle_settings& settings) : data_(&data), settings_(settings) {
    detail::require_positive("shuffled", "batch", settings.batch);
  }
  shuffled(const Data&& data, const shuffle_settings& settings) = delete;

  [[nodiscard]] std::uint64_t seed() const noexcept { return settings_.seed; }
  [[nodiscard]] std::size_t steps() const {
    return (data_->size() + settings_.batch - 1) / settings_.batch;
  }

  auto next(std::size_t epoch, std::size_t step) {
    detail::require_samples("shuffled", *data_);
    if (epoch_ != epoch || order_.empty()) {  // empty once moved from
      order_ = stream(settings_.seed, purpose::batches, epoch).permutation(data_->size());
      epoch_ = epoch;
    }
    const std::size_t first = step * settings_.batch;
    if (first >= data_->size()) {
      throw argument_error(detail::text("shuffled: step ", step, ", an epoch has ", steps()));
    }
    return chosen_(*data_, samples_from(first),
                   samples_from(std::min(first + settings_.batch, order_.size())));
  }

 private:
  [[nodiscard]] std::span<const std::size_t> samples_from(std::size_t first) const {
    return std::span(order_).subspan(first, std::min(settings_.batch, order_.size() - first));
  }

  const Data* data_;
  shuffle_settings settings_;
  std::optional<std::size_t> epoch_;
  std::vector<std::size_t> order_;
  detail::chosen_samples<Data> chosen_;
};

/// One step an epoch unless `steps` says otherwise.
template <class Data>
class full_batch {
 public:
  using value_type = typename Data::value_type;

  explicit full_batch(const Data& data, std::size_t steps = 1) : data_(&data), steps_(steps) {
    detail::require_positive("full_batch", "steps", steps);
  }
  explicit full_batch(const Data&& data, std::size_t steps = 1) = delete;

  [[nodiscard]] static std::uint64_t seed() noexcept { return 0; }
  [[nodiscard]] std::size_t steps() const noexcept { return steps_; }

  auto next(std::size_t /*epoch*/, std::size_t /*step*/) {
    detail::require_samples("full_batch", *data_);
    const auto& rows = as_rows(data_->inputs());
    return batch{read_rows(rows, 0, rows.rows(), x_),
                 middle_targets(data_->targets(), 0, data_->size(), y_)};
  }

 private:
  const Data* data_;
  std::size_t steps_;
  workspace<value_type> x_;
  workspace<typename Data::targets_type::value_type> y_;
};

/// Inputs that are never seen twice; targets are the teacher's outputs.
template <class Teacher, input_distribution Distribution>
class fresh_each_step {
 public:
  using value_type = typename Teacher::value_type;

  fresh_each_step(const Teacher& teacher, Distribution distribution, const batch_settings& settings)
      : teacher_(&teacher), distribution_(std::move(distribution)), settings_(settings) {
    detail::require_positive("fresh_each_step", "batch", settings.batch);
    detail::require_positive("fresh_each_step", "steps", settings.steps);
  }
  fresh_each_step(const Teacher&& teacher, Distribution, const batch_settings&) = delete;

  [[nodiscard]] std::uint64_t seed() const noexcept { return settings_.seed; }
  [[nodiscard]] std::size_t steps() const noexcept { return settings_.steps; }
  [[nodiscard]] const Teacher& teacher() const noexcept { return *teacher_; }

  batch<matrix_view<const value_type>, matrix_view<const value_type>> next(std::size_t epoch,
                                                                           std::size_t step) {
    const auto x = x_.reshape(settings_.batch, teacher_->in_width());
    draw_inputs(distribution_, x, settings_.seed, purpose::inputs,
                (epoch * settings_.steps + step) * settings_.batch);
    return {x, teacher_->forward(x, kept_)};
  }

 private:
  const Teacher* teacher_;
  Distribution distribution_;
  batch_settings settings_;
  workspace<value_type> x_;
  activations<Teacher> kept_;
};

/// As with_replacement, over `samples` inputs that are drawn anew when an epoch begins.
template <class Teacher, input_distribution Distribution>
class fresh_each_epoch {
 public:
  using value_type = typename Teacher::value_type;
  using data_type = data_set<matrix<value_type>, matrix<value_type>>;

  fresh_each_epoch(const Teacher& teacher, Distribution distribution, std::size_t samples,
                   const batch_settings& settings)
      : teacher_(&teacher),
        distribution_(std::move(distribution)),
        samples_(samples),
        settings_(settings) {
    detail::require_positive("fresh_each_epoch", "samples", samples);
    detail::require_positive("fresh_each_epoch", "batch", settings.batch);
    detail::require_positive("fresh_each_epoch", "steps", settings.steps);
  }
  fresh_each_epoch(const Teacher&& teacher, Distribution, std::size_t,
                   const batch_settings&) = delete;

  [[nodiscard]] std::uint64_t seed() const noexcept { return settings_.seed; }
  [[nodiscard]] std::size_t steps() const noexcept { return settings_.steps; }
  [[nodiscard]] const Teacher& teacher() const noexcept { return *teacher_; }

  auto next(std::size_t epoch, std::size_t step) {
    if (epoch_ != epoch || !data_) {  // none once moved from
      auto x = make_matrix<value_type>(samples_, teacher_->in_width());
      draw_inputs(distribution_, matrix_view(x), settings_.seed, purpose::inputs, epoch * samples_);
      auto y = outputs(*teacher_, x);
      data_ = std::make_shared<const data_type>(std::move(x), std::move(y));
      steps_.emplace(*data_, settings_);
      epoch_ = epoch;
    }
    return steps_->next(epoch, step);
  }

 private:
  const Teacher* teacher_;
  Distribution distribution_;
  std::size_t samples_;
  batch_settings settings_;
  std::optional<std::size_t> epoch_;
  std::shared_ptr<const data_type> data_;  // copies of this source share an epoch's samples
  std::optional<with_replacement<data_type>> steps_;
};

}  // namespace tutelage
