// Vectors of the processor: whole and partial loads and stores, and the transpose of a square of
// them.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <tutelage/core/target.hpp>
#include <xsimd/xsimd.hpp>

namespace tutelage::inline TUTELAGE_TARGET::detail {

/// What the kernels have vectors for.
template <class T>
concept simd_scalar = std::same_as<T, float> || std::same_as<T, double>;

template <simd_scalar T>
using simd = xsimd::batch<T, xsimd::default_arch>;

template <simd_scalar T>
inline constexpr std::size_t lanes = simd<T>::size;

/// The first `count` lanes of a vector, 1 <= count <= lanes: what is left of a row after whole
/// vectors. A partial load reads, and a partial store writes, these lanes only.
template <simd_scalar T>
class partial {
 public:
#if defined(__AVX512F__)
  using mask = std::conditional_t<std::same_as<T, double>, __mmask8, __mmask16>;
  explicit partial(std::size_t count) noexcept : mask_(static_cast<mask>((1U << count) - 1U)) {}

  [[nodiscard]] simd<T> load(const T* from) const noexcept {
    if constexpr (std::same_as<T, double>) {
      return _mm512_maskz_loadu_pd(mask_, from);
    } else {
      return _mm512_maskz_loadu_ps(mask_, from);
    }
  }
  void store(T* to, const simd<T>& x) const noexcept {
    if constexpr (std::same_as<T, double>) {
      _mm512_mask_storeu_pd(to, mask_, x);
    } else {
      _mm512_mask_storeu_ps(to, mask_, x);
    }
  }

 private:
  mask mask_;
#elif defined(__AVX__)
  explicit partial(std::size_t count) noexcept {
    constexpr std::size_t L = lanes<T>;
    using flag = std::conditional_t<std::same_as<T, double>, std::int64_t, std::int32_t>;
    alignas(32) std::array<flag, L> flags{};
    for (std::size_t i = 0; i < count; ++i) flags[i] = -1;
    mask_ = _mm256_load_si256(reinterpret_cast<const __m256i*>(flags.data()));
  }

  [[nodiscard]] simd<T> load(const T* from) const noexcept {
    if constexpr (std::same_as<T, double>) {
      return _mm256_maskload_pd(from, mask_);
    } else {
      return _mm256_maskload_ps(from, mask_);
    }
  }
  void store(T* to, const simd<T>& x) const noexcept {
    if constexpr (std::same_as<T, double>) {
      _mm256_maskstore_pd(to, mask_, x);
    } else {
      _mm256_maskstore_ps(to, mask_, x);
    }
  }

 private:
  __m256i mask_;
#else
  explicit partial(std::size_t count) noexcept : count_(count) {}

  [[nodiscard]] simd<T> load(const T* from) const noexcept {
    alignas(64) std::array<T, lanes<T>> all{};
    for (std::size_t i = 0; i < count_; ++i) all[i] = from[i];
    return simd<T>::load_aligned(all.data());
  }
  void store(T* to, const simd<T>& x) const noexcept {
    alignas(64) std::array<T, lanes<T>> all;
    x.store_aligned(all.data());
    for (std::size_t i = 0; i < count_; ++i) to[i] = all[i];
  }

 private:
  std::size_t count_;
#endif
};

/// Is a partial load or store as fast as a whole one? Then the kernels use no other for the last
/// vector of a row, and half as many of them are compiled.
#if defined(__AVX512F__)
inline constexpr bool partial_is_free = true;
#else
inline constexpr bool partial_is_free = false;
#endif

/// A whole vector of a row, or with Partial what is left of it.
template <simd_scalar T, bool Partial>
class row_piece {
 public:
  explicit row_piece(partial<T> rest) noexcept : rest_(rest) {}

  [[nodiscard]] simd<T> load(const T* from) const noexcept {
    if constexpr (Partial) {
      return rest_.load(from);
    } else {
      return simd<T>::load_unaligned(from);
    }
  }
  void store(T* to, const simd<T>& x) const noexcept {
    if constexpr (Partial) {
      rest_.store(to, x);
    } else {
      x.store_unaligned(to);
    }
  }

 private:
  partial<T> rest_;
};

/// Copies a row. (For short rows a call of memmove costs more than the copy.)
template <simd_scalar T>
inline void copy_row(const T* from, std::size_t count, T* to) noexcept {
  std::size_t k = 0;
  for (; k + lanes<T> <= count; k += lanes<T>) {
    simd<T>::load_unaligned(from + k).store_unaligned(to + k);
  }
  if (k < count) {
    const partial<T> rest(count - k);
    rest.store(to + k, rest.load(from + k));
  }
}

/// a b + c, rounded once where the processor can. (xsimd 8.1 rounds twice on AVX-512.)
template <simd_scalar T>
[[gnu::always_inline]] inline simd<T> multiply_add(const simd<T>& a, const simd<T>& b,
                                                   const simd<T>& c) noexcept {
#if defined(__AVX512F__)
  if constexpr (std::same_as<T, double>) {
    return _mm512_fmadd_pd(a, b, c);
  } else {
    return _mm512_fmadd_ps(a, b, c);
  }
#elif defined(__FMA__)
  if constexpr (std::same_as<T, double>) {
    return _mm256_fmadd_pd(a, b, c);
  } else {
    return _mm256_fmadd_ps(a, b, c);
  }
#else
  return a * b + c;
#endif
}

/// (With xsimd 8.1's on AVX-512, g++ 12 warns of an uninitialized variable in its own header.)
template <simd_scalar T>
[[gnu::always_inline]] inline simd<T> square_root(const simd<T>& x) noexcept {
#if defined(__AVX512F__)
  if constexpr (std::same_as<T, double>) {
    return _mm512_maskz_sqrt_pd(0xFF, x);
  } else {
    return _mm512_maskz_sqrt_ps(0xFFFF, x);
  }
#else
  return xsimd::sqrt(x);
#endif
}

/// Gates say by a member type whether their members take vectors of the processor.
template <class Gate>
concept takes_vectors = requires {
  typename Gate::takes_vectors;
};

/// Row i of the square becomes column i.
template <simd_scalar T>
[[gnu::always_inline]] inline void transpose(simd<T> (&square)[lanes<T>]) noexcept {
  constexpr std::size_t L = lanes<T>;
  // Exchanges blocks of Step by Step across the diagonal.
  const auto exchange = [&]<std::size_t Step, std::size_t... J>(
      std::integral_constant<std::size_t, Step>, std::index_sequence<J...>)
      __attribute__((always_inline)) {
#pragma GCC unroll 16
    for (std::size_t i = 0; i < L; ++i) {
      if ((i & Step) != 0) continue;
      const typename simd<T>::register_type a = square[i], b = square[i + Step];
      square[i] = simd<T>(__builtin_shufflevector(a, b, ((J & Step) == 0 ? J : L + J - Step)...));
      square[i + Step] =
          simd<T>(__builtin_shufflevector(a, b, ((J & Step) == 0 ? J + Step : L + J)...));
    }
  };
  constexpr auto lane_numbers = std::make_index_sequence<L>{};
  if constexpr (L > 1) exchange(std::integral_constant<std::size_t, 1>{}, lane_numbers);
  if constexpr (L > 2) exchange(std::integral_constant<std::size_t, 2>{}, lane_numbers);
  if constexpr (L > 4) exchange(std::integral_constant<std::size_t, 4>{}, lane_numbers);
  if constexpr (L > 8) exchange(std::integral_constant<std::size_t, 8>{}, lane_numbers);
}

}  // namespace tutelage
