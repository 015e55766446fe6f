// Gram matrices: G = alpha S^T S + beta G, at half the work of a product.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>

#include <tutelage/core/product.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {
template <class Cols, class Size>
constexpr void check_gram() {
  static_assert(
      may_fit<Cols, Size>,
      "gram: the operands' static extents do not fit; see check_gram<columns of S, size of G>");
}
}  // namespace detail

/// G = alpha S^T S + beta G for S [N, n], a matrix or a view, and G [n, n], which do not overlap.
/// Reads and writes the upper triangle of G only; see symmetrize. With beta = 0 the old G is not
/// read. Complex numbers are not conjugated. Throws shape_error when G has another shape.
template <class S, scalar T, std::size_t M>
void gram(const S& s, const matrix_view<T, M, M>& G, std::type_identity_t<T> alpha = T(1),
          std::type_identity_t<T> beta = T(0)) {
  const auto from = detail::as_operand(s);
  detail::check_gram<detail::shown<decltype(from)::col_extent>, detail::shown<M>>();
  detail::require_shape("gram", "G", G, from.cols(), from.cols());
  const std::size_t n = from.cols();
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t k = j; k < n; ++k) G(j, k) = beta == T(0) ? T(0) : beta * G(j, k);
  }
  if (n == 0 || from.rows() == 0) return;
  if constexpr (detail::blas_scalar<T>) {
    const auto index = [](std::size_t extent) {
      if (extent > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
        throw shape_error(detail::text("gram: extent ", extent, " is too large for BLAS"));
      }
      return static_cast<int>(extent);
    };
    cxxblas::syrk<int>(cxxblas::RowMajor, cxxblas::Upper, cxxblas::Trans, index(n),
                       index(from.rows()), alpha, from.data(), index(from.stride()), T(1), G.data(),
                       index(G.stride()));
  } else {
    for (std::size_t i = 0; i < from.rows(); ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        const T factor = alpha * from(i, j);
        for (std::size_t k = j; k < n; ++k) G(j, k) += factor * from(i, k);
      }
    }
  }
}

/// Copies the upper triangle of a square matrix into the lower one.
template <class T, std::size_t M>
void symmetrize(const matrix_view<T, M, M>& G) {
  constexpr std::size_t tile = 32;  // a tile and its mirror image stay in the cache
  for (std::size_t top = 0; top < G.rows(); top += tile) {
    for (std::size_t left = 0; left <= top; left += tile) {
      for (std::size_t j = top; j < std::min(top + tile, G.rows()); ++j) {
        for (std::size_t k = left; k < std::min(left + tile, j); ++k) G(j, k) = G(k, j);
      }
    }
  }
}

}  // namespace tutelage
