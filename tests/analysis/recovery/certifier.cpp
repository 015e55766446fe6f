#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>

#include <tutelage/analysis/recovery/local_certificate.hpp>
#include <tutelage/analysis/recovery/recovery_bounds.hpp>
#include <tutelage/data/student.hpp>

#include "support/close_to.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;
using pair_type = mlp<double, relu, dynamic, dynamic, dynamic>;

// Two outputs. Teacher: gate(x), to the first. Students: its copy, and three that are active
// everywhere near and cancel; the second output is off by `error`, which only two of them feel.
struct two_outputs {
  pair_type teacher{{1, 1, 2}}, student{{1, 4, 2}};
  matrix<double> x = make_matrix<double>(200, 1);

  explicit two_outputs(double error) {
    teacher.layer<1>().weights()(0, 0) = teacher.layer<2>().weights()(0, 0) = 1;
    const auto W = student.layer<1>().weights(), V = student.layer<2>().weights();
    const double at[] = {0, 50, 60, 70}, first[] = {1, 1, 2, -3}, second[] = {0, 0, 1, -1};
    for (std::size_t k = 0; k < 4; ++k) {
      W(0, k) = 1;
      W(1, k) = at[k];
      V(k, 0) = first[k];
      V(k, 1) = second[k];
      V(4, 0) -= at[k] * first[k];
      V(4, 1) -= at[k] * second[k];
    }
    V(4, 1) += error;
    for (std::size_t i = 0; i < 200; ++i) x(i, 0) = 1e-3 * (static_cast<double>(i) - 99.5) / 100;
  }

  [[nodiscard]] teacher_certificate operator()(double eps) const {
    return certify(aware_moves{}, known_condition{1e-9, 1e-9}, teacher, student, x, eps)[0];
  }
};

}  // namespace

TEST_CASE("every observer is tried: the theorem needs one whose gradient is small") {
  // Without an error the most sensitive observer is the one with the largest |alpha|, node 3.
  const auto exact = two_outputs(0)(0.1);
  CHECK(exact.observer == std::optional<std::size_t>(3));
  CHECK(exact.outcome == verdict::holds);
  // With one, its gradient and node 2's are too large, those of nodes 0 and 1 are as before.
  const auto t = two_outputs(1)(0.1);
  REQUIRE(t.observer);
  CHECK(*t.observer <= 1);
  CHECK(t.outcome == verdict::holds);
  CHECK(t.recovered());
  CHECK(t.smallest_eps <= 0.1);
  CHECK(two_outputs(1)(t.smallest_eps * (1 + 1e-12)).outcome == verdict::holds);
}

TEST_CASE("an observer whose rounding is too large makes way for one that proves something") {
  two_outputs p(0);
  for (pair_type* net : {&p.teacher, &p.student}) net->layer<2>().bias()[1] += 0x1p40;
  const auto t = p(0.1);
  REQUIRE(t.observer);
  CHECK(*t.observer <= 1);  // nodes 2 and 3 feel the second output
  CHECK(t.outcome == verdict::holds);
}

TEST_CASE("where none will do, the one that is nearest to it is reported") {
  two_outputs p(1);
  p.student.layer<2>().bias()[0] += 1;  // now all feel an error
  const auto t = p(0.1);
  CHECK(t.outcome == verdict::fails);
  CHECK(t.observer == std::optional<std::size_t>(3));
  CHECK(t.gradient > t.allowed_gradient);
  CHECK(!(t.smallest_eps <= 1));
}

TEST_CASE("too few samples for the fewest boundaries: all are counted for the report") {
  using deep = mlp<double, relu, dynamic, dynamic, dynamic, dynamic>;
  deep teacher{{2, 3, 3, 2}}, student{{2, 5, 4, 2}};
  initialize(teacher, gaussian_start{1}, 1);
  initialize(student, gaussian_start{1}, 2);
  const auto x = draw_inputs<double>(gaussian_inputs{1}, 60, 2, 3, purpose::inputs);
  constexpr double eps = 0.5, tiny = 1e-9;  // wide bands, and 5 K (d + 1) = 120 samples needed
  detail::band_measurer<aware_moves, deep, deep, matrix<double>> measurer(
      teacher, student, x, {.eta = tiny, .mu = tiny});
  double most = 0;
  for (const auto& t :
       certify(aware_moves{}, known_condition{tiny, tiny}, teacher, student, x, eps)) {
    REQUIRE(t.observer);
    const auto band = measurer.band_of(t.teacher);
    auto expected = measurer.in_band(band, t.teacher, *t.observer, eps);
    measurer.measure_gradient(expected, band, t.teacher, *t.observer);
    CHECK(t.samples > 0);
    CHECK(t.boundaries == expected.assumed);
    CHECK(t.required_samples == expected.constants.samples);
    CHECK(t.gradient == expected.gradient);
    CHECK(t.gradient > 0);
    CHECK(t.outcome == verdict::fails);
    CHECK(!(t.smallest_eps <= 1));
    most = std::max(most, t.boundaries);
  }
  CHECK(most > 8);
}

TEST_CASE("a node without influence does not take the place of one that proves something") {
  // Node 0 sees all samples and goes nowhere; node 1 is the teacher's copy.
  pair_type teacher{{1, 1, 1}}, student{{1, 2, 1}};
  teacher.layer<1>().weights()(0, 0) = teacher.layer<2>().weights()(0, 0) = 1;
  student.layer<1>().weights()(0, 0) = student.layer<1>().weights()(0, 1) = 1;
  student.layer<1>().weights()(1, 0) = 50;
  student.layer<2>().weights()(1, 0) = 1;
  auto x = make_matrix<double>(80, 1);  // 30 are needed: node 0 has them in a narrower band
  for (std::size_t i = 0; i < 80; ++i) x(i, 0) = 0.001 * (static_cast<double>(i) - 10.5);
  const auto at = [&](double eps) {
    return certify(aware_moves{}, known_condition{1e-9, 1e-9}, teacher, student, x, eps)[0];
  };
  const auto t = at(0.06);
  CHECK(t.outcome == verdict::fails);
  CHECK(t.observer == std::optional<std::size_t>(1));
  REQUIRE(t.smallest_eps <= 1);
  CHECK(at(t.smallest_eps * (1 + 1e-12)).outcome == verdict::holds);
}

TEST_CASE("what underflows proves nothing") {
  using deep = mlp<double, relu, dynamic, dynamic, dynamic, dynamic>;
  deep teacher{{1, 1, 1, 1}}, student{{1, 1, 1, 1}};
  for (deep* net : {&teacher, &student}) {
    net->layer<1>().weights()(0, 0) = net->layer<2>().weights()(0, 0) = 1e-200;
    net->layer<3>().weights()(0, 0) = 1e300;
  }
  student.layer<1>().weights()(1, 0) = 5e-200;  // its boundary is at -5, and sees all samples
  auto x = make_matrix<double>(100, 1);
  for (std::size_t i = 0; i < 100; ++i) x(i, 0) = 1e-3 * (static_cast<double>(i) - 49.5);
  const auto t = certify(aware_moves{}, known_condition{1e-9, 1e-9}, teacher, student, x, 0.1)[0];
  CHECK(t.outcome == verdict::fails);
  CHECK(!(t.smallest_eps <= 1));
  CHECK(!local_certificates(teacher, student, x)[0].student());
}
