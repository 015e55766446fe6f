#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include <tutelage/theory/angular/cramer.hpp>
#include <tutelage/theory/angular/critical_directions.hpp>
#include <tutelage/theory/angular/direction_sets.hpp>

#include "support/close_to.hpp"
#include "support/framed.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

// A function without vectors: exp(cos t) is an angular-distance function.
struct von_mises {
  template <class T>
  T operator()(T t) const {
    return std::exp(std::cos(t));
  }
};

// det M and det M_i, [m + 1] with det M last, and how far each moves at most, to first order, when
// every number of M and b does by `entry`: with the adjugate A = det M M^-1 and x = M^-1 b,
//   |d det M| <= entry sum |A|,   |d det M_i| <= entry (|x_i| sum |A| + (1 + sum |x|) sum_k |A_ik|)
struct sensitive_determinants {
  std::vector<long double> value, change;
};
sensitive_determinants determinants_of(const angular_matrices<long double>& a, long double entry) {
  const std::size_t m = a.b.size();
  cramer_determinants<long double> c;
  c.compute(a.M, a.b);
  const auto number = [&](long double mantissa) { return std::scalbln(mantissa, c.exponent()); };
  const long double det = number(c.det());
  matrix<long double> inverse;
  REQUIRE(detail::invert(a.M, inverse));
  long double all = 0, x_sum = 0;
  std::vector<long double> rows(m);
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t k = 0; k < m; ++k) rows[i] += std::abs(det * inverse(i, k));
    all += rows[i];
    x_sum += std::abs(c.replaced()[i] / c.det());
  }
  sensitive_determinants result;
  for (std::size_t i = 0; i < m; ++i) {
    const long double x = std::abs(c.replaced()[i] / c.det());
    result.value.push_back(number(c.replaced()[i]));
    result.change.push_back(entry * (x * all + (1 + x_sum) * rows[i]));
  }
  result.value.push_back(det);
  result.change.push_back(entry * all);
  return result;
}

template <class F>
void check_sets(const F& f, std::size_t m, std::size_t N, stream& random) {
  auto theta = make_matrix<double>(N, m);
  random.fill_uniform(std::span(theta.data(), theta.size()), 0, 2 * std::numbers::pi);
  framed<double> in(theta, 3, not_a_number<double>), out(N, m, 2, -7);
  std::vector<double> det(N);
  direction_set_determinants(f, in.view(), det, out.view());
  CHECK(out.intact());
  comparison all;
  angular_matrices<long double> a;
  std::vector<long double> set(m);
  const long double entry = 2 * epsilon<double> * f(0.0);
  for (std::size_t n = 0; n < N; ++n) {
    for (std::size_t i = 0; i < m; ++i) set[i] = theta(n, i);
    a.compute(f, std::span<const long double>(set));
    const auto expected = determinants_of(a, entry);
    for (std::size_t i = 0; i <= m; ++i) {
      const double actual = i == m ? det[n] : out.view()(n, i);
      all.add(static_cast<double>(std::abs(actual - expected.value[i])),
              static_cast<double>(expected.change[i]), detail::text(n, ", ", i), actual,
              static_cast<double>(expected.value[i]));
    }
  }
  CHECK(all);
}

}  // namespace

TEST_CASE("many sets at once are what long double says of each") {
  stream random = random_stream(11);
  for (std::size_t m = 1; m <= 16; ++m) {
    for (const std::size_t N : {1U, 7U, 8U, 9U, 40U}) {
      check_sets(arc_cosine<1>{}, m, N, random);
      check_sets(arc_cosine<0>{}, m, N, random);
    }
    if (m <= 4) check_sets(von_mises{}, m, 19, random);
  }
}

TEST_CASE("coincident and opposite directions") {
  // Two students alike, and two against each other and the teacher: M is singular, or not.
  const double pi = std::numbers::pi;
  const matrix<double> theta{{1, 1, 2}, {1, 1 + pi, pi}, {0, 1, 2}};
  std::vector<double> det(3);
  auto replaced = make_matrix<double>(3, 3);
  direction_set_determinants(arc_cosine<1>{}, theta, det, replaced);
  const double unit = 64 * epsilon<double> * pi * pi * pi;
  CHECK(std::abs(det[0]) <= unit);
  for (std::size_t i = 0; i < 3; ++i) CHECK(std::abs(replaced(0, i)) <= unit);
  CHECK(det[1] > 1);
  // The student that is the teacher has all of it.
  CHECK(std::abs(replaced(2, 0) - det[2]) <= unit);
  CHECK(std::abs(replaced(2, 1)) <= unit);
  CHECK(std::abs(replaced(2, 2)) <= unit);
}

TEST_CASE("no sets, and what does not fit") {
  std::vector<double> none, two(2);
  auto empty = make_matrix<double>(0, 3);
  direction_set_determinants(arc_cosine<1>{}, empty, none, empty);
  auto theta = make_matrix<double>(2, 3), small = make_matrix<double>(2, 2),
       large = make_matrix<double>(2, 17);
  const auto refused = [&](matrix<double>& in, std::vector<double>& det, matrix<double>& out) {
    return message_of<shape_error>(
        [&] { direction_set_determinants(arc_cosine<1>{}, in, det, out); });
  };
  CHECK(refused(theta, two, small) ==
        "direction_set_determinants: replaced is (2x2), expected (2x3)");
  CHECK(refused(theta, none, theta) ==
        "direction_set_determinants: 2 sets of 3 directions into 0 determinants; at most 16 "
        "directions");
  CHECK(refused(large, two, large) ==
        "direction_set_determinants: 2 sets of 17 directions into 2 determinants; at most 16 "
        "directions");
}

TEST_CASE("directions that are none on the circle") {
  auto theta = make_matrix<double>(9, 2), replaced = theta;
  std::vector<double> det(9);
  for (const double wrong : {-1e-300, 2 * std::numbers::pi, 7.0, std::nan(""), HUGE_VAL}) {
    theta(8, 1) = wrong;
    CHECK_THROWS_AS(
        direction_set_determinants(arc_cosine<1>{}, matrix_view<const double>(theta),
                                   std::span<double>(det), matrix_view<double>(replaced)),
        argument_error);
  }
}
