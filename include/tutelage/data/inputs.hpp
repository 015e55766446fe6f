// Input distributions, and what everything that holds samples has in common.
#pragma once

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include <tutelage/core/finite.hpp>
#include <tutelage/core/kernel/simd.hpp>
#include <tutelage/core/matrix.hpp>
#include <tutelage/core/random.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

// ---- Sources of rows --------------------------------------------------------------------------

namespace detail {
/// The check of every gather(): throws shape_error unless `out` is [indices.size(), cols] and the
/// indices are below `rows`.
template <class T>
void require_gather(std::size_t rows, std::size_t cols, std::span<const std::size_t> indices,
                    const matrix_view<T>& out) {
  require_shape("gather", "out", out, indices.size(), cols);
  for (const std::size_t i : indices) {
    if (i >= rows) throw shape_error(text("gather: row ", i, ", expected one below ", rows));
  }
}
}  // namespace detail

/// Copies the rows named by `indices` into `out`, [indices.size(), cols]. Throws shape_error when
/// `out` has another shape or an index is no row's.
template <class T, std::size_t R, std::size_t C>
void gather(const matrix_view<const T, R, C>& source, std::span<const std::size_t> indices,
            matrix_view<T> out) {
  detail::require_gather(source.rows(), source.cols(), indices, out);
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const T* const row = source.row(indices[i]).data();
    if constexpr (detail::simd_scalar<T>) {
      detail::copy_row(row, source.cols(), out.row(i).data());
    } else {
      std::copy_n(row, source.cols(), out.row(i).data());
    }
  }
}

/// Rows first, ..., first + count - 1: of a matrix, a view and no copy. Other sources fill
/// `scratch`.
template <class T, std::size_t R, std::size_t C>
matrix_view<const T> read_rows(const matrix_view<const T, R, C>& source, std::size_t first,
                               std::size_t count, workspace<T>& /*scratch*/) {
  return source.middle_rows(first, count);
}

/// Anything that gives samples as rows of real numbers, by index and by range, perhaps computing
/// them only then. Satisfied by matrix_view<const T> and image_rows.
template <class S>
concept row_source = requires(const S& s, std::span<const std::size_t> indices,
                              matrix_view<typename S::value_type> out,
                              workspace<typename S::value_type>& scratch) {
  { s.rows() } -> std::convertible_to<std::size_t>;
  { s.cols() } -> std::convertible_to<std::size_t>;
  gather(s, indices, out);
  { read_rows(s, 0, 0, scratch) } -> std::same_as<matrix_view<const typename S::value_type>>;
};

/// A matrix as a source of rows; a source is one already.
template <class T>
matrix_view<const T> as_rows(const matrix<T>& m) {
  return m;
}
template <class T, std::size_t R, std::size_t C>
matrix_view<const T> as_rows(const matrix_view<T, R, C>& m) {
  return m;
}
template <row_source S>
  requires(!requires(const S& s) { s.stride(); })
const S& as_rows(const S& source) { return source; }

/// How many samples long computations take at a time: enough for products to run at full speed, few
/// enough for a layer's activations to stay in the cache.
inline constexpr std::size_t chunk_rows = 256;

/// Calls visit(rows, first) for consecutive pieces of at most `chunk` rows. Throws argument_error
/// when `chunk` is 0.
template <class Source, class Visit>
void for_each_chunk(const Source& source, Visit&& visit, std::size_t chunk = chunk_rows) {
  if (chunk == 0) throw argument_error("for_each_chunk: chunk is 0, expected at least 1");
  const auto& rows = as_rows(source);
  workspace<typename std::remove_cvref_t<decltype(rows)>::value_type> scratch;
  for (std::size_t first = 0; first < rows.rows(); first += chunk) {
    visit(read_rows(rows, first, std::min(chunk, rows.rows() - first), scratch), first);
  }
}

/// All rows of a source, computed now, as a matrix.
template <row_source S>
matrix<typename S::value_type> read_all(const S& source) {
  auto result = make_matrix<typename S::value_type>(source.rows(), source.cols());
  for_each_chunk(source, [&](const auto& rows, std::size_t first) {
    copy(rows, matrix_view(result).middle_rows(first, rows.rows()));
  });
  return result;
}

// ---- Distributions ----------------------------------------------------------------------------

/// x ~ N(0, std^2 I).
struct gaussian_inputs {
  double std = 1;

  template <real_scalar T>
  void operator()(stream& random, std::span<T> x) const {
    random.fill_normal(x, 0.0, std);
  }
};

/// x ~ U[-half_width, half_width]^d.
struct uniform_inputs {
  double half_width = 1;

  template <real_scalar T>
  void operator()(stream& random, std::span<T> x) const {
    random.fill_uniform(x, -half_width, half_width);
  }
};

/// Satisfied by gaussian_inputs, uniform_inputs, and any callable that fills one sample from a
/// stream.
template <class D>
concept input_distribution = requires(const D& draw, stream& random, std::span<double> x) {
  draw(random, x);
};

/// Fills each row of `out` with one draw. Row i is the first draw of stream(seed, what, first + i):
/// a sample depends on its number only, not on how many are drawn or in which order. Throws
/// argument_error when a draw is not finite.
template <input_distribution D, real_scalar T>
void draw_inputs(const D& distribution, matrix_view<T> out, std::uint64_t seed,
                 purpose what = purpose::inputs, std::uint64_t first = 0) {
  for (std::size_t i = 0; i < out.rows(); ++i) {
    stream random(seed, what, first + i);
    distribution(random, out.row(i));
  }
  detail::require_finite("draw_inputs", "the draw", out);
}

/// N samples of width d, [N, d].
template <real_scalar T, input_distribution D>
matrix<T> draw_inputs(const D& distribution, std::size_t N, std::size_t d, std::uint64_t seed,
                      purpose what = purpose::inputs) {
  auto x = make_matrix<T>(N, d);
  draw_inputs(distribution, matrix_view<T>(x), seed, what);
  return x;
}

}  // namespace tutelage
