// Batch normalization (arXiv:1502.03167), with the names, numbers and conventions of PyTorch:
//
//   f = gamma (x - mean) / sqrt(var + eps) + beta,  one gamma, beta, mean and var a channel
//
//   x, f   [N, C P]     C channels of P positions each; rows of nodes have P = 1
//   while it learns     mean and biased var of the batch's M = N P numbers of a channel
//   in evaluation       running_mean and running_var
//   track               running = (1 - momentum) running + momentum (mean, M/(M-1) var)
//
// So inputs 1, 2, 3, 4 give running_var 1.0666667 after one step of momentum 0.1. Backward, with
// y = (x - mean) / sqrt(var + eps) and <> the mean over a channel's M numbers:
//
//   g_below = gamma / sqrt(var + eps) (g - <g> - y <g y>),   dgamma = sum g y / N,  dbeta = sum g / N
//
// which is orthogonal to 1 and, but for eps, to x: arXiv:1905.13405, Lemma of Theorem 3.
#pragma once

#include <cmath>
#include <concepts>
#include <cstddef>
#include <string>

#include <tutelage/core/extents.hpp>
#include <tutelage/core/matrix.hpp>
#include <tutelage/model/channels.hpp>
#include <tutelage/model/image.hpp>
#include <type_traits>

namespace tutelage::inline TUTELAGE_TARGET {

struct batch_norm_settings {
  double eps = 1e-5;
  /// The share of the newest batch in the running statistics.
  double momentum = 0.1;
};

/// `N`, the number of nodes or channels, is a number or `dynamic`; `Image` says which of them. Above
/// a layer of images, a layer of nodes becomes one of channels.
template <scalar T, std::size_t N = dynamic, class Image = no_image>
class batch_norm {
  static_assert(N > 0, "batch_norm: at least one node");
  static constexpr bool of_nodes = std::same_as<Image, no_image>;
  using A = std::conditional_t<std::same_as<T, float>, double, T>;  // sums are made in

 public:
  using value_type = T;
  static constexpr std::size_t in_extent = of_nodes ? N : dynamic;
  static constexpr std::size_t out_extent = in_extent;
  static constexpr std::size_t parameters = 1;
  /// Not sure of what lies below before it is put there.
  static constexpr bool is_part = of_nodes;

  template <scalar U>
  using rebind = batch_norm<U, N, Image>;

  struct tape {
    workspace<T> f;             // [N, C P]
    workspace<T> statistics;    // [3, C]: mean, 1 / sqrt(var + eps), biased var
    std::size_t count = 0;      // M, numbers of a channel; 0 when the statistics are running ones
    mutable workspace<A> sums;  // [2, C], scratch
  };

  batch_norm() requires(N != dynamic && of_nodes) : batch_norm(N) {}

  /// gamma = 1, beta = 0, running_mean = 0, running_var = 1. Throws shape_error when there are no
  /// nodes or another number of them than a static one, argument_error for an eps or momentum that
  /// means nothing.
  explicit batch_norm(std::size_t nodes, batch_norm_settings settings = {}) requires(of_nodes)
      : batch_norm(nodes, no_image(), settings) {}
  explicit batch_norm(image_shape image, batch_norm_settings settings = {}) requires(!of_nodes)
      : batch_norm(image.channels, image, settings) {}

  /// C and P.
  [[nodiscard]] std::size_t channels() const noexcept { return rows_.channels(); }
  [[nodiscard]] std::size_t positions() const noexcept { return rows_.positions(); }
  [[nodiscard]] std::size_t in_width() const noexcept { return rows_.width(); }
  [[nodiscard]] std::size_t out_width() const noexcept { return in_width(); }
  [[nodiscard]] image_shape out_image() const requires(!of_nodes) { return rows_.image(); }
  [[nodiscard]] const batch_norm_settings& settings() const noexcept { return settings_; }

  [[nodiscard]] std::span<T> gamma() { return parameter().row(0); }
  [[nodiscard]] std::span<const T> gamma() const { return parameter().row(0); }
  [[nodiscard]] std::span<T> beta() { return parameter().row(1); }
  [[nodiscard]] std::span<const T> beta() const { return parameter().row(1); }
  [[nodiscard]] std::span<T> running_mean() { return running().row(0); }
  [[nodiscard]] std::span<const T> running_mean() const { return running().row(0); }
  [[nodiscard]] std::span<T> running_var() { return running().row(1); }
  [[nodiscard]] std::span<const T> running_var() const { return running().row(1); }
  /// Batches that the running statistics have seen.
  [[nodiscard]] T num_batches_tracked() const { return tracked_(0, 0); }

  /// In evaluation f = scale x + shift.
  [[nodiscard]] T scale(std::size_t c) const { return gamma()[c] * inverse_deviation(c); }
  [[nodiscard]] T shift(std::size_t c) const { return beta()[c] - running_mean()[c] * scale(c); }

  /// The same above images, or above as many nodes. Throws shape_error where there are not so many
  /// channels.
  template <layer Below>
  [[nodiscard]] auto over(const Below& below) const requires(of_nodes) {
    const auto image = detail::image_of(below);
    if constexpr (image_layer<Below>) {
      if (image.channels != channels()) {
        throw shape_error(detail::text("batch_norm: ", channels(),
                                       " channels, the layer below gives images of ",
                                       shape_text(image)));
      }
    } else if (below.out_width() != channels()) {
      throw shape_error(detail::text("batch_norm: ", channels(), " nodes, the layer below gives ",
                                     below.out_width()));
    }
    batch_norm<T, N, std::remove_const_t<decltype(image)>> result(channels(), image, settings_);
    result.take(*this);
    return result;
  }

  template <scalar U>
  [[nodiscard]] rebind<U> cast() const {
    rebind<U> result(channels(), rows_.image(), settings_);
    result.take(*this);
    return result;
  }

  /// In evaluation. Throws shape_error unless x is [N, C P].
  matrix_view<T, dynamic, in_extent> forward(matrix_view<const T, dynamic, in_extent> x,
                                             tape& kept) const {
    detail::require_shape("forward", "x", x, x.rows(), in_width());
    const auto statistics = kept.statistics.reshape(3, channels());
    for (std::size_t c = 0; c < channels(); ++c) {
      statistics(0, c) = running_mean()[c];
      statistics(1, c) = inverse_deviation(c);
      statistics(2, c) = running_var()[c];
    }
    kept.count = 0;
    return normalize(x, kept);
  }

  /// While it learns. Throws argument_error for fewer than two numbers a channel.
  matrix_view<T, dynamic, in_extent> forward(training, matrix_view<const T, dynamic, in_extent> x,
                                             tape& kept) const {
    detail::require_shape("forward", "x", x, x.rows(), in_width());
    kept.count = x.rows() * positions();
    if (kept.count < 2) {
      throw argument_error(detail::text("batch_norm: a batch of ", kept.count,
                                        " numbers a channel has no variance, expected at least 2"));
    }
    const auto statistics = kept.statistics.reshape(3, channels());
    const auto sums = kept.sums.reshape(2, channels());
    const A M = static_cast<A>(static_cast<real_t<T>>(kept.count));
    rows_.add_up(x.rows(), sums.row(0).data(), [&](std::size_t i, std::size_t, std::size_t k) {
      return static_cast<A>(x(i, k));
    });
    for (std::size_t c = 0; c < channels(); ++c) sums(0, c) /= M;
    rows_.add_up(x.rows(), sums.row(1).data(), [&](std::size_t i, std::size_t c, std::size_t k) {
      const A d = static_cast<A>(x(i, k)) - sums(0, c);
      return d * d;
    });
    for (std::size_t c = 0; c < channels(); ++c) {
      const A variance = sums(1, c) / M;
      statistics(0, c) = static_cast<T>(sums(0, c));
      statistics(1, c) = static_cast<T>(A(1) / std::sqrt(variance + A(settings_.eps)));
      statistics(2, c) = static_cast<T>(variance);
    }
    return normalize(x, kept);
  }

  /// The running statistics take in a batch that was passed forward while learning. Throws
  /// argument_error for another tape.
  void track(const tape& kept) {
    if (kept.count == 0) {
      throw argument_error("batch_norm: what is tracked was no forward pass of training");
    }
    const auto statistics = kept.statistics.view();
    detail::require_shape("track", "statistics", statistics, 3, channels());
    const T share = static_cast<T>(settings_.momentum), rest = T(1) - share;
    const T M = static_cast<T>(static_cast<real_t<T>>(kept.count));
    const T unbiased = M / (M - T(1));
    for (std::size_t c = 0; c < channels(); ++c) {
      running_mean()[c] = rest * running_mean()[c] + share * statistics(0, c);
      running_var()[c] = rest * running_var()[c] + share * unbiased * statistics(2, c);
    }
    tracked_(0, 0) += T(1);
  }

  void backward_output(const tape& /*kept*/, matrix_view<T, dynamic, in_extent> /*g*/) const {}

  void backward_input(matrix_view<const T, dynamic, in_extent> x, const tape& kept,
                      matrix_view<const T, dynamic, in_extent> g,
                      matrix_view<T, dynamic, in_extent> below) const {
    require_kept("backward_input", x, kept, g);
    detail::require_shape("backward_input", "below", below, x.rows(), in_width());
    const auto statistics = kept.statistics.view();
    const T* const scale = gamma().data();
    if (kept.count == 0) {
      rows_.each(x.rows(), [&](std::size_t i, std::size_t c, std::size_t k) {
        below(i, k) = scale[c] * statistics(1, c) * g(i, k);
      });
      return;
    }
    const auto sums = sum_gradients(x, kept, g);
    const A M = static_cast<A>(static_cast<real_t<T>>(kept.count));
    for (std::size_t c = 0; c < channels(); ++c) {
      sums(0, c) /= M;
      sums(1, c) /= M;
    }
    rows_.each(x.rows(), [&](std::size_t i, std::size_t c, std::size_t k) {
      const T y = (x(i, k) - statistics(0, c)) * statistics(1, c);
      below(i, k) = scale[c] * statistics(1, c) *
                    (g(i, k) - static_cast<T>(sums(0, c)) - y * static_cast<T>(sums(1, c)));
    });
  }

  /// Visits [gamma; beta], [2, C].
  template <class Visit>
  void backward_weights(matrix_view<const T, dynamic, in_extent> x, const tape& kept,
                        matrix_view<const T, dynamic, in_extent> g, Visit&& visit) const {
    require_kept("backward_weights", x, kept, g);
    if (x.rows() == 0) throw shape_error("backward_weights: the batch is empty");
    visit(std::size_t{2}, channels(), [&](const matrix_view<T>& d, T alpha, T beta) {
      detail::require_shape("backward_weights", "dW", d, 2, channels());
      const auto sums = sum_gradients(x, kept, g);
      const T share = alpha / static_cast<real_t<T>>(x.rows());
      for (std::size_t c = 0; c < channels(); ++c) {
        for (std::size_t row = 0; row < 2; ++row) {
          const T step = share * static_cast<T>(sums(1 - row, c));
          d(row, c) = beta == T(0) ? step : step + beta * d(row, c);
        }
      }
    });
  }

  /// In evaluation, for every sample: from [V r] [C_L, C P + 1] to `below`, as wide; V is changed.
  /// Throws argument_error after a forward pass of training, where samples depend on each other.
  void pull(const tape& kept, std::size_t /*i*/, matrix_view<T> V, matrix_view<T> below) const {
    if (kept.count != 0) {
      throw argument_error("batch_norm: V is pulled down in evaluation only");
    }
    const std::size_t n = in_width();
    for (std::size_t row = 0; row < V.rows(); ++row) {
      below(row, n) = V(row, n);
      for (std::size_t k = 0; k < n; ++k) {
        const std::size_t c = k / positions();
        below(row, k) = V(row, k) * scale(c);
        below(row, n) += V(row, k) * shift(c);
      }
    }
  }

  template <class Visit>
  void for_each_parameter(Visit&& visit) {
    visit(parameter());
  }

  /// prefix + "weight", gamma, and prefix + "bias", beta.
  template <class Visit>
  void for_each_block(const std::string& prefix, Visit&& visit) {
    show<T>(*this, prefix, {"weight", "bias"}, parameter(), visit);
  }
  template <class Visit>
  void for_each_block(const std::string& prefix, Visit&& visit) const {
    show<const T>(*this, prefix, {"weight", "bias"}, parameter(), visit);
  }

  /// prefix + "running_mean", "running_var" and "num_batches_tracked".
  template <class Visit>
  void for_each_buffer(const std::string& prefix, Visit&& visit) {
    show<T>(*this, prefix, {"running_mean", "running_var"}, running(), visit);
    visit(block<T>{prefix + "num_batches_tracked", {}, matrix_view<T>(tracked_)});
  }
  template <class Visit>
  void for_each_buffer(const std::string& prefix, Visit&& visit) const {
    show<const T>(*this, prefix, {"running_mean", "running_var"}, running(), visit);
    visit(block<const T>{prefix + "num_batches_tracked", {}, matrix_view<const T>(tracked_)});
  }

 private:
  template <scalar, std::size_t, class>
  friend class batch_norm;

  batch_norm(std::size_t channels, Image image, batch_norm_settings settings)
      : rows_(channels, image),
        settings_(settings),
        parameter_(make_storage(channels)),
        running_(make_storage(channels)),
        tracked_(make_matrix<T>(1, 1)) {
    if (positions() == 0) {
      throw shape_error(detail::text("batch_norm: images without positions"));
    }
    if (!(settings.eps > 0 && std::isfinite(settings.eps))) {
      throw argument_error(
          detail::text("batch_norm: eps is ", settings.eps, ", expected a positive number"));
    }
    if (!(settings.momentum >= 0 && settings.momentum <= 1)) {
      throw argument_error(detail::text("batch_norm: momentum is ", settings.momentum,
                                        ", expected a number in [0, 1]"));
    }
    for (T& value : gamma()) value = T(1);
    for (T& value : running_var()) value = T(1);
  }

  static matrix<T> make_storage(std::size_t channels) {
    if (channels == 0 || channels == dynamic) {
      throw shape_error(detail::text("batch_norm: ", width_text(channels),
                                     " nodes, expected a number of at least 1"));
    }
    return make_matrix<T>(2, channels);
  }

  // The numbers of another: another scalar's, or the same's before it was put above images.
  template <class Other>
  void take(const Other& other) {
    for (std::size_t c = 0; c < channels(); ++c) {
      for (std::size_t row = 0; row < 2; ++row) {
        parameter()(row, c) = static_cast<T>(other.parameter()(row, c));
        running()(row, c) = static_cast<T>(other.running()(row, c));
      }
    }
    tracked_(0, 0) = static_cast<T>(other.tracked_(0, 0));
  }

  [[nodiscard]] matrix_view<T> parameter() { return stored(parameter_); }
  [[nodiscard]] matrix_view<const T> parameter() const { return stored(parameter_); }
  [[nodiscard]] matrix_view<T> running() { return stored(running_); }
  [[nodiscard]] matrix_view<const T> running() const { return stored(running_); }

  template <class Owned>
  static auto stored(Owned& owned) {
    if (owned.numbers.size() == 0) {
      throw argument_error("batch_norm: the numbers were moved to another layer");
    }
    return matrix_view(owned.numbers);
  }

  [[nodiscard]] T inverse_deviation(std::size_t c) const {
    return static_cast<T>(A(1) / std::sqrt(static_cast<A>(running_var()[c]) + A(settings_.eps)));
  }

  template <class U, class Self, class Visit>
  static void show(Self& self, const std::string& prefix, const char* const (&names)[2],
                   matrix_view<U> rows, Visit& visit) {
    for (std::size_t row = 0; row < 2; ++row) {
      visit(block<U>{prefix + names[row], {self.channels()}, rows.middle_rows(row, 1)});
    }
  }

  template <class G>
  void require_kept(const char* function, const matrix_view<const T, dynamic, in_extent>& x,
                    const tape& kept, const G& g) const {
    detail::require_shape(function, "x", x, kept.f.view().rows(), in_width());
    detail::require_shape(function, "g", g, x.rows(), in_width());
  }

  // The sums of g and of g y, [2, C].
  template <class G>
  matrix_view<A> sum_gradients(const matrix_view<const T, dynamic, in_extent>& x, const tape& kept,
                               const G& g) const {
    const auto statistics = kept.statistics.view();
    const auto sums = kept.sums.reshape(2, channels());
    rows_.add_up(x.rows(), sums.row(0).data(), [&](std::size_t i, std::size_t, std::size_t k) {
      return static_cast<A>(g(i, k));
    });
    rows_.add_up(x.rows(), sums.row(1).data(), [&](std::size_t i, std::size_t c, std::size_t k) {
      return static_cast<A>(g(i, k)) *
             static_cast<A>((x(i, k) - statistics(0, c)) * statistics(1, c));
    });
    return sums;
  }

  matrix_view<T, dynamic, in_extent> normalize(const matrix_view<const T, dynamic, in_extent>& x,
                                               tape& kept) const {
    const auto statistics = kept.statistics.view();
    const matrix_view<T, dynamic, in_extent> f(kept.f.reshape(x.rows(), in_width()));
    const T* const scale = gamma().data();
    const T* const shift = beta().data();
    rows_.each(x.rows(), [&](std::size_t i, std::size_t c, std::size_t k) {
      f(i, k) = scale[c] * ((x(i, k) - statistics(0, c)) * statistics(1, c)) + shift[c];
    });
    return f;
  }

  [[no_unique_address]] detail::channel_rows<N, Image> rows_;
  batch_norm_settings settings_;
  detail::owned_matrix<T> parameter_;  // [2, C]: gamma, beta
  detail::owned_matrix<T> running_;    // [2, C]: mean, var
  matrix<T> tracked_;                  // [1, 1]
};

}  // namespace tutelage
