// Matrix products into storage that exists: C = alpha op(A) op(B) + beta C.
//
// Operands are views; transposed(A) stands for A^T without moving a number. Extents that are known
// to the compiler arrive here as template parameters.
#pragma once

#include <complex>
#include <concepts>
#include <cstddef>
#include <limits>

#include <tutelage/core/kernel/products.hpp>
#include <tutelage/core/matrix.hpp>
#include <tutelage/core/scattered_rows.hpp>

// Without its configuration before it, cxxblas silently multiplies by plain loops.
#include <xtensor-blas/xblas_config.hpp>

#include <xflens/cxxblas/cxxblas.cxx>
#ifndef CXXBLAS_DRIVERS_CBLAS_H
#error "tutelage: cxxblas does not call BLAS; include <xtensor-blas/xblas_config.hpp> before it"
#endif

namespace tutelage::inline TUTELAGE_TARGET {

/// A^T, for products. `base` is A: a matrix_view or scattered_rows.
template <class Base>
struct transposed_view {
  Base base;

  static constexpr std::size_t row_extent = Base::col_extent;
  static constexpr std::size_t col_extent = Base::row_extent;
  using value_type = typename Base::value_type;
  [[nodiscard]] constexpr std::size_t rows() const noexcept { return base.cols(); }
  [[nodiscard]] constexpr std::size_t cols() const noexcept { return base.rows(); }
};

template <class T, std::size_t Rows, std::size_t Cols>
constexpr transposed_view<matrix_view<const T, Rows, Cols>> transposed(
    const matrix_view<T, Rows, Cols>& a) {
  return {a};
}
template <class T>
transposed_view<matrix_view<const T>> transposed(const matrix<T>& a) {
  return {a};
}
template <class T, std::size_t Cols>
constexpr transposed_view<scattered_rows<T, Cols>> transposed(const scattered_rows<T, Cols>& a) {
  return {a};
}

namespace detail {

// What BLAS has kernels for.
template <class T>
concept blas_scalar = std::same_as<T, float> || std::same_as<T, double> ||
    std::same_as<T, std::complex<float>> || std::same_as<T, std::complex<double>>;

template <class View>
  requires requires(const View& view) { view.cols(); }
const View& as_operand(const View& view) { return view; }
template <class T>
matrix_view<const T> as_operand(const matrix<T>& m) {
  return m;
}

template <class M>
inline constexpr bool is_transposed_v = requires(const M& m) {
  m.base;
};

template <class View>
const View& base_of(const View& m) {
  return m;
}
template <class Base>
const Base& base_of(const transposed_view<Base>& m) {
  return m.base;
}

template <class M>
inline constexpr bool is_scattered_v = requires(const M& m) {
  base_of(m).pointers();
};

template <class A, class B, class T, std::size_t M, std::size_t N>
void multiply_blas(const A& a, const B& b, const matrix_view<T, M, N>& c, T alpha, T beta) {
  const auto operation = [](bool transpose) {
    return transpose ? cxxblas::Trans : cxxblas::NoTrans;
  };
  const auto index = [](std::size_t n) {
    if (n > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
      throw shape_error(text("multiply: extent ", n, " is too large for BLAS"));
    }
    return static_cast<int>(n);
  };
  cxxblas::gemm<int>(cxxblas::RowMajor, operation(is_transposed_v<A>),
                     operation(is_transposed_v<B>), index(c.rows()), index(c.cols()),
                     index(a.cols()), alpha, base_of(a).data(), index(base_of(a).stride()),
                     base_of(b).data(), index(base_of(b).stride()), beta, c.data(),
                     index(c.stride()));
}

/// The policy: which products of size (M x K) (K x N) go to our tiles. Tiles win where operands
/// stay in the cache; large products are BLAS's, which copies them into order first. With B
/// transposed, transposed_tiles_are_faster.
template <simd_scalar T>
constexpr bool tiles_are_faster(std::size_t M, std::size_t K, std::size_t N) {
  constexpr std::size_t cache = 1024 * 1024 / sizeof(T);
  return M * N + K * N + M * K <= cache;
}
template <simd_scalar T>
constexpr bool transposed_tiles_are_faster(std::size_t M, std::size_t K, std::size_t N) {
  return K <= longest_transposed<T> && tiles_are_faster<T>(M, K, N);
}

template <class T, std::size_t R, std::size_t C>
strided_left<std::remove_const_t<T>> left_of(const matrix_view<T, R, C>& a) {
  return {a.data(), a.stride(), 1};
}
template <class T, std::size_t R, std::size_t C>
strided_left<std::remove_const_t<T>> left_of(const transposed_view<matrix_view<T, R, C>>& a) {
  return {a.base.data(), 1, a.base.stride()};
}
template <class T, std::size_t C>
scattered_left<T> left_of(const scattered_rows<T, C>& a) {
  return {a.pointers().data()};
}
template <class T, std::size_t C>
scattered_left_transposed<T> left_of(const transposed_view<scattered_rows<T, C>>& a) {
  return scattered_left_transposed<T>(a.base.pointers().data(), a.base.ahead());
}

/// C = alpha sum + C.
template <class T>
struct store_added {
  rows_of<T> c;
  T alpha;
  [[gnu::always_inline]] void prefetch(std::size_t i, std::size_t j) const {
    __builtin_prefetch(c.at(i, j), 1);
  }
  template <class Piece>
  [[gnu::always_inline]] void operator()(std::size_t i, std::size_t j, const simd<T>& sum,
                                         const Piece& piece) const {
    T* const to = c.at(i, j);
    piece.store(to, multiply_add<T>(simd<T>(alpha), sum, piece.load(to)));
  }
};

/// C = alpha sum + beta C, which does not read the old C when beta is 0.
template <class T>
struct store_scaled {
  rows_of<T> c;
  T alpha, beta;
  template <class Piece>
  [[gnu::always_inline]] void operator()(std::size_t i, std::size_t j, const simd<T>& sum,
                                         const Piece& piece) const {
    T* const to = c.at(i, j);
    const simd<T> scaled = simd<T>(alpha) * sum;
    piece.store(to, beta == T(0) ? scaled : multiply_add<T>(simd<T>(beta), piece.load(to), scaled));
  }
};

// Returns false when tiles are not the way for these operands.
template <class A, class B, class T, std::size_t M, std::size_t N, class Finish>
bool multiply_tiles(const A& a, const B& b, const matrix_view<T, M, N>& c, const Finish& finish) {
  const std::size_t K = a.cols();
  if constexpr (!is_transposed_v<B>) {
    if (!tiles_are_faster<T>(c.rows(), K, c.cols())) return false;
    multiply_tiled<N>(operands{left_of(a), strided_right<T>{b.data(), b.stride()}, K}, c.rows(),
                      c.cols(), start_with_zero<T>{}, finish);
    return true;
  } else if constexpr (!is_transposed_v<A> && !is_scattered_v<A>) {
    if (!transposed_tiles_are_faster<T>(c.rows(), K, c.cols())) return false;
    transposed_product(rows_of<const T>(a), rows_of<const T>(b.base), c.rows(), c.cols(), K,
                       finish);
    return true;
  } else {
    return false;  // nothing here needs the others often
  }
}

// For scalars without BLAS (long double): plain loops, the inner one along rows of B and C.
template <class A, class B, class T, std::size_t M, std::size_t N>
void multiply_plain(const A& a, const B& b, const matrix_view<T, M, N>& c, T alpha, T beta) {
  const auto at = [](const auto& m, std::size_t i, std::size_t j) {
    return is_transposed_v<std::remove_cvref_t<decltype(m)>> ? base_of(m)(j, i) : base_of(m)(i, j);
  };
  for (std::size_t i = 0; i < c.rows(); ++i) {
    for (std::size_t j = 0; j < c.cols(); ++j) c(i, j) = beta == T(0) ? T(0) : beta * c(i, j);
    for (std::size_t k = 0; k < a.cols(); ++k) {
      const T factor = alpha * at(a, i, k);
      for (std::size_t j = 0; j < c.cols(); ++j) c(i, j) += factor * at(b, k, j);
    }
  }
}

// Widths as detail::shown has them.
template <class A, class B>
inline constexpr bool may_fit =
    std::same_as<A, B> || std::same_as<A, dynamic_width> || std::same_as<B, dynamic_width>;

template <class Rows, class Inner, class InnerToo, class Cols, class RowsOfC, class ColsOfC>
constexpr void check_product() {
  static_assert(may_fit<Rows, RowsOfC> && may_fit<Inner, InnerToo> && may_fit<Cols, ColsOfC>,
                "multiply: the operands' static extents do not fit; see "
                "check_product<rows of A, columns of A, rows of B, columns of B, rows of C, "
                "columns of C>");
}

}  // namespace detail

/// C = alpha A B + beta C, where A and B are matrices, views or transposed(...) of them, and C is a
/// view that overlaps neither. With beta = 0 the old C is not read. A may be scattered_rows, which
/// products that are BLAS's copy first.
/// Throws shape_error unless A is (m x k), B is (k x n) and C is (m x n).
template <class A, class B, scalar T, std::size_t M, std::size_t N>
void multiply(const A& a, const B& b, const matrix_view<T, M, N>& c,
              std::type_identity_t<T> alpha = T(1), std::type_identity_t<T> beta = T(0)) {
  const auto left = detail::as_operand(a);
  const auto right = detail::as_operand(b);
  using detail::shown;
  detail::check_product<shown<decltype(left)::row_extent>, shown<decltype(left)::col_extent>,
                        shown<decltype(right)::row_extent>, shown<decltype(right)::col_extent>,
                        shown<M>, shown<N>>();
  if (left.rows() != c.rows() || left.cols() != right.rows() || right.cols() != c.cols()) {
    throw shape_error(detail::text("multiply: ", shape_text(left.rows(), left.cols()), " times ",
                                   shape_text(right.rows(), right.cols()), " into ",
                                   shape_text(c.rows(), c.cols())));
  }
  if (c.rows() == 0 || c.cols() == 0) return;
  if constexpr (detail::simd_scalar<T>) {
    const detail::rows_of<T> to(c);
    if (beta == T(1)
            ? detail::multiply_tiles(left, right, c, detail::store_added<T>{to, alpha})
            : detail::multiply_tiles(left, right, c, detail::store_scaled<T>{to, alpha, beta})) {
      return;
    }
  }
  if constexpr (detail::is_scattered_v<decltype(left)> && detail::blas_scalar<T>) {
    const auto ordered = to_matrix(detail::base_of(left));
    if constexpr (detail::is_transposed_v<decltype(left)>) {
      detail::multiply_blas(transposed(ordered), right, c, alpha, beta);
    } else {
      detail::multiply_blas(matrix_view(ordered), right, c, alpha, beta);
    }
  } else if constexpr (detail::blas_scalar<T>) {
    detail::multiply_blas(left, right, c, alpha, beta);
  } else {
    detail::multiply_plain(left, right, c, alpha, beta);
  }
}

template <class A, class B, scalar T>
void multiply(const A& a, const B& b, matrix<T>& c, std::type_identity_t<T> alpha = T(1),
              std::type_identity_t<T> beta = T(0)) {
  multiply(a, b, matrix_view<T>(c), alpha, beta);
}

}  // namespace tutelage
