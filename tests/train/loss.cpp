#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <limits>
#include <string>
#include <vector>

#include <tutelage/model/network.hpp>
#include <tutelage/train/loss.hpp>

#include "reference/loss.hpp"
#include "reference/network.hpp"
#include "support/close_to.hpp"
#include "support/framed.hpp"
#include "support/gauge.hpp"
#include "support/oracle.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

struct shape {
  std::size_t N, C;
};
const std::vector<shape> shapes{{1, 1},   {1, 2},   {2, 1},   {2, 2},    {3, 10}, {1, 100},
                                {255, 3}, {256, 3}, {257, 3}, {1000, 2}, {64, 33}};

// The loss and g of a batch, written between borders.
template <class T>
struct evaluated {
  T loss;
  matrix<T> g;

  template <class Loss, class Targets>
  evaluated(const Loss& loss_function, const matrix<T>& f, const Targets& targets) {
    framed<T> padded_f(f, 3, not_a_number<T>), out(f.shape(0), f.shape(1), 2, T(7));
    loss = loss_function.evaluate(matrix_view<const T>(padded_f.view()), targets, out.view());
    CHECK(out.intact());
    g = to_matrix(out.view());
  }
};

template <class T>
matrix<T> one_hot(const std::vector<label>& labels, std::size_t C) {
  auto p = make_matrix<T>(labels.size(), C);
  for (std::size_t i = 0; i < labels.size(); ++i) p(i, labels[i]) = 1;
  return p;
}

template <class U, class T>
matrix<U> converted(const matrix<T>& m) {
  auto result = make_matrix<U>(m.shape(0), m.shape(1));
  std::copy(m.begin(), m.end(), result.begin());
  return result;
}

template <class T>
std::vector<label> random_labels(std::size_t N, std::size_t C, stream& random) {
  std::vector<label> labels(N);
  for (label& l : labels) l = static_cast<label>(random.below(C));
  return labels;
}

// Outputs and probabilities that cover some orders of magnitude.
template <class T>
matrix<T> random_outputs(const shape& s, stream& random) {
  auto f = random_matrix<T>(s.N, s.C, random);
  for (T& x : f) x *= static_cast<T>(std::exp(2 * random.normal()));
  return f;
}

// p in T, close to a softmax; the loss takes whatever p it is given.
template <class T>
matrix<T> random_probabilities(const shape& s, stream& random) {
  auto p = random_matrix<T>(s.N, s.C, random);
  softmax(p);
  return p;
}

// What the roundings of a softmax are relative to: each probability has those of a sum of C terms,
// and of its exponent, which is a difference; the last number is one unit below the normal ones.
template <class T>
matrix<long double> softmax_gauge(const matrix<long double>& f) {
  auto gauge = reference::softmax(f);
  for (std::size_t i = 0; i < f.shape(0); ++i) {
    const long double largest = reference::largest_of_row(f, i);
    for (std::size_t k = 0; k < f.shape(1); ++k) {
      gauge(i, k) = gauge(i, k) * (1 + largest - f(i, k)) + std::numeric_limits<T>::min();
    }
  }
  return gauge;
}

// Roundings of the library's and, where it is no wider, of the reference's sums of `terms` terms.
template <class T>
double roundings(std::size_t terms) {
  return static_cast<double>(terms + 5) * (sizeof(T) == sizeof(long double) ? 2 : 1);
}

// The terms of a sample's loss: the largest output and the logarithm of a sum, which make up the
// normalizer, and the output itself.
template <class T>
void check_cross_entropy(const evaluated<T>& actual, const matrix<T>& f, const matrix<T>& p) {
  const auto wide_f = widen(f), wide_p = widen(p);
  const std::size_t N = f.shape(0), C = f.shape(1);
  long double gauge = 0;
  auto g = reference::softmax(wide_f), g_gauge = softmax_gauge<T>(wide_f);
  for (std::size_t i = 0; i < N; ++i) {
    const long double largest = reference::largest_of_row(wide_f, i);
    const long double normalizer = reference::log_normalizer(wide_f, i);
    for (std::size_t k = 0; k < C; ++k) {
      gauge += wide_p(i, k) *
               (std::abs(largest) + 1 + std::abs(normalizer) + std::abs(wide_f(i, k))) /
               static_cast<long double>(N);
      g(i, k) = wide_p(i, k) - g(i, k);
      g_gauge(i, k) += wide_p(i, k);
    }
  }
  CHECK(close_to(static_cast<double>(actual.loss),
                 static_cast<double>(reference::cross_entropy(wide_f, wide_p)),
                 roundings<T>(N + C) * static_cast<double>(epsilon<T> * gauge)));
  CHECK(within(matrix_view(actual.g), g, g_gauge, roundings<T>(C)));
}

}  // namespace

TEST_CASE_TEMPLATE("mean_squared_error is half the squared norm, g = y - f", T, float, double,
                   long double) {
  stream random = random_stream(1);
  for (const shape& s : shapes) {
    const auto f = random_outputs<T>(s, random), y = random_outputs<T>(s, random);
    const evaluated<T> actual(mean_squared_error{}, f, matrix_view<const T>(y));
    const long double expected = reference::mean_squared_error(widen(f), widen(y));
    // All terms are positive; each has three roundings of its own and those of its sum.
    CHECK(close_to(static_cast<double>(actual.loss), static_cast<double>(expected),
                   roundings<T>(s.N + s.C) * static_cast<double>(epsilon<T> * expected)));
    bool exact = true;
    for (std::size_t i = 0; i < s.N; ++i) {
      for (std::size_t k = 0; k < s.C; ++k) exact = exact && actual.g(i, k) == y(i, k) - f(i, k);
    }
    CHECK(exact);
  }
  // By hand.
  const matrix<T> f{{1, 2}, {3, 4}}, y{{1, 4}, {0, 4}};
  CHECK(evaluated<T>(mean_squared_error{}, f, matrix_view<const T>(y)).loss == T(13) / 4);
}

TEST_CASE("mean_squared_error of complex numbers: its complex step is -g / N") {
  using complex = std::complex<double>;
  stream random = random_stream(2);
  const std::size_t N = 5, C = 3;
  const auto f = random_matrix<double>(N, C, random), y = random_matrix<double>(N, C, random);
  const auto g = evaluated<double>(mean_squared_error{}, f, matrix_view<const double>(y)).g;
  auto moved = converted<complex>(f);
  const auto targets = converted<complex>(y);
  for (std::size_t i = 0; i < N; ++i) {
    for (std::size_t k = 0; k < C; ++k) {
      moved(i, k).imag(1e-30);
      const complex loss =
          evaluated<complex>(mean_squared_error{}, moved, matrix_view<const complex>(targets)).loss;
      moved(i, k).imag(0);
      CHECK(close_to(loss.imag() / 1e-30 * static_cast<double>(N), -g(i, k),
                     4 * epsilon<double> * std::abs(g(i, k))));
    }
  }
}

TEST_CASE_TEMPLATE("cross_entropy of probabilities and of labels", T, float, double, long double) {
  stream random = random_stream(3);
  for (const shape& s : shapes) {
    const auto f = random_outputs<T>(s, random);
    const auto p = random_probabilities<T>(s, random);
    check_cross_entropy(evaluated<T>(cross_entropy{}, f, matrix_view<const T>(p)), f, p);
    const auto labels = random_labels<T>(s.N, s.C, random);
    check_cross_entropy(evaluated<T>(cross_entropy{}, f, std::span<const label>(labels)), f,
                        one_hot<T>(labels, s.C));
  }
}

TEST_CASE("g is the negative gradient of a sample's loss, by complex steps") {
  stream random = random_stream(4);
  for (const shape& s : {shape{1, 1}, shape{1, 4}, shape{6, 3}}) {
    const auto f = random_matrix<double>(s.N, s.C, random);
    const auto y = random_matrix<double>(s.N, s.C, random);
    const auto p = random_probabilities<double>(s, random);
    const auto check = [&](const matrix<double>& g, const auto& loss) {
      const auto expected = reference::negative_gradient(widen(f), loss);
      // Terms are at most 1 + |y| + |f|; the probabilities' sum differs from 1 by rounding.
      auto gauge = widen(f);
      for (std::size_t i = 0; i < s.N; ++i) {
        for (std::size_t k = 0; k < s.C; ++k)
          gauge(i, k) = 1 + std::abs(f(i, k)) + std::abs(y(i, k));
      }
      CHECK(within(matrix_view(g), expected, gauge, static_cast<double>(s.C + 5)));
    };
    check(evaluated<double>(mean_squared_error{}, f, matrix_view<const double>(y)).g,
          [&](const auto& moved) {
            return reference::mean_squared_error(moved, converted<std::complex<long double>>(y));
          });
    check(evaluated<double>(cross_entropy{}, f, matrix_view<const double>(p)).g,
          [&](const auto& moved) {
            return reference::cross_entropy(moved, converted<std::complex<long double>>(p));
          });
    const auto labels = random_labels<double>(s.N, s.C, random);
    check(evaluated<double>(cross_entropy{}, f, std::span<const label>(labels)).g,
          [&](const auto& moved) {
            return reference::cross_entropy(
                moved, converted<std::complex<long double>>(one_hot<double>(labels, s.C)));
          });
  }
}

TEST_CASE("cross entropy of a network as PyTorch has it") {
  const oracle o("cross_entropy");
  mlp<double, relu, 5, 7, 4> net;
  copy(matrix_view<const double>(o.matrix("/W/0")), net.layer<1>().weights());
  copy(matrix_view<const double>(o.matrix("/W/1")), net.layer<2>().weights());
  const auto x = o.matrix("/x");
  std::vector<label> labels;
  for (const double l : o.numbers("/labels")) labels.push_back(static_cast<label>(l));
  const auto p = o.matrix("/target_probabilities");
  activations<decltype(net)> kept;
  const auto f = to_matrix(net.forward(x, kept));
  const auto check = [&](const auto& targets, const char* loss, const std::string& dW) {
    const evaluated<double> actual(cross_entropy{}, f, targets);
    CHECK(close_to(actual.loss, o.number(loss), 8 * epsilon<double> * o.number(loss)));
    gradients<decltype(net)> g;
    net.backward(x, kept, actual.g, g);
    const auto plain = reference::plain(net);
    const auto gauge = reference::backward(plain, reference::forward(plain, x), actual.g).gauge;
    const auto check_layer = [&](const auto& actual_dW, std::size_t l) {
      auto of_layer = widen(gauge[l]);
      for (long double& terms : of_layer) terms += 1;  // probabilities have errors of their own
      CHECK(within(actual_dW, widen(o.matrix(detail::text(dW, "/", l))), of_layer, 8));
    };
    check_layer(g.dW<1>(), 0);
    check_layer(g.dW<2>(), 1);
  };
  check(std::span<const label>(labels), "/loss", "/dW");
  check(matrix_view<const double>(p), "/soft_loss", "/soft_dW");
}

TEST_CASE_TEMPLATE("huge outputs overflow nowhere", T, float, double, long double) {
  const T huge = std::numeric_limits<T>::max() / 4;
  const matrix<T> f{{huge, 0, -huge}, {-huge, -huge, -huge}, {1000, 999, -1000}, {huge, huge, 0}};
  const auto loss_of = [&](std::size_t i, label l) {
    const matrix<T> row{{f(i, 0), f(i, 1), f(i, 2)}};
    const std::vector<label> labels{l};
    const evaluated<T> actual(cross_entropy{}, row, std::span<const label>(labels));
    T sum = 0;
    for (const T g : actual.g) {
      CHECK(std::isfinite(g));
      sum += g;
    }
    CHECK(std::abs(sum) <= 4 * epsilon<T>);
    return actual.loss;
  };
  CHECK(loss_of(0, 0) == 0);
  CHECK(loss_of(0, 1) == huge);
  CHECK(loss_of(0, 2) == 2 * huge);
  CHECK(loss_of(1, 1) == 0);  // ln 3 beside `huge` is rounded away
  CHECK(loss_of(2, 2) == T(2000) + std::log1p(std::exp(T(-1))));
  CHECK(loss_of(3, 0) == 0);
  // Probabilities of zero take no share of what is lost.
  const matrix<T> p{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {0.5, 0.5, 0}};
  const evaluated<T> all(cross_entropy{}, f, matrix_view<const T>(p));
  CHECK(close_to(static_cast<double>(all.loss), static_cast<double>(loss_of(2, 2) / 4),
                 1000 * 4 * static_cast<double>(epsilon<T>)));
  auto s = f;
  softmax(s);
  CHECK(std::ranges::all_of(s, [](T x) { return x >= 0 && x <= 1; }));
  CHECK(s(0, 0) == 1);
  CHECK(s(1, 2) == T(1) / 3);
  CHECK(s(3, 0) == T(1) / 2);
}

TEST_CASE_TEMPLATE("a duplicated batch has the same loss and the same g", T, float, double,
                   long double) {
  stream random = random_stream(5);
  for (const shape& s : {shape{1, 1}, shape{3, 4}, shape{257, 2}}) {
    const auto f = random_matrix<T>(s.N, s.C, random), y = random_matrix<T>(s.N, s.C, random);
    const auto p = random_probabilities<T>(s, random);
    const auto labels = random_labels<T>(s.N, s.C, random);
    const auto twice = [](const matrix<T>& m) {
      matrix<T> result = make_matrix<T>(2 * m.shape(0), m.shape(1));
      std::copy(m.begin(), m.end(), result.begin());
      std::copy(m.begin(), m.end(), result.begin() + static_cast<std::ptrdiff_t>(m.size()));
      return result;
    };
    const auto check = [&](const evaluated<T>& once, const evaluated<T>& doubled) {
      // Losses are not negative: only the order of their sum changes.
      CHECK(close_to(
          static_cast<double>(doubled.loss), static_cast<double>(once.loss),
          static_cast<double>(2 * s.N) * static_cast<double>(epsilon<T> * std::abs(once.loss))));
      CHECK(doubled.g == twice(once.g));
    };
    const auto f2 = twice(f), y2 = twice(y), p2 = twice(p);
    auto labels2 = labels;
    labels2.insert(labels2.end(), labels.begin(), labels.end());
    check(evaluated<T>(mean_squared_error{}, f, matrix_view<const T>(y)),
          evaluated<T>(mean_squared_error{}, f2, matrix_view<const T>(y2)));
    check(evaluated<T>(cross_entropy{}, f, matrix_view<const T>(p)),
          evaluated<T>(cross_entropy{}, f2, matrix_view<const T>(p2)));
    check(evaluated<T>(cross_entropy{}, f, std::span<const label>(labels)),
          evaluated<T>(cross_entropy{}, f2, std::span<const label>(labels2)));
  }
}

TEST_CASE_TEMPLATE("softmax: rows of probabilities", T, float, double, long double) {
  stream random = random_stream(6);
  for (const shape& s : shapes) {
    const auto f = random_outputs<T>(s, random);
    framed<T> padded(f, 3, T(-5));
    softmax(padded.view());
    CHECK(padded.intact());
    auto plain = f;
    softmax(plain);
    CHECK(to_matrix(padded.view()) == plain);
    const auto wide = widen(f);
    CHECK(within(matrix_view<const T>(plain), reference::softmax(wide), softmax_gauge<T>(wide),
                 roundings<T>(s.C)));
    for (std::size_t i = 0; i < s.N; ++i) {
      long double sum = 0;
      for (std::size_t k = 0; k < s.C; ++k) sum += plain(i, k);
      CHECK(close_to(static_cast<double>(sum), 1,
                     static_cast<double>(s.C) * static_cast<double>(epsilon<T>)));
      for (std::size_t k = 1; k < s.C; ++k) {  // order is kept
        if (f(i, k) >= f(i, k - 1)) CHECK(plain(i, k) >= plain(i, k - 1));
      }
    }
  }
  auto none = make_matrix<T>(0, 3);
  softmax(none);
  auto one = random_matrix<T>(5, 1, random);
  softmax(one);
  CHECK(std::ranges::all_of(one, [](T x) { return x == 1; }));
}

TEST_CASE_TEMPLATE("argmax: of equal outputs the first", T, float, double, long double) {
  const T inf = std::numeric_limits<T>::infinity();
  const matrix<T> f{{1, 3, 3, 2},        {0, 0, 0, 0}, {-4, -2, -3, -2},
                    {-inf, 1, inf, inf}, {5, 1, 1, 1}, {1, 2, 3, 4}};
  const std::vector<label> expected{1, 0, 1, 2, 0, 3};
  CHECK(argmax(f) == expected);
  framed<T> padded(f, 2, inf);
  CHECK(argmax(matrix_view<const T>(padded.view())) == expected);
  CHECK(argmax(make_matrix<T>(0, 3)).empty());
  CHECK(argmax(make_matrix<T>(2, 1)) == std::vector<label>{0, 0});
}

TEST_CASE("losses refuse what does not fit") {
  const auto f = make_matrix<double>(3, 2);
  const auto short_y = make_matrix<double>(2, 2), wide_y = make_matrix<double>(3, 4);
  const auto g = make_matrix<double>(3, 2);
  const std::vector<label> good{0, 1, 1}, few{0, 1}, outside{0, 1, 2};
  const auto refused = [&](const auto& loss, const auto& targets, const matrix<double>& of = {},
                           const matrix<double>& into = {}) {
    auto written = into.size() > 0 ? into : g;
    return message_of<shape_error>([&] {
      loss.evaluate(matrix_view<const double>(of.size() > 0 || of.shape(1) > 0 ? of : f), targets,
                    matrix_view<double>(written));
    });
  };
  using view = matrix_view<const double>;
  CHECK(refused(mean_squared_error{}, view(short_y)) ==
        "mean_squared_error: targets is (2x2), expected (3x2)");
  CHECK(refused(mean_squared_error{}, view(wide_y)) ==
        "mean_squared_error: targets is (3x4), expected (3x2)");
  CHECK(refused(cross_entropy{}, view(short_y)) ==
        "cross_entropy: probabilities is (2x2), expected (3x2)");
  CHECK(refused(cross_entropy{}, view(wide_y)) ==
        "cross_entropy: probabilities is (3x4), expected (3x2)");
  CHECK(refused(cross_entropy{}, std::span<const label>(few)) ==
        "cross_entropy: 2 labels for 3 samples");
  CHECK(refused(mean_squared_error{}, view(f), f, short_y) ==
        "mean_squared_error: g is (2x2), expected (3x2)");
  CHECK(refused(cross_entropy{}, view(f), f, wide_y) ==
        "cross_entropy: g is (3x4), expected (3x2)");
  CHECK(refused(cross_entropy{}, std::span<const label>(good), f, wide_y) ==
        "cross_entropy: g is (3x4), expected (3x2)");
  const auto none = make_matrix<double>(0, 2);
  CHECK(refused(mean_squared_error{}, view(none), none) ==
        "mean_squared_error: outputs is (0x2), expected at least 1 each");
  CHECK(refused(cross_entropy{}, view(none), none) ==
        "cross_entropy: outputs is (0x2), expected at least 1 each");
  CHECK(refused(cross_entropy{}, std::span<const label>{}, none) ==
        "cross_entropy: outputs is (0x2), expected at least 1 each");
  auto written = g;
  CHECK(message_of<argument_error>([&] {
          cross_entropy{}.evaluate(view(f), std::span<const label>(outside),
                                   matrix_view<double>(written));
        }) == "cross_entropy: label 2, expected one below 2");
}

TEST_CASE_TEMPLATE("answers of outputs that are none", T, float, double, long double) {
  auto none = make_matrix<T>(3, 0), f = make_matrix<T>(3, 2);
  CHECK(message_of<shape_error>([&] { argmax(none); }) ==
        "argmax: no outputs, expected at least 1");
  CHECK(message_of<shape_error>([&] { softmax(none); }) ==
        "softmax: no outputs, expected at least 1");
  const T infinity = std::numeric_limits<T>::infinity();
  f(2, 1) = std::numeric_limits<T>::quiet_NaN();
  CHECK(message_of<argument_error>([&] { argmax(f); }) ==
        "argmax: row 2 has a NaN, expected numbers");
  for (const auto& row : {std::array<T, 2>{0, f(2, 1)}, std::array<T, 2>{0, infinity},
                          std::array<T, 2>{-infinity, -infinity}}) {
    auto g = make_matrix<T>(3, 2);
    std::ranges::copy(row, matrix_view(g).row(2).begin());
    CHECK(message_of<argument_error>([&] {
            softmax(g);
          }).starts_with("softmax: row 2 has no probabilities"));
  }
  auto off = make_matrix<T>(1, 2);
  off(0, 1) = -infinity;
  softmax(off);
  CHECK(off(0, 0) == 1);
  CHECK(off(0, 1) == 0);
}
