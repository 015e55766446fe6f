// Counter-based random streams.
//
// A stream is named by (seed, purpose, index); its i-th number is a pure function of the name and
// of i. Teacher, student, inputs and batches have purposes of their own, so changing how one is
// drawn leaves the others alone, and work that is split over threads draws the same numbers.
//
//   bits     Threefry-4x64-20 of Random123 (Salmon et al., SC 2011)
//   uniform  the upper 53 bits of a word, times 2^-53: in [0, 1)
//   normal   Box-Muller: r = sqrt(-2 ln u), (r cos 2 pi v, r sin 2 pi v), with logarithm, sine and
//            cosine of our own. They use correctly rounded operations only, and every product that
//            is added to something is an explicit std::fma, so that neither the C library nor the
//            compiler's contraction can change a bit: equal on every IEEE 754 platform.
#pragma once

#include <Random123/threefry.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>

#include <tutelage/core/errors.hpp>
#include <tutelage/core/scalar.hpp>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

/// What a stream's numbers are for. Streams of different purposes never share a number.
enum class purpose : std::uint64_t {
  teacher = 1,  // weights of a constructed teacher, or the start of a trained one
  student,      // start of a student
  inputs,       // training inputs
  evaluation,   // inputs that nothing is trained on
  batches,      // which samples make up a batch
  analysis      // draws made by an analysis
};

namespace detail {

// ln(x) for x in (0, 1], relative error below 2 epsilon: x = m 2^e with m in [1/sqrt 2, sqrt 2),
// s = (m-1)/(m+1), ln m = 2 (s + s^3/3 + s^5/5 + ...); |s| < 0.172.
inline double log_of_uniform(double x) noexcept {
  constexpr std::uint64_t sqrt_half = 0x3FE6A09E667F3BCD;
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(x);
  const auto exponent = static_cast<std::int64_t>(bits - sqrt_half) >> 52;
  const double m = std::bit_cast<double>(bits - (static_cast<std::uint64_t>(exponent) << 52));
  const double s = (m - 1.0) / (m + 1.0);
  const double z = s * s;
  double p = 1.0 / 23;
  p = std::fma(p, z, 1.0 / 21);
  p = std::fma(p, z, 1.0 / 19);
  p = std::fma(p, z, 1.0 / 17);
  p = std::fma(p, z, 1.0 / 15);
  p = std::fma(p, z, 1.0 / 13);
  p = std::fma(p, z, 1.0 / 11);
  p = std::fma(p, z, 1.0 / 9);
  p = std::fma(p, z, 1.0 / 7);
  p = std::fma(p, z, 1.0 / 5);
  p = std::fma(p, z, 1.0 / 3);
  const double two_s = 2.0 * s;
  constexpr double ln2_high = 0x1.62e42fefa3800p-1;  // 11 trailing zeros: e * ln2_high is exact
  constexpr double ln2_low = 0x1.ef35793c76730p-45;
  const auto e = static_cast<double>(exponent);
  return std::fma(e, ln2_high, std::fma(e, ln2_low, std::fma(two_s * z, p, two_s)));
}

// sin and cos of f pi/2 for |f| <= 1/2, Taylor series in f^2 to below 1e-17.
inline double sin_half_pi(double f) noexcept {
  const double z = f * f;
  double p = 6.0669357311061955e-12;
  p = std::fma(p, z, -6.688035109811468e-10);
  p = std::fma(p, z, 5.692172921967927e-08);
  p = std::fma(p, z, -3.598843235212085e-06);
  p = std::fma(p, z, 0.00016044118478735983);
  p = std::fma(p, z, -0.004681754135318688);
  p = std::fma(p, z, 0.07969262624616705);
  p = std::fma(p, z, -0.6459640975062463);
  p = std::fma(p, z, 1.5707963267948966);
  return f * p;
}
inline double cos_half_pi(double f) noexcept {
  const double z = f * f;
  double p = 6.565963114979473e-11;
  p = std::fma(p, z, -6.386603083791852e-09);
  p = std::fma(p, z, 4.710874778818172e-07);
  p = std::fma(p, z, -2.5202042373060607e-05);
  p = std::fma(p, z, 0.0009192602748394266);
  p = std::fma(p, z, -0.02086348076335296);
  p = std::fma(p, z, 0.25366950790104803);
  p = std::fma(p, z, -1.2337005501361697);
  return std::fma(p, z, 1.0);
}

// Two standard normal draws from each pair of words. Not inlined: results reach the caller through
// memory, so no caller can contract r * cos into something of its own.
[[gnu::noinline]] inline void normal_pairs(const std::uint64_t* __restrict words,
                                           double* __restrict draws, std::size_t pairs) noexcept {
  for (std::size_t i = 0; i < pairs; ++i) {
    const auto up = static_cast<std::int64_t>(words[2 * i] >> 11);
    const double u = static_cast<double>(up + 1) * 0x1p-53;  // (0, 1]
    const auto turn = static_cast<std::int64_t>(words[2 * i + 1] >> 11);
    const std::int64_t quadrant = (turn + (std::int64_t{1} << 50)) >> 51;  // nearest, 0 to 4
    const double f = static_cast<double>(turn - (quadrant << 51)) * 0x1p-51;
    const double radius = std::sqrt(-2.0 * log_of_uniform(u));
    const double s = sin_half_pi(f);
    const double c = cos_half_pi(f);
    const bool odd = (quadrant & 1) != 0;
    const double across = odd ? -s : c;
    const double up_axis = odd ? c : s;
    const double sign = (quadrant & 2) != 0 ? -1.0 : 1.0;
    draws[2 * i] = radius * (sign * across);
    draws[2 * i + 1] = radius * (sign * up_axis);
  }
}

}  // namespace detail

/// A sequence of random numbers with a name. Copying copies the position.
class stream {
 public:
  /// The stream number `index` of a purpose, under a seed.
  explicit stream(std::uint64_t seed, purpose what, std::uint64_t index = 0) noexcept
      : key_{{seed, static_cast<std::uint64_t>(what), index, 0}} {}

  /// The next 64 random bits.
  std::uint64_t bits() noexcept {
    if (next_word_ == block_.size()) {
      block_ = block(next_block_++);
      next_word_ = 0;
    }
    return block_[next_word_++];
  }

  /// Uniform in [0, 1), a multiple of 2^-53.
  double uniform() noexcept { return static_cast<double>(bits() >> 11) * 0x1p-53; }

  /// Uniform in {0, ..., n-1}, without bias (Lemire, arXiv:1805.10941: the whole part of n times a
  /// fraction of 64 bits). Throws argument_error when n is 0.
  std::uint64_t below(std::uint64_t n) {
    if (n == 0) throw argument_error("stream::below: n is 0, expected at least 1");
    __extension__ using wide = unsigned __int128;
    wide product = wide{bits()} * n;
    if (static_cast<std::uint64_t>(product) < n) {
      const std::uint64_t rejected = (0 - n) % n;  // 2^64 mod n
      while (static_cast<std::uint64_t>(product) < rejected) product = wide{bits()} * n;
    }
    return static_cast<std::uint64_t>(product >> 64);
  }

  /// Standard normal.
  double normal() noexcept {
    if (!has_spare_) {
      const std::array<std::uint64_t, 2> drawn{bits(), bits()};
      std::array<double, 2> pair{};
      detail::normal_pairs(drawn.data(), pair.data(), 1);
      spare_ = pair[1];
      has_spare_ = true;
      return pair[0];
    }
    has_spare_ = false;
    return spare_;
  }

  /// N(mean, std^2) into every element: the numbers that as many calls of normal() would give.
  /// Throws argument_error when mean or std is not finite or std is negative.
  template <real_scalar T>
  void fill_normal(std::span<T> out, double mean = 0, double std = 1) {
    if (!std::isfinite(mean) || !std::isfinite(std) || std < 0) {
      throw argument_error(detail::text("stream::fill_normal: mean ", mean, ", std ", std,
                                        ", expected finite and std not negative"));
    }
    std::size_t done = 0;
    const auto put = [&](double z) { out[done++] = static_cast<T>(std::fma(std, z, mean)); };
    if (has_spare_ && !out.empty()) put(normal());
    constexpr std::size_t chunk = 64;
    std::array<std::uint64_t, chunk> drawn{};
    std::array<double, chunk> draws{};
    while (out.size() - done >= 2) {
      const std::size_t count = std::min(chunk, (out.size() - done) / 2 * 2);
      for (std::size_t i = 0; i < count; ++i) drawn[i] = bits();
      detail::normal_pairs(drawn.data(), draws.data(), count / 2);
      for (std::size_t i = 0; i < count; ++i) put(draws[i]);
    }
    if (done < out.size()) put(normal());
  }

  /// Uniform in [low, high), rounded to T, into every element. Throws argument_error unless both
  /// and their distance are finite and low <= high.
  template <real_scalar T>
  void fill_uniform(std::span<T> out, double low = 0, double high = 1) {
    if (!std::isfinite(high - low) || low > high) {
      throw argument_error(detail::text("stream::fill_uniform: [", low, ", ", high,
                                        "), expected finite ends in order"));
    }
    for (T& x : out) x = static_cast<T>(std::fma(high - low, uniform(), low));
  }

  /// A random order of 0, ..., n-1 (Fisher and Yates).
  std::vector<std::size_t> permutation(std::size_t n) {
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (std::size_t i = n; i > 1; --i) std::swap(order[i - 1], order[below(i)]);
    return order;
  }

 private:
  using generator = r123::Threefry4x64;
  using block_type = std::array<std::uint64_t, 4>;

  [[nodiscard]] block_type block(std::uint64_t number) const noexcept {
    const generator::ctr_type counter{{number, 0, 0, 0}};
    const auto result = generator{}(counter, key_);
    return {result[0], result[1], result[2], result[3]};
  }

  generator::key_type key_;
  std::uint64_t next_block_ = 0;
  block_type block_{};
  std::size_t next_word_ = 4;
  double spare_ = 0;
  bool has_spare_ = false;
};

}  // namespace tutelage
