#include <array>
#include <cmath>
#include <complex>
#include <limits>
#include <tutelage/theory/kernel/supplement.hpp>

#include "support/close_to.hpp"

namespace {

using namespace test;

template <class T>
std::array<T, 2> in_a_vector(T c) {
  using V = detail::simd<T>;
  alignas(64) std::array<T, V::size> in{}, phi{}, sine{};
  for (std::size_t lane = 0; lane < in.size(); ++lane) in[lane] = lane % 2 == 0 ? T(0.1) : T(-1);
  const std::size_t lane = in.size() - 1;
  in[lane] = c;
  const auto [a, b] = detail::supplement_and_sine(V::load_aligned(in.data()));
  a.store_aligned(phi.data());
  b.store_aligned(sine.data());
  CHECK(phi[0] == (lane == 0 ? phi[lane] : detail::supplement_and_sine(V(T(0.1)))[0].get(0)));
  return {phi[lane], sine[lane]};
}

}  // namespace

TEST_CASE_TEMPLATE("as the arc cosine, at every cosine", T, float, double) {
  comparison found;
  const double unit = 2 * static_cast<double>(epsilon<T>);
  const auto check = [&](long double exact) {
    const T c = static_cast<T>(exact);
    const long double phi = std::acos(-static_cast<long double>(c));
    const long double sine =
        std::sqrt((1 - static_cast<long double>(c)) * (1 + static_cast<long double>(c)));
    const auto [found_phi, found_sine] = in_a_vector(c);
    found.add(static_cast<double>(std::abs(found_phi - phi)), unit * static_cast<double>(phi),
              "pi - theta", static_cast<double>(c), 0);
    found.add(static_cast<double>(std::abs(found_sine - sine)), unit * static_cast<double>(sine),
              "sin", static_cast<double>(c), 0);
  };
  for (int i = -5000; i <= 5000; ++i) check(i / 5000.0L);
  for (int e = 0; e < 70; ++e) {
    for (const double sign : {-1.0, 1.0}) {
      check(sign * (1 - std::pow(0.5L, static_cast<long double>(e))));
      check(sign * std::pow(0.5L, static_cast<long double>(e)));
      check(sign * (0.5 + std::pow(0.5L, static_cast<long double>(e)) / 2));
      check(sign * (0.5 - std::pow(0.5L, static_cast<long double>(e)) / 2));
    }
  }
  CHECK(found);
}

TEST_CASE_TEMPLATE("beyond 1, and no number", T, float, double) {
  const T over = 1 + 4 * std::numeric_limits<T>::epsilon();
  CHECK(in_a_vector(over)[0] == std::numbers::pi_v<T>);
  CHECK(in_a_vector(over)[1] == 0);
  CHECK(in_a_vector(-over)[0] == 0);
  CHECK(in_a_vector(-over)[1] == 0);
  CHECK(std::isnan(in_a_vector(std::numeric_limits<T>::quiet_NaN())[0]));
  CHECK(std::isnan(in_a_vector(std::numeric_limits<T>::quiet_NaN())[1]));
  CHECK(detail::supplement_and_sine(over)[0] == std::numbers::pi_v<T>);
  CHECK(std::isnan(detail::supplement_and_sine(std::numeric_limits<T>::quiet_NaN())[0]));
}

TEST_CASE("complex steps") {
  using complex = std::complex<double>;
  for (const double c : {-0.999, -0.5, -0.1, 0.0, 0.3, 0.9999}) {
    const auto [phi, sine] = detail::supplement_and_sine(complex(c, 1e-30));
    const double s = std::sqrt((1 - c) * (1 + c));
    CHECK(close_to(phi.imag() * 1e30, 1 / s, 8 * epsilon<double> / (s * s)));
    CHECK(close_to(sine.imag() * 1e30, -c / s, 8 * epsilon<double> / (s * s)));
  }
  CHECK(detail::supplement_and_sine(complex(1, 1e-30))[1] == 0.0);
}
