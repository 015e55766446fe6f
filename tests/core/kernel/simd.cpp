#include <array>
#include <cmath>
#include <vector>

#include <tutelage/core/kernel/simd.hpp>

#include "support/random.hpp"

namespace {

using namespace test;
using detail::lanes;
using detail::partial;
using detail::simd;

template <class T>
std::vector<T> numbers(std::size_t count, std::uint64_t seed) {
  auto random = random_stream(seed);
  std::vector<T> result(count);
  random.fill_normal(std::span<T>(result));
  return result;
}

template <class T>
std::array<T, lanes<T>> elements(const simd<T>& x) {
  std::array<T, lanes<T>> result;
  x.store_unaligned(result.data());
  return result;
}

}  // namespace

TEST_CASE_TEMPLATE("a partial load takes the first lanes, the others are zero", T, float, double) {
  const auto from = numbers<T>(lanes<T>, 1);
  for (std::size_t count = 1; count <= lanes<T>; ++count) {
    // The vector ends where memory that may be read ends.
    const std::vector<T> exact(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(count));
    const auto loaded = elements<T>(partial<T>(count).load(exact.data()));
    for (std::size_t i = 0; i < lanes<T>; ++i) CHECK(loaded[i] == (i < count ? from[i] : T(0)));
  }
}

TEST_CASE_TEMPLATE("a partial store writes the first lanes only", T, float, double) {
  const auto from = numbers<T>(lanes<T>, 2);
  for (std::size_t count = 1; count <= lanes<T>; ++count) {
    std::vector<T> to(lanes<T> + 1, T(-7));
    partial<T>(count).store(to.data(), simd<T>::load_unaligned(from.data()));
    for (std::size_t i = 0; i < to.size(); ++i) CHECK(to[i] == (i < count ? from[i] : T(-7)));
  }
}

TEST_CASE_TEMPLATE("copy_row", T, float, double) {
  for (std::size_t count = 0; count <= 4 * lanes<T>; ++count) {
    const auto from = numbers<T>(count, 3);
    std::vector<T> to(count + 1, T(-7));
    detail::copy_row(from.data(), count, to.data());
    for (std::size_t i = 0; i < count; ++i) CHECK(to[i] == from[i]);
    CHECK(to[count] == T(-7));
  }
}

TEST_CASE_TEMPLATE("multiply_add rounds as the processor's own", T, float, double) {
  const auto a = numbers<T>(lanes<T>, 4), b = numbers<T>(lanes<T>, 5), c = numbers<T>(lanes<T>, 6);
  const auto load = [](const std::vector<T>& x) { return simd<T>::load_unaligned(x.data()); };
  const auto sum = elements<T>(detail::multiply_add<T>(load(a), load(b), load(c)));
  for (std::size_t i = 0; i < lanes<T>; ++i) {
#if defined(__FMA__) || defined(__AVX512F__)
    CHECK(sum[i] == std::fma(a[i], b[i], c[i]));
#else
    const volatile T product = a[i] * b[i];
    CHECK(sum[i] == product + c[i]);
#endif
  }
}

TEST_CASE_TEMPLATE("transpose exchanges rows and columns", T, float, double) {
  simd<T> square[lanes<T>];
  const auto at = [](std::size_t i, std::size_t j) { return static_cast<T>(100 * i + j); };
  for (std::size_t i = 0; i < lanes<T>; ++i) {
    std::array<T, lanes<T>> row;
    for (std::size_t j = 0; j < lanes<T>; ++j) row[j] = at(i, j);
    square[i] = simd<T>::load_unaligned(row.data());
  }
  detail::transpose<T>(square);
  for (std::size_t i = 0; i < lanes<T>; ++i) {
    const auto row = elements<T>(square[i]);
    for (std::size_t j = 0; j < lanes<T>; ++j) CHECK(row[j] == at(j, i));
  }
}
