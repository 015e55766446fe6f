#include <array>
#include <boost/math/quadrature/gauss_kronrod.hpp>
#include <cmath>
#include <complex>
#include <limits>
#include <span>
#include <string>
#include <tutelage/theory/kernel/biased_kernel.hpp>
#include <tutelage/theory/kernel/gaussian_kernel.hpp>
#include <vector>

#include "support/close_to.hpp"
#include "support/oracle.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;
using complex = std::complex<double>;

// A pair in its plane: w = w_norm (1, 0), v = v_norm (cos theta, sin theta).
template <class T>
struct plane_pair {
  T w_norm, b, v_norm, d, theta;
  real_t<T> slope_w = 0, slope_v = 0, std = 1;

  [[nodiscard]] biased_pair<T> closed() const {
    return {w_norm, b, v_norm, d, angle<T>::from_radians(theta), slope_w, slope_v, std};
  }
};

plane_pair<double> draw(stream& random) {
  return {std::exp(random.normal()),
          random.normal(),
          std::exp(random.normal()),
          random.normal(),
          std::numbers::pi * random.uniform(),
          0.25 * static_cast<double>(random.below(4)),
          0.25 * static_cast<double>(random.below(4)),
          0.5 + random.uniform()};
}

// Expectations of P, f f', x_1 f' f, x_2 f' f and f' f by integrals over x_1 of closed forms in
// x_2, in long double: x_2 is on one side or the other of where a' changes sign.
std::array<long double, 5> integrated(const plane_pair<double>& p) {
  using L = long double;
  const L w = p.w_norm, v1 = p.v_norm * std::cos(static_cast<L>(p.theta)),
          v2 = p.v_norm * std::sin(static_cast<L>(p.theta)), s = p.std;
  const auto density = [](L x) { return detail::normal_density(x); };
  const auto inner = [&](L x1) {
    const L a = w * x1 + p.b, z = a > 0 ? 1 : p.slope_w;
    const L mean = v1 * x1 + p.d, t = mean / (s * v2);  // a' = mean + v2 x2 > 0 where x2 > -s t
    const L P = detail::normal_distribution(t), edge = density(t);
    // E of f(a') and of x2 f(a').
    const L c = p.slope_v, f = c * mean + (1 - c) * (mean * P + s * v2 * edge);
    const L x2f = s * s * v2 * (c + (1 - c) * P);
    return std::array<L, 5>{a > 0 ? P : 0, z * a * f, x1 * z * f, z * x2f, z * f};
  };
  std::array<L, 5> result{};
  const L kink = std::min<L>(std::max<L>(-p.b / w, -38 * s), 38 * s);
  for (std::size_t i = 0; i < 5; ++i) {
    const auto integrand = [&](L x1) { return inner(x1)[i] * density(x1 / s) / s; };
    using rule = boost::math::quadrature::gauss_kronrod<L, 31>;
    const L steep = std::min<L>(std::max<L>(-p.d / v1, -38 * s), 38 * s);  // where a' = 0 at x2 = 0
    std::array<L, 6> ends{-38 * s, -8 * s, std::min(kink, steep), std::max(kink, steep),
                          8 * s,   38 * s};
    std::sort(ends.begin(), ends.end());
    for (std::size_t e = 0; e + 1 < ends.size(); ++e) {
      if (ends[e] < ends[e + 1])
        result[i] += rule::integrate(integrand, ends[e], ends[e + 1], 12, 1e-17L);
    }
  }
  return result;
}

// Of |w||v| and what stands beside them: everything that is added is below it.
double scale(const plane_pair<double>& p) {
  const double w = p.std * p.w_norm + std::abs(p.b), v = p.std * p.v_norm + std::abs(p.d);
  return w * v;
}

}  // namespace

TEST_CASE("as quadrature has them, in the reference file") {
  const oracle o("population");
  for (std::size_t i = 0; i < o.size("/biased"); ++i) {
    const std::string at = "/biased/" + std::to_string(i);
    const auto w = o.numbers(at + "/w"), v = o.numbers(at + "/v");
    const std::span<const double> ws(w), vs(v);
    const auto length = [](const auto& x) { return std::hypot(x[0], x[1], x[2]); };
    const biased_pair<double> p(length(w), o.number(at + "/b"), length(v), o.number(at + "/d"),
                                angle_between(ws, vs));
    const double expected = o.number(at + "/kernel");
    CHECK(close_to(p.kernel(), expected, 1e-10 * expected));
  }
}

TEST_CASE("as quadrature has them, for any pair") {
  stream random = random_stream(1);
  comparison found;
  for (int i = 0; i < 60; ++i) {
    auto p = draw(random);
    if (i % 3 == 1) p.theta = std::pow(10.0, -3 * random.uniform());
    if (i % 3 == 2) p.theta = std::numbers::pi - std::pow(10.0, -3 * random.uniform());
    if (i % 7 == 0) p.b = 0;
    if (i % 11 == 0) p.d = 0;
    const auto expected = integrated(p);
    const auto pair = p.closed();
    const double unit = 16 * epsilon<double>;
    const auto add = [&](const char* what, double actual, long double right, double gauge) {
      found.add(static_cast<double>(std::abs(actual - right)), unit * gauge,
                detail::text(what, " of ", i), actual, static_cast<double>(right));
    };
    const double v = scale(p) / p.w_norm * p.std;  // the scale of what is divided by |w|
    const double x1 = pair.of_v() * p.v_norm * std::cos(p.theta) + pair.of_w();
    const double x2 = pair.of_v() * p.v_norm * std::sin(p.theta);
    add("P", pair.both_active(), expected[0], 1);
    add("kernel", pair.kernel(), expected[1], scale(p));
    add("x_1", x1, expected[2], v);
    add("x_2", x2, expected[3], v);
    add("bias", pair.of_bias(), expected[4], p.std * p.v_norm + std::abs(p.d));
    // Euler: f is homogeneous in (w, b).
    add("Euler", p.w_norm * x1 + p.b * pair.of_bias(), pair.kernel(), scale(p));
  }
  CHECK(found);
}

TEST_CASE_TEMPLATE("without biases, as gaussian_pair", T, float, double, long double) {
  stream random = random_stream(2);
  for (int i = 0; i < 100; ++i) {
    std::vector<T> w(3), v(3), gated(3);
    for (T& x : w) x = static_cast<T>(random.normal());
    for (T& x : v) x = static_cast<T>(random.normal());
    if (i == 0) v = w;
    if (i == 1) v = {-w[0], -w[1], -w[2]};
    const T slope = T(0.25) * static_cast<T>(random.below(4)), std = T(1.5);
    const gaussian_pair<T> plain(std::span<const T>(w), std::span<const T>(v), {slope, T(0.5)},
                                 std);
    const auto norm = [](const auto& x) { return std::hypot(x[0], x[1], x[2]); };
    const biased_pair<T> pair(norm(w), 0, norm(v), 0, plain.angle(), slope, T(0.5), std);
    const double unit = 16 * static_cast<double>(epsilon<T> * std * std);
    const auto near = [&](T a, T b, T gauge) {
      return close_to(static_cast<double>(a - b), 0, unit * static_cast<double>(gauge));
    };
    CHECK(near(pair.both_active(), plain.both_active(), 1));
    CHECK(near(pair.kernel(), plain.kernel(), norm(w) * norm(v)));
    plain.gated(gated);
    for (std::size_t k = 0; k < 3; ++k) {
      CHECK(near(pair.of_v() * v[k] + pair.of_w() * w[k] / norm(w), gated[k], norm(v)));
    }
  }
}

TEST_CASE("parallel boundaries are the limits of others") {
  stream random = random_stream(3);
  comparison found;
  for (int i = 0; i < 200; ++i) {
    auto p = draw(random);
    if (i % 5 == 0) p.d = p.b / p.w_norm * p.v_norm;   // one boundary
    if (i % 5 == 1) p.d = -p.b / p.w_norm * p.v_norm;  // the same, from the other side
    for (const double at : {0.0, std::numbers::pi}) {
      p.theta = at;
      auto theta = angle<double>::from_radians(at);
      if (at > 0) theta.half_cos = 0;
      const biased_pair<double> limit(p.w_norm, p.b, p.v_norm, p.d, theta, p.slope_w, p.slope_v,
                                      p.std);
      const double step = 1e-9;
      p.theta = at == 0 ? step : std::numbers::pi - step;
      const auto near = p.closed();
      // Everything is Lipschitz in theta, P at h = k too.
      const double unit = 20 * step;
      found.add(std::abs(limit.both_active() - near.both_active()), unit, "P", limit.both_active(),
                near.both_active());
      found.add(std::abs(limit.kernel() - near.kernel()), unit * scale(p), "kernel", limit.kernel(),
                near.kernel());
      found.add(std::abs(limit.of_v() - near.of_v()), unit * p.std * p.std, "of_v", limit.of_v(),
                near.of_v());
      found.add(std::abs(limit.of_w() - near.of_w()),
                unit * p.std * (p.std * p.v_norm + std::abs(p.d)), "of_w", limit.of_w(),
                near.of_w());
      found.add(std::abs(limit.of_bias() - near.of_bias()),
                unit * (p.std * p.v_norm + std::abs(p.d)), "of_bias", limit.of_bias(),
                near.of_bias());
    }
  }
  CHECK(found);
}

TEST_CASE("complex steps: the coefficients are the gradient") {
  // d kernel / d |w| = F |v| cos theta + G,  d / d theta = -F |w||v| sin theta,  d / d b = B.
  stream random = random_stream(4);
  comparison found;
  for (int i = 0; i < 200; ++i) {
    const auto p = draw(random);
    const auto pair = p.closed();
    const auto stepped = [&](complex plane_pair<complex>::*which) {
      plane_pair<complex> q{p.w_norm, p.b, p.v_norm, p.d, p.theta, p.slope_w, p.slope_v, p.std};
      q.*which += complex(0, 1e-30);
      return q.closed().kernel().imag() * 1e30;
    };
    const auto add = [&](const char* what, double actual, double expected, double gauge) {
      found.add(std::abs(actual - expected), 32 * epsilon<double> * gauge / std::sin(p.theta), what,
                actual, expected);
    };
    add("w", stepped(&plane_pair<complex>::w_norm),
        pair.of_v() * p.v_norm * std::cos(p.theta) + pair.of_w(), scale(p) / p.w_norm * p.std);
    add("theta", stepped(&plane_pair<complex>::theta),
        -pair.of_v() * p.w_norm * p.v_norm * std::sin(p.theta), scale(p));
    add("b", stepped(&plane_pair<complex>::b), pair.of_bias(), p.std * p.v_norm + std::abs(p.d));
    const plane_pair<double> turned{p.v_norm, p.d,       p.w_norm,  p.b,
                                    p.theta,  p.slope_v, p.slope_w, p.std};
    add("d", stepped(&plane_pair<complex>::d), turned.closed().of_bias(),
        p.std * p.w_norm + std::abs(p.b));
    add("v", stepped(&plane_pair<complex>::v_norm),
        turned.closed().of_v() * p.w_norm * std::cos(p.theta) + turned.closed().of_w(),
        scale(p) / p.v_norm * p.std);
  }
  CHECK(found);
}

TEST_CASE("nodes without weights are constants") {
  const auto theta = angle<double>::from_radians(1);
  const double b = -0.5, phi = detail::normal_density(0.25),
               Phi = detail::normal_distribution(-0.25);
  for (const double d : {2.0, -2.0}) {
    // a = 2 x - 0.5, a' = d: E relu(a) = 2 (phi - 0.25 Phi)
    const biased_pair<double> pair(2, b, 0, d, theta, 0, 0.1);
    const double f = d > 0 ? d : 0.1 * d;
    CHECK(close_to(pair.kernel(), f * 2 * (phi - 0.25 * Phi), 8 * epsilon<double>));
    CHECK(close_to(pair.both_active(), d > 0 ? Phi : 0, 8 * epsilon<double>));
    CHECK(close_to(pair.of_w(), f * phi, 8 * epsilon<double>));
    CHECK(close_to(pair.of_bias(), f * Phi, 8 * epsilon<double>));
    const biased_pair<double> turned(0, d, 2, b, theta, 0.1, 0);
    CHECK(close_to(turned.kernel(), pair.kernel(), 8 * epsilon<double>));
    CHECK(turned.of_w() == 0);
    CHECK(close_to(turned.of_v(), (d > 0 ? 1 : 0.1) * Phi, 8 * epsilon<double>));
    CHECK(close_to(turned.of_bias(), (d > 0 ? 1 : 0.1) * 2 * (phi - 0.25 * Phi),
                   8 * epsilon<double>));
  }
  const biased_pair<double> both(0, 3, 0, -2, theta, 0, 0.5);
  CHECK(both.kernel() == -3);
  CHECK(both.of_bias() == -1);
  CHECK(both.of_w() == 0);
  CHECK(message_of<argument_error>([&] { biased_pair<double>(0, 0, 1, 1, theta); }) ==
        "biased_pair: weights and bias of w are zero, expected a gate");
  CHECK(message_of<argument_error>([&] { biased_pair<double>(1, 0, 0, 0, theta); }) ==
        "biased_pair: weights and bias of v are zero, expected a gate");
}

TEST_CASE("nodes whose boundary no input reaches are constants, too") {
  const auto theta = angle<double>::from_radians(1);
  for (const double d : {2.0, -2.0}) {
    const biased_pair<double> far(2, -0.5, 1e-20, d, theta, 0, 0.1),
        constant(2, -0.5, 0, d, theta, 0, 0.1);
    CHECK(close_to(far.kernel(), constant.kernel(), 8 * epsilon<double>));
    CHECK(close_to(far.of_w(), constant.of_w(), 8 * epsilon<double>));
    CHECK(close_to(far.of_bias(), constant.of_bias(), 8 * epsilon<double>));
  }
}

TEST_CASE("weights and biases that are no numbers are named") {
  const auto theta = angle<double>::from_radians(1);
  using limits = std::numeric_limits<double>;
  for (const double wrong : {limits::quiet_NaN(), limits::infinity(), -limits::infinity()}) {
    for (const auto& make :
         {+[](double x, const angle<double>&t) { biased_pair<double>(x, 1, 1, 1, t); },
          +[](double x, const angle<double>&t) { biased_pair<double>(1, x, 1, 1, t); }}) {
      CHECK(message_of<argument_error>([&] { make(wrong, theta); }) ==
            "biased_pair: weights or bias of w are not finite, expected numbers");
    }
    CHECK(message_of<argument_error>([&] { biased_pair<double>(1, 1, 1, wrong, theta); }) ==
          "biased_pair: weights or bias of v are not finite, expected numbers");
  }
}
