#include <array>
#include <boost/multiprecision/cpp_bin_float.hpp>
#include <cmath>
#include <complex>
#include <limits>
#include <span>
#include <string>
#include <tutelage/theory/kernel/gaussian_kernel.hpp>
#include <vector>

#include "support/close_to.hpp"
#include "support/oracle.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;
using wide = boost::multiprecision::cpp_bin_float_100;  // the plain formula loses 36 digits
using complex = std::complex<double>;

template <class T>
std::vector<T> draw(std::size_t d, stream& random) {
  std::vector<T> v(d);
  for (T& x : v) x = static_cast<T>(random.normal());
  return v;
}

template <class T>
double norm(const std::vector<T>& v) {
  double sum = 0;
  for (const T& x : v) sum = std::hypot(sum, static_cast<double>(x));
  return sum;
}

std::vector<complex> stepped(const std::vector<double>& v, std::size_t i) {
  std::vector<complex> result(v.begin(), v.end());
  if (i < v.size()) result[i] += complex(0, 1e-30);
  return result;
}

template <class T, class Gates = gate_pair<real_t<T>>>
gaussian_pair<T> pair_of(const std::vector<T>& w, const std::vector<T>& v,
                         const Gates& gates = {0, 0}, real_t<T> std = 1) {
  return gaussian_pair<T>(std::span<const T>(w), std::span<const T>(v), gates, std);
}

// A matrix of a pair, column by column, from what it does to the axes.
template <class F>
matrix<double> columns(std::size_t d, const F& apply) {
  auto result = make_matrix<double>(d, d);
  for (std::size_t i = 0; i < d; ++i) {
    std::vector<double> axis(d), column(d);
    axis[i] = 1;
    apply(std::span<const double>(axis), std::span<double>(column));
    for (std::size_t j = 0; j < d; ++j) result(j, i) = column[j];
  }
  return result;
}

const std::vector<gate_pair<double>> gate_pairs{{0, 0}, {0.25, 0.25}, {0.1, 0.6}, {1, 1}};

}  // namespace

TEST_CASE("as PyTorch and quadrature have them") {
  const oracle o("population");
  for (std::size_t i = 0; i < o.size("/pairs"); ++i) {
    const std::string at = "/pairs/" + std::to_string(i);
    const double slope = o.number(at + "/slope");
    const auto w = o.numbers(at + "/w"), v = o.numbers(at + "/v");
    const auto p = pair_of(w, v, gate_pair<double>(slope, slope));
    const double unit = 16 * epsilon<double>;
    CHECK(close_to(p.angle().radians(), o.number(at + "/angle"), unit));
    CHECK(close_to(p.both_active(), o.number(at + "/both_active"), unit));
    CHECK(close_to(p.kernel(), o.number(at + "/kernel"), unit * norm(w) * norm(v)));
    std::vector<double> gated(3);
    p.gated(gated);
    const auto expected = o.numbers(at + "/gated");
    for (std::size_t k = 0; k < 3; ++k) CHECK(close_to(gated[k], expected[k], unit * norm(v)));
  }
}

TEST_CASE_TEMPLATE("relative to the value at every angle", T, float, double, long double) {
  comparison found;
  const wide pi = boost::math::constants::pi<wide>();
  const auto check = [&](T theta) {
    const auto a = angle<T>::from_radians(theta);
    const wide t(theta), one = sin(t) + (pi - t) * cos(t), zero = pi - t;
    // 45 epsilon is 1e-14; 16 are kept.
    const auto add = [&](const char* what, T value, const wide& right) {
      found.add(static_cast<double>(abs(wide(value) - right) / right),
                16 * static_cast<double>(epsilon<T>), what, static_cast<double>(theta), 0);
    };
    add("degree 0", arc_cosine_0(a), zero);
    add("degree 1", arc_cosine_1(a), one);
  };
  for (double exponent = -12; exponent < 0.4; exponent += 0.01) {
    const double small = std::pow(10.0, exponent);
    if (small > 3.1) break;
    check(static_cast<T>(small));
    if (sizeof(T) > 4 || small > 1e-5) check(static_cast<T>(std::numbers::pi_v<T> - T(small)));
  }
  CHECK(found);
  CHECK(arc_cosine_1(angle<T>{1, 0}) == 0);
  CHECK(arc_cosine_0(angle<T>{1, 0}) == 0);
}

TEST_CASE("each is the derivative of one before, by complex steps") {
  stream random = random_stream(1);
  comparison found;
  for (int draws = 0; draws < 100; ++draws) {
    const std::size_t d = 2 + random.below(5);
    const auto w = draw<double>(d, random), v = draw<double>(d, random);
    const auto gates = gate_pairs[random.below(gate_pairs.size())];
    const double std = 0.5 + random.uniform();
    const auto p = pair_of(w, v, gates, std);
    const double theta = std::sin(p.angle().radians());
    const double unit = 50 * epsilon<double> * std * std / (theta * theta);
    std::vector<double> gated(d), active(d);
    p.gated(gated);
    p.both_active_gradient(active);
    const auto of_v = columns(d, [&](auto u, auto out) { p.gates(u, out); });
    const auto of_w = columns(d, [&](auto u, auto out) { p.boundary(u, out); });
    double euler = 0;
    for (std::size_t i = 0; i < d; ++i) {
      const auto w_moved = pair_of(stepped(w, i), stepped(v, d), gates, std);
      const auto v_moved = pair_of(stepped(w, d), stepped(v, i), gates, std);
      found.add(std::abs(w_moved.kernel().imag() * 1e30 - gated[i]), unit * norm(v), "gated",
                w_moved.kernel().imag() * 1e30, gated[i]);
      found.add(std::abs(w_moved.both_active().imag() * 1e30 - active[i]),
                50 * epsilon<double> / (norm(w) * theta * theta), "both active",
                w_moved.both_active().imag() * 1e30, active[i]);
      std::vector<complex> moved(d);
      w_moved.gated(moved);
      for (std::size_t j = 0; j < d; ++j) {
        found.add(std::abs(moved[j].imag() * 1e30 - of_w(j, i)), unit * norm(v) / norm(w),
                  "boundary", moved[j].imag() * 1e30, of_w(j, i));
      }
      v_moved.gated(moved);
      for (std::size_t j = 0; j < d; ++j) {
        found.add(std::abs(moved[j].imag() * 1e30 - of_v(j, i)), unit, "gates",
                  moved[j].imag() * 1e30, of_v(j, i));
      }
      euler += w[i] * gated[i];
    }
    found.add(std::abs(euler - p.kernel()), unit * norm(w) * norm(v), "Euler", euler, p.kernel());
  }
  CHECK(found);
}

TEST_CASE("a million Gaussian inputs, within 5 standard errors") {
  // Nodes in the plane of two of three inputs, a leaky and a plain one.
  const std::vector<double> w{0.7, -1.1, 0.4}, v{-0.2, -0.9, 1.3};
  const double slope_w = 0.3, slope_v = 0, std = 1.5;
  const auto p = pair_of(w, v, gate_pair<double>(slope_w, slope_v), std);
  std::vector<double> gated(3);
  p.gated(gated);
  const auto gates = columns(3, [&](auto u, auto out) { p.gates(u, out); });
  // Both active, the kernel, gated, and the upper triangle of gates.
  std::array<double, 11> expected{p.both_active(), p.kernel()}, sum{}, square{};
  for (std::size_t k = 0, at = 5; k < 3; ++k) {
    expected[2 + k] = gated[k];
    for (std::size_t l = k; l < 3; ++l) expected[at++] = gates(k, l);
  }
  stream random = random_stream(2);
  constexpr int samples = 1'000'000;
  std::array<double, 3> x{};
  for (int i = 0; i < samples; ++i) {
    random.fill_normal(std::span<double>(x), 0, std);
    double a = 0, b = 0;
    for (std::size_t k = 0; k < 3; ++k) a += w[k] * x[k], b += v[k] * x[k];
    const double za = a > 0 ? 1 : slope_w, zb = b > 0 ? 1 : slope_v;
    std::array<double, 11> value{a > 0 && b > 0 ? 1.0 : 0.0, za * a * zb * b};
    for (std::size_t k = 0, at = 5; k < 3; ++k) {
      value[2 + k] = x[k] * za * zb * b;
      for (std::size_t l = k; l < 3; ++l) value[at++] = x[k] * x[l] * za * zb;
    }
    for (std::size_t k = 0; k < value.size(); ++k) {
      sum[k] += value[k];
      square[k] += value[k] * value[k];
    }
  }
  for (std::size_t k = 0; k < expected.size(); ++k) {
    CAPTURE(k);
    const double mean = sum[k] / samples;
    const double error = std::sqrt((square[k] / samples - mean * mean) / samples);
    CHECK(close_to(mean, expected[k], 5 * error));
  }
}

TEST_CASE("coincident, opposite and orthogonal nodes") {
  const double pi = std::numbers::pi;
  const std::vector<double> w{3, 0, 4}, same{6, 0, 8}, opposite{-1.5, 0, -2}, across{-4, 5, 3};
  for (const double c : {0.0, 0.5}) {
    const gate_pair<double> gates(c, c);
    const auto with = [&](const std::vector<double>& v) { return pair_of(w, v, gates); };
    std::vector<double> x(3);
    CHECK(with(same).both_active() == 0.5);
    CHECK(close_to(with(same).kernel(), 50 * (1 + c * c) / 2, 50 * 2 * epsilon<double>));
    with(same).gated(x);
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(close_to(x[i], same[i] * (1 + c * c) / 2, 8 * 2 * epsilon<double>));
    }
    CHECK(with(opposite).both_active() == 0);
    CHECK(close_to(with(opposite).kernel(), -c * 12.5, 12.5 * epsilon<double>));
    with(opposite).gated(x);
    for (std::size_t i = 0; i < 3; ++i) CHECK(x[i] == c * opposite[i]);
    CHECK(close_to(with(across).both_active(), 0.25, epsilon<double>));
    const double norms = 5 * std::sqrt(50.0), k = (1 - c) * (1 - c) / (2 * pi);
    CHECK(close_to(with(across).kernel(), norms * k, 4 * norms * epsilon<double>));
    // Second derivatives have limits too, and the boundary's is zero.
    for (const auto& v : {same, opposite}) {
      const auto gate = columns(3, [&](auto u, auto out) { with(v).gates(u, out); });
      const auto boundary = columns(3, [&](auto u, auto out) { with(v).boundary(u, out); });
      for (std::size_t i = 0; i < 3; ++i) {
        for (std::size_t j = 0; j < 3; ++j) {
          const double diagonal = v == same ? (1 + c * c) / 2 : c;
          CHECK(close_to(gate(i, j), i == j ? diagonal : 0, epsilon<double>));
          CHECK(boundary(i, j) == 0);
        }
      }
    }
  }
}

TEST_CASE("zero vectors: limits where there are, errors where there are none") {
  const std::vector<double> w{1, 2}, zero{0, 0};
  std::vector<double> x{7, 7};
  const std::span<double> out(x);
  const auto z = pair_of(zero, w), v_zero = pair_of(w, zero);
  CHECK(z.kernel() == 0);
  CHECK(v_zero.kernel() == 0);
  v_zero.gated(out);
  CHECK(x == zero);
  x = {7, 7};
  v_zero.boundary(w, out);
  CHECK(x == zero);
  const std::string no_w = "gaussian_pair: w is zero, expected a direction";
  const std::string no_v = "gaussian_pair: v is zero, expected a direction";
  CHECK(message_of<argument_error>([&] { z.gated(out); }) == no_w);
  CHECK(message_of<argument_error>([&] { z.boundary(w, out); }) == no_w);
  CHECK(message_of<argument_error>([&] { z.gates(w, out); }) == no_w);
  CHECK(message_of<argument_error>([&] { return z.both_active(); }) == no_w);
  CHECK(message_of<argument_error>([&] { v_zero.gates(w, out); }) == no_v);
  CHECK(message_of<argument_error>([&] { v_zero.both_active_gradient(out); }) == no_v);
  CHECK(message_of<argument_error>([&] { pair_of(w, w).both_active_gradient(out); }) ==
        "gaussian_pair: w and v are parallel, both_active has a kink there");
  CHECK(message_of<argument_error>([&] { return v_zero.angle().sin(); }) == no_v);
  const std::vector<double> longer{1, 2, 3}, wrong{1, std::nan("")};
  CHECK(message_of<shape_error>([&] { pair_of(w, longer); }) ==
        "gaussian_pair: v has 3 numbers, expected 2");
  CHECK(message_of<argument_error>([&] { pair_of(wrong, zero); }) ==
        "gaussian_pair: w is not finite");
  CHECK(message_of<shape_error>([&] { pair_of(w, w).gated(std::span<double>()); }) ==
        "gaussian_pair: result has 0 numbers, expected 2");
  CHECK(message_of<shape_error>([&] { pair_of(w, w).gates(longer, out); }) ==
        "gaussian_pair: u has 3 numbers, expected 2");
}
