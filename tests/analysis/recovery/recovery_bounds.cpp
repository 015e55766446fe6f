#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <tutelage/analysis/recovery/recovery_bounds.hpp>
#include <tutelage/data/student.hpp>
#include <tutelage/data/teacher.hpp>
#include <tutelage/train/train.hpp>

#include "support/close_to.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

using pair_type = mlp<double, relu, dynamic, dynamic, dynamic>;
using names = std::vector<std::string>;

constexpr double infinity = std::numeric_limits<double>::infinity();

// Two teacher nodes in the plane, a student that is the teacher twice, and Gaussian samples: all
// conditions can be met.
struct plane {
  pair_type teacher{{2, 2, 3}}, student{{2, 4, 3}};
  matrix<double> x;

  explicit plane(std::size_t N = 120'000) : x(draw_inputs<double>(gaussian_inputs{1}, N, 2, 1)) {
    auto W = teacher.layer<1>().weights();
    W(0, 0) = 3;
    W(1, 0) = 4;
    W(2, 0) = 1;
    W(0, 1) = 1;
    W(1, 1) = -1;
    W(2, 1) = -0.4;
    stream random = random_stream(1);
    auto V = teacher.layer<2>().weights();
    for (std::size_t c = 0; c < 3; ++c) {
      V(0, c) = 1 + random.uniform();
      V(1, c) = 1 + random.uniform();
    }
    initialize(student, near_start{teacher}, 1);
  }

  template <class Moves = agnostic_moves>
  [[nodiscard]] std::vector<teacher_certificate> operator()(double eps, Moves moves = {}) const {
    return certify(moves, condition_of(gaussian_inputs{1}), teacher, student, x, eps);
  }
};

// Counts what a certificate says of its band, by plain loops.
void recount(const teacher_certificate& t, const pair_type& teacher, const pair_type& student,
             const matrix<double>& x, double eta, double mu) {
  REQUIRE(t.observer);
  const auto distance = [&](const pair_type& net, std::size_t k, std::size_t i) {
    const auto W = net.layer<1>().weights();
    const std::size_t d = net.in_width();
    double sum = W(d, k), norm = 0;
    for (std::size_t u = 0; u < d; ++u) {
      sum += W(u, k) * x(i, u);
      norm += W(u, k) * W(u, k);
    }
    return sum / std::sqrt(norm);
  };
  double in_band = 0, seen = 0;
  for (std::size_t i = 0; i < x.shape(0); ++i) {
    if (std::abs(distance(teacher, t.teacher, i)) > t.width) continue;
    in_band += 1;
    seen += distance(student, *t.observer, i) > 0;
  }
  CHECK(seen == t.samples);
  const auto constants = constants_of(
      agnostic_moves{}, {.K = static_cast<double>(teacher.widths()[1] + student.widths()[1]),
                         .d = teacher.in_width(),
                         .bias = make_regular(teacher.layer<1>()).bias[t.teacher],
                         .eta = eta,
                         .mu = mu,
                         .kappa = seen / in_band});
  CHECK(constants.samples == t.required_samples);
  CHECK(constants.widening() == t.constants.widening());
  // No wider than eps allows.
  CHECK(t.width * constants.widening() <= t.eps * (1 + 4 * epsilon<double>));
}

}  // namespace

TEST_CASE("a student that is its teacher: all conditions hold, and so does the conclusion") {
  const plane p;
  for (const double eps : {0.9, 0.7}) {
    for (const auto& t : p(eps)) {
      CHECK(t.outcome == verdict::in_expectation);
      CHECK(t.failing().empty());
      CHECK(t.recovered());
      CHECK(t.student_gap <= 16 * epsilon<double>);
      CHECK(t.gradient <= 64 * epsilon<double> * 20);
      CHECK(t.samples >= t.required_samples);
      CHECK(t.smallest_eps < eps);
      CHECK(t.teacher_gap > 0.9);
      recount(t, p.teacher, p.student, p.x, condition_of(gaussian_inputs{1}).eta, 1);
    }
    for (const auto& t : p(eps, aware_moves{})) CHECK(t.outcome == verdict::in_expectation);
  }
}

TEST_CASE("the smallest eps: certified there, and not below") {
  const plane p;
  for (const auto& t : p(0.9)) {
    REQUIRE(std::isfinite(t.smallest_eps));
    CHECK(p(t.smallest_eps * (1 + 1e-12))[t.teacher].failing().empty());
    const auto below = p(t.smallest_eps * 0.99)[t.teacher];
    CHECK(!below.enough_samples());
    // Samples for this eps: a few more, the boundary being as dense.
    CHECK(below.samples_needed < 120'000 * 1.05);
    CHECK(below.samples_needed > 120'000);
  }
  // With a third of the samples none does, up to 1.
  for (const auto& t : plane(40'000)(0.9)) CHECK(t.smallest_eps == infinity);
}

TEST_CASE("the smallest eps that gradients support: certified there, and not below") {
  std::size_t found = 0, none = 0;
  for (const double error : {0.001, 0.01, 0.02, 0.03, 0.05, 0.2}) {
    plane p;
    p.student.layer<2>().bias()[0] += error;
    for (const auto& t : p(0.5)) {
      CAPTURE(error);
      none += t.smallest_eps == infinity;
      if (t.smallest_eps == infinity) continue;
      ++found;
      CHECK(t.smallest_eps <= 1);
      CHECK(t.smallest_eps < t.teacher_gap);
      CHECK(p(t.smallest_eps)[t.teacher].failing().empty());
      CHECK(!p(t.smallest_eps * 0.998)[t.teacher].failing().empty());
      // The same whatever was asked for.
      CHECK(p(0.01)[t.teacher].smallest_eps == t.smallest_eps);
    }
  }
  CHECK(found > 2);
  CHECK(none > 2);
}

TEST_CASE("of students that see the same, the one with the larger coefficient observes") {
  plane p;
  auto V = p.student.layer<2>().weights();
  for (std::size_t c = 0; c < 3; ++c) {
    for (const std::size_t k : {0U, 1U}) {
      V(k + 2, c) *= 1.8;  // of the two halves
      V(k, c) *= 0.2;
    }
  }
  for (const auto& t : p(0.9)) CHECK(*t.observer >= 2);
}

TEST_CASE("every condition that fails is named") {
  const double eps = 0.9;
  {
    const plane few(500);
    for (const auto& t : few(eps)) {
      CHECK(t.failing() == names{"samples"});
      CHECK(t.outcome == verdict::fails);
      CHECK(t.recovered());  // all the same
    }
  }
  {
    plane p;  // the fan-outs are off: gradients everywhere
    p.student.layer<2>().weights()(0, 0) += 0.5;
    for (const auto& t : p(eps)) {
      CHECK(t.failing() == names{"gradient"});
      CHECK(t.gradient > t.allowed_gradient);
      CHECK(t.smallest_eps > eps);
    }
  }
  {
    plane p;  // two teachers with one boundary, and half the fan-out each
    auto W = p.teacher.layer<1>().weights();
    for (std::size_t i = 0; i < 3; ++i) W(i, 1) = -2 * W(i, 0);
    initialize(p.student, near_start{p.teacher}, 1);
    for (const auto& t : p(eps)) {
      CHECK(t.failing() == names{"apart"});
      CHECK(t.teacher_gap <= 16 * epsilon<double>);
    }
  }
  {
    plane p;  // students that are nowhere active
    for (std::size_t k = 0; k < 4; ++k) p.student.layer<1>().bias()[k] = -1000;
    for (const auto& t : p(eps)) {
      CHECK(t.failing() == names{"observer"});
      CHECK(!t.observer);
      CHECK(t.samples_needed == infinity);
      CHECK(t.smallest_eps == infinity);
    }
  }
  {
    plane p;  // students that are active, without any fan-out
    for (std::size_t k = 0; k < 4; ++k) {
      for (double& v : p.student.layer<2>().weights().row(k)) v = 0;
    }
    for (const auto& t : p(eps)) {
      CHECK(t.failing() == names{"observer"});
      CHECK(t.observer);
      CHECK(t.gradient == 0);  // for nothing flows back
    }
  }
  {
    plane p;  // a teacher node without weights
    for (std::size_t i = 0; i < 2; ++i) p.teacher.layer<1>().weights()(i, 0) = 0;
    const auto all = p(eps);
    CHECK(all[0].failing() == names{"observer"});
    CHECK(!all[0].recovered());
    CHECK(all[0].student_gap == infinity);
  }
}

TEST_CASE("gradients are those of the samples seen and of their moves") {
  plane p(100);
  p.student.layer<2>().weights()(0, 0) += 0.01;
  const double eps = 30;  // wide, for some samples to be in it
  for (const bool aware : {false, true}) {
    const auto all = aware ? p(eps, aware_moves{}) : p(eps);
    for (const auto& t : all) {
      REQUIRE(t.observer);
      // Every point on its own.
      const auto w = make_regular(p.teacher.layer<1>());
      const auto s = make_regular(p.student.layer<1>());
      double largest = 0;
      const auto visit = [&](double x0, double x1) {
        auto x = make_matrix<double>(1, 2);
        x(0, 0) = x0;
        x(0, 1) = x1;
        const auto y = p.teacher(x), f = p.student(x);
        const auto W = p.student.layer<1>().weights();
        const auto V = p.student.layer<2>().weights();
        const std::size_t k = *t.observer;
        if (W(0, k) * x0 + W(1, k) * x1 + W(2, k) <= 0) return;
        double g = 0;
        for (std::size_t c = 0; c < 3; ++c) g += V(k, c) * (y(0, c) - f(0, c));
        largest = std::max(largest, std::abs(g));
      };
      const double step = 2 * t.width * (aware ? 1 : std::sqrt(2.0));
      for (std::size_t i = 0; i < 100; ++i) {
        const double x0 = p.x(i, 0), x1 = p.x(i, 1);
        const auto a = [&](const regular_weights& of, std::size_t k) {
          return of.direction(k)[0] * x0 + of.direction(k)[1] * x1 + of.bias[k];
        };
        if (std::abs(a(w, t.teacher)) > t.width || a(s, *t.observer) <= 0) continue;
        visit(x0, x1);
        for (const double sign : {-step, step}) {
          if (aware) {
            visit(x0 + sign * w.direction(t.teacher)[0], x1 + sign * w.direction(t.teacher)[1]);
          } else {
            visit(x0 + sign, x1);
            visit(x0, x1 + sign);
          }
        }
      }
      CHECK(largest > 0);
      CHECK(close_to(t.gradient, largest, 64 * epsilon<double> * 100));
    }
  }
}

TEST_CASE("an opposite student has the boundary, not the bias") {
  // gate(a) = a + gate(-a): the student has -w_0 and, for the linear part, a node that is active on
  // all samples. On these the gradients vanish, so the theorem applies: its conclusion is true of
  // boundaries and false of Definition 3, which compares biases as they are.
  plane p;
  const double far = 64;
  auto W = p.student.layer<1>().weights();
  auto V = p.student.layer<2>().weights();
  for (std::size_t i = 0; i < 3; ++i) {
    W(i, 2) = p.teacher.layer<1>().weights()(i, 0);
    W(i, 0) = -W(i, 2);
  }
  W(2, 2) += far;
  for (std::size_t c = 0; c < 3; ++c) {
    const double v = p.teacher.layer<2>().weights()(0, c);
    V(0, c) = V(2, c) = v;
    V(4, c) = p.teacher.layer<2>().weights()(2, c) - far * v;
  }
  const double eps = 0.35;
  const auto t =
      certify(aware_moves{}, condition_of(gaussian_inputs{1}), p.teacher, p.student, p.x, eps)[0];
  CHECK(t.gradient <= 64 * epsilon<double> * far * 20);
  CHECK(t.small_gradient());
  CHECK(t.student == std::optional<std::size_t>(0));
  CHECK(t.recovered());
  const auto weights = align_weights(p.teacher.layer<1>(), p.student.layer<1>());
  for (std::size_t k = 0; k < 4; ++k) CHECK(!weights.eps_aligned(0, k, eps));
}

TEST_CASE("trained pairs: what is certified is true") {
  std::size_t certified = 0, gradients_small = 0;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    const std::size_t d = 2 + seed % 2, m = 2 + seed % 3 / 2;
    pair_type teacher({d, m, 4}), student({d, 2 * m, 4});
    construct_teacher(teacher, {.seed = seed}, uniform_bias{0.5});
    initialize(student, near_start{teacher, 0.01}, seed);
    const auto x = draw_inputs<double>(gaussian_inputs{1}, 60'000, d, seed);
    const data_set data(x, outputs(teacher, x));
    train(student, with_replacement(data, {.batch = 16, .steps = 10'000, .seed = seed}),
          mean_squared_error{}, sgd{.rate = 0.3}, {.epochs = 6});
    const auto check = [&](const std::vector<teacher_certificate>& all) {
      for (const auto& t : all) {
        CHECK((t.outcome == verdict::in_expectation) == t.failing().empty());
        if (t.outcome == verdict::in_expectation) CHECK(t.recovered());
        certified += t.outcome == verdict::in_expectation;
        gradients_small += t.small_gradient();
        // By its own account, for the eps that the measured gradient supports.
        if (std::isfinite(t.smallest_eps)) CHECK(t.student_gap <= t.smallest_eps);
        if (t.failing().empty()) CHECK(t.smallest_eps <= t.eps * 1.06);
      }
    };
    for (const double eps : {0.7, 1.0}) {
      const auto known = condition_of(gaussian_inputs{1});
      check(certify(agnostic_moves{}, known, teacher, student, x, eps));
      check(certify(aware_moves{}, known, teacher, student, x, eps));
      for (const auto& t : certify(aware_moves{}, estimated_condition{known.eta, known.mu}, teacher,
                                   student, x, eps)) {
        CHECK(t.outcome != verdict::holds);
        CHECK((t.outcome == verdict::estimated) == t.failing().empty());
      }
    }
  }
  CHECK(gradients_small > 10);
  CHECK(certified > 3);
}

TEST_CASE("degenerate input") {
  plane p(1);
  for (const auto& t : p(0.5)) CHECK(t.outcome == verdict::fails);
  const auto known = condition_of(gaussian_inputs{1});
  const auto with = [&](double eps, const population_condition& condition) {
    return certify(agnostic_moves{}, condition, p.teacher, p.student, p.x, eps);
  };
  for (const double wrong : {0.0, -1.0, infinity, std::nan("")}) {
    CHECK_THROWS_AS(with(wrong, known), argument_error);
    CHECK_THROWS_AS(with(1, {wrong, 1}), argument_error);
    CHECK_THROWS_AS(with(1, {1, wrong}), argument_error);
  }
  CHECK_THROWS_AS(certify(agnostic_moves{}, known, p.teacher, pair_type({3, 4, 3}), p.x, 1),
                  shape_error);
  p.x(0, 0) = std::nan("");
  CHECK_THROWS_AS(with(1, known), argument_error);
  p.x(0, 0) = 0;
  p.student.layer<1>().weights()(0, 0) = infinity;
  CHECK_THROWS_AS(with(1, known), argument_error);
}

TEST_CASE("weights that are no numbers are refused, where no gradient shows them, too") {
  for (const bool of_teacher : {false, true}) {
    pair_type teacher({1, 1, 1}), student({1, 1, 1});  // nobody is active
    (of_teacher ? teacher : student).layer<2>().bias()[0] = std::nan("");
    CHECK(message_of<argument_error>([&] {
            certify(aware_moves{}, known_condition{1, 1}, teacher, student,
                    make_matrix<double>(1, 1), 1);
          }) == "certify: weight 1 of node 0 is not a finite number");
  }
}

TEST_CASE("an empty band: the samples are missing, and how many can be told from wider ones") {
  const plane p;
  const double eps = 1e-6;
  for (const auto& t : p(eps)) {
    REQUIRE(t.observer);
    CHECK(t.samples == 0);
    CHECK(t.failing() == names{"samples"});
    CHECK(t.gradient == 0);
    CHECK(std::isfinite(t.smallest_eps));
    CHECK(t.smallest_eps > eps);
    // Samples needed grow as the band narrows; those of an eps that is found out are similar.
    const auto wide = p(t.smallest_eps)[t.teacher];
    const double ratio = t.samples_needed / (wide.samples_needed * wide.width / t.width);
    CHECK(ratio > 0.5);
    CHECK(ratio < 2);
  }
}

TEST_CASE("the kink is the teacher's: a linear teacher has no observer, a leaky one a small kink") {
  const plane p(20'000);
  const auto check = [&](auto gate, auto student_gate, double slope) {
    using teacher_type = mlp<double, decltype(gate), dynamic, dynamic, dynamic>;
    using student_type = mlp<double, decltype(student_gate), dynamic, dynamic, dynamic>;
    teacher_type teacher({2, 2, 3});
    student_type student({2, 4, 3});
    copy(p.teacher.layer<1>().weights(), teacher.template layer<1>().weights());
    copy(p.teacher.layer<2>().weights(), teacher.template layer<2>().weights());
    copy(p.student.layer<1>().weights(), student.template layer<1>().weights());
    copy(p.student.layer<2>().weights(), student.template layer<2>().weights());
    const auto as_relu = p(0.9);
    for (const auto& t :
         certify(agnostic_moves{}, condition_of(gaussian_inputs{1}), teacher, student, p.x, 0.9)) {
      CHECK(t.observed() == (slope < 1));
      const auto& same = as_relu[t.teacher];
      REQUIRE(t.observer == same.observer);
      CHECK(close_to(t.allowed_gradient, (1 - slope) * same.allowed_gradient,
                     8 * epsilon<double> * same.allowed_gradient));
    }
  };
  using leaky = leaky_relu<std::ratio<99, 100>>;
  check(leaky{}, relu{}, 0.99);
  check(relu{}, leaky{}, 0);
  check(relu{}, identity{}, 0);
  check(identity{}, relu{}, 1);
}

TEST_CASE("no student near: teachers without a kink of their own are not certified") {
  const std::size_t N = 120'000;
  const auto x = draw_inputs<double>(gaussian_inputs{1}, N, 2, 1);
  mlp<double, leaky_relu<std::ratio<99, 100>>, 2, 1, 1> leaky;
  mlp<double, identity, 2, 1, 1> linear;
  pair_type student({2, 2, 1});
  const auto set = [&](auto& teacher) {
    teacher.template layer<1>().weights()(0, 0) = 1;
    teacher.template layer<2>().weights()(0, 0) = 1;
  };
  set(leaky);
  set(linear);
  // a = gate(a + 50) - 50 on all samples.
  student.layer<1>().weights()(0, 0) = 1;
  student.layer<1>().bias()[0] = 50;
  student.layer<1>().weights()(1, 1) = 1;
  student.layer<1>().bias()[1] = 50;
  student.layer<2>().weights()(0, 0) = 1;
  student.layer<2>().bias()[0] = -50;
  for (const double eps : {0.3, 0.9}) {
    for (const auto& t :
         certify(aware_moves{}, condition_of(gaussian_inputs{1}), leaky, student, x, eps)) {
      CHECK(t.student_gap > 40);
      CHECK(t.outcome == verdict::fails);
    }
    for (const auto& t :
         certify(aware_moves{}, condition_of(gaussian_inputs{1}), linear, student, x, eps)) {
      CHECK(t.failing() == names{"observer"});
    }
  }
}

TEST_CASE("outputs that do not fit are refused before they are read") {
  const auto x = make_matrix<double>(1, 2);
  CHECK(message_of<shape_error>([&] {
          certify(agnostic_moves{}, condition_of(gaussian_inputs{1}), pair_type({2, 1, 1}),
                  pair_type({2, 3, 64}), x, 0.5);
        }) == "certify: teacher and student give different outputs; the teacher 1, the student 64");
}
