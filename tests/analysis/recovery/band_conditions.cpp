#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <tutelage/analysis/recovery/recovery_bounds.hpp>
#include <tutelage/data/student.hpp>

#include "support/close_to.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;
using names = std::vector<std::string>;

template <class Gate>
using two = mlp<double, Gate, dynamic, dynamic, dynamic>;
template <class Gate>
using three = mlp<double, Gate, dynamic, dynamic, dynamic, dynamic>;
template <class Gate>
using four = mlp<double, Gate, dynamic, dynamic, dynamic, dynamic, dynamic>;
using half = leaky_relu<std::ratio<1, 2>>;

// On a line no direction is perpendicular to another: every eta and mu are right, and a verdict
// "holds" rests on nothing that was not checked.
constexpr known_condition line{1e-9, 1e-9};

// Samples within `width` of `center`.
matrix<double> samples_near(double center, double width, std::size_t N) {
  auto x = make_matrix<double>(N, 1);
  for (std::size_t i = 0; i < N; ++i) {
    x(i, 0) = center + width * (2 * (static_cast<double>(i) + 0.5) / static_cast<double>(N) - 1);
  }
  return x;
}

// Boundaries at 0, 3, 4, ... in the lowest layer; higher ones draw theirs at -0.7 and below.
template <class Network>
void set_teacher(Network& net) {
  net.for_each_layer([&](auto& l, std::size_t number) {
    const auto W = l.weights();
    for (std::size_t k = 0; k < W.cols(); ++k) {
      const auto at = static_cast<double>(k);
      for (std::size_t i = 0; i + 1 < W.rows(); ++i) {
        W(i, k) = number == 1 ? 1 + at : 0.5 + 0.25 * static_cast<double>((i + 2 * k + number) % 4);
      }
      W(W.rows() - 1, k) = number > 1 ? 1 + 0.1 * at : k == 0 ? 0.0 : -(1 + at) * (2 + at);
    }
  });
}

// Takes node a for node b in hidden layer l, and gives a's weights a factor.
template <std::size_t l, class Network>
void swap_and_scale(Network& net, std::size_t a, std::size_t b, double factor) {
  const auto W = net.template layer<l>().weights();
  const auto V = net.template layer<l + 1>().weights();
  for (std::size_t i = 0; i < W.rows(); ++i) {
    std::swap(W(i, a), W(i, b));
    W(i, a) *= factor;
  }
  for (std::size_t c = 0; c < V.cols(); ++c) {
    std::swap(V(a, c), V(b, c));
    V(a, c) /= factor;
  }
}

template <class Network>
Network make(const std::array<std::size_t, Network::depth + 1>& widths) {
  return Network(widths);
}

// Teacher and student of one function; all students copies, permuted and scaled.
template <class Network>
struct recovered_pair {
  Network teacher, student;

  recovered_pair(const std::array<std::size_t, Network::depth + 1>& of_teacher,
                 const std::array<std::size_t, Network::depth + 1>& of_student)
      : teacher(of_teacher), student(of_student) {
    set_teacher(teacher);
    initialize(student, near_start{teacher}, 1);
    swap_and_scale<1>(student, 0, student.widths()[1] - 1, 8);
    swap_and_scale<Network::depth - 1>(student, 0, student.widths()[Network::depth - 1] - 1, 0.25);
  }
};

// Q by its definition: nodes of the lowest layers, and a node of a higher one for every pattern of
// its own network below it among points x.
template <class Network>
std::size_t count_pieces(const Network& net, const std::vector<double>& points) {
  std::size_t count = 0;
  for (std::size_t l = 2; l < Network::depth; ++l) {
    std::set<std::vector<bool>> patterns;
    for (const double point : points) {
      auto x = make_matrix<double>(1, 1);
      x(0, 0) = point;
      activations<Network> kept;
      net.forward(matrix_view<const double>(x), kept);
      std::vector<bool> pattern;
      for (std::size_t below = 1; below < l; ++below) {
        for (const double f : kept.f(below).row(0)) pattern.push_back(f > 0);
      }
      patterns.insert(pattern);
    }
    count += patterns.size() * net.widths()[l];
  }
  return count;
}

// The samples of a band about 0, and their moves.
std::vector<double> and_moves(const matrix<double>& x, double width) {
  std::vector<double> points;
  for (const double at : x) {
    if (std::abs(at) > width) continue;
    for (const double move : {0.0, 2 * width, -2 * width}) points.push_back(at + move);
  }
  return points;
}

template <class Network>
void check_recovered(const recovered_pair<Network>& p, std::size_t N) {
  for (const double eps : {0.5, 1e-3}) {
    const auto x = samples_near(0, eps / 4, N);
    const auto t = certify(aware_moves{}, line, p.teacher, p.student, x, eps)[0];
    CHECK(t.outcome == verdict::holds);
    CHECK(t.failing().empty());
    CHECK(t.recovered());
    CHECK(t.smallest_eps <= eps);
    CHECK(t.smallest_eps >= t.student_gap);
    // As Definition 7 and the proof of Theorem 5 say: samples of the band and their moves.
    const auto points = and_moves(x, t.width);
    const double K = static_cast<double>(p.teacher.widths()[1] + p.student.widths()[1]);
    const double Q =
        K + static_cast<double>(count_pieces(p.teacher, points) + count_pieces(p.student, points));
    CHECK(t.boundaries >= Q);
    CHECK(t.boundaries <= 1.05 * Q);
    CHECK(t.required_samples == 5 * t.boundaries * 2);
    CHECK(t.constants.widening() ==
          constants_of(aware_moves{},
                       {.K = t.boundaries,
                        .d = 1,
                        .eta = 1e-9,
                        .mu = 1e-9,
                        .kappa = t.samples * 2 / static_cast<double>(2 * points.size() / 3)})
              .widening());
  }
}

}  // namespace

TEST_CASE("three layers: the student that is its teacher, permuted and scaled, is certified") {
  check_recovered(recovered_pair<three<relu>>({1, 2, 2, 2}, {1, 3, 3, 2}), 600);
  check_recovered(recovered_pair<three<half>>({1, 1, 2, 1}, {1, 2, 2, 1}), 500);
}

TEST_CASE("four layers, one of one node") {
  check_recovered(recovered_pair<four<relu>>({1, 2, 1, 2, 1}, {1, 3, 1, 2, 1}), 600);
}

TEST_CASE("a teacher node that no student covers is not certified") {
  recovered_pair<three<relu>> p({1, 2, 2, 2}, {1, 2, 3, 2});
  for (const double off : {0.5, 0.05, 1e-3}) {
    const double eps = off / 4;
    auto student = p.student;
    const auto W = student.layer<1>().weights();
    for (std::size_t k = 0; k < 2; ++k) {
      if (W(1, k) == 0) W(1, k) = off * W(0, k);  // copies of the node at 0
    }
    const auto t =
        certify(aware_moves{}, line, p.teacher, student, samples_near(0, eps / 4, 500), eps)[0];
    CHECK(!t.recovered());
    CHECK(t.failing() == names{"gradient"});
    CHECK(!(t.smallest_eps < t.student_gap));
  }
}

TEST_CASE("a boundary of a higher layer in a student's place: Theorem 5 as printed is false") {
  // Teacher: gate(x), passed on. Student: gate(gate(x + 5) - 5), no lowest boundary near 0.
  three<relu> teacher({1, 1, 1, 1}), student({1, 2, 1, 1});
  teacher.layer<1>().weights()(0, 0) = 1;
  teacher.layer<2>().weights()(0, 0) = 1;
  teacher.layer<2>().bias()[0] = 1;
  teacher.layer<3>().weights()(0, 0) = 1;
  teacher.layer<3>().bias()[0] = -1;
  const auto W = student.layer<1>().weights();
  W(0, 0) = W(0, 1) = 1;
  W(1, 0) = 5;
  W(1, 1) = 7;
  student.layer<2>().weights()(0, 0) = 1;
  student.layer<2>().bias()[0] = -5;
  student.layer<3>().weights()(0, 0) = 1;
  const double eps = 0.3;
  // Samples where the student's upper node is open: there alpha is 1 and all gradients are 0.
  const auto x = samples_near(0.02, 0.0199, 300);
  const auto t = certify(aware_moves{}, line, teacher, student, x, eps)[0];
  CHECK(t.enough_samples());
  CHECK(t.small_gradient());
  CHECK(t.observed());
  CHECK(!t.recovered());
  CHECK(t.upper_gap == 0);
  CHECK(t.failing() == names{"apart"});
  CHECK(t.smallest_eps == std::numeric_limits<double>::infinity());
}

TEST_CASE("alpha is the least of the band's regions: an observer that is silent in one is none") {
  // The node above is closed where x < -1e-3: no gradient passes there.
  three<relu> teacher({1, 2, 1, 1});
  set_teacher(teacher);
  three<relu> student = teacher;
  const auto open =
      certify(aware_moves{}, line, teacher, student, samples_near(0, 1e-2, 300), 0.1)[0];
  CHECK(open.outcome == verdict::holds);
  auto V = student.layer<2>().weights();
  // k = 1 stays the observer of a band at 0 only with its boundary out of the way.
  student.layer<1>().bias()[1] = 50;
  V(0, 0) = 0;
  V(1, 0) = 1;
  student.layer<2>().bias()[0] = -(50 - 2e-3);
  const auto t = certify(aware_moves{}, line, teacher, student, samples_near(0, 1e-2, 300), 0.1)[0];
  CHECK(t.allowed_gradient == 0);
  CHECK(t.failing() == names{"observer", "apart"});
}

TEST_CASE("two layers: Q is K and alpha that of the fan-outs, as in Theorems 3 and 4") {
  const recovered_pair<two<relu>> p({1, 2, 2}, {1, 3, 2});
  const auto x = samples_near(0, 0.01, 500);
  const auto t = certify(aware_moves{}, line, p.teacher, p.student, x, 0.1)[0];
  CHECK(t.outcome == verdict::holds);
  CHECK(t.boundaries == 5);
  CHECK(t.upper_gap == std::numeric_limits<double>::infinity());
  // The same networks behind a layer that passes everything on: another Q, the same alpha.
  three<relu> deep_teacher({1, 2, 2, 2}), deep_student({1, 3, 2, 2});
  const auto deepen_by_one = [](const two<relu>& from, three<relu>& to) {
    copy(from.layer<1>().weights(), to.layer<1>().weights());
    copy(from.layer<2>().weights(), to.layer<2>().weights());
    for (std::size_t c = 0; c < 2; ++c) {
      to.layer<2>().bias()[c] += 100;
      to.layer<3>().weights()(c, c) = 1;
      to.layer<3>().bias()[c] = -100;
    }
  };
  deepen_by_one(p.teacher, deep_teacher);
  deepen_by_one(p.student, deep_student);
  const auto deep = certify(aware_moves{}, line, deep_teacher, deep_student, x, 0.1)[0];
  CHECK(deep.outcome == verdict::holds);
  // 5 of the lowest layers, 2 for each of the patterns on the two sides of 0.
  CHECK(deep.boundaries == 5 + 2 * 2 + 2 * 2);
  CHECK(certify(aware_moves{}, line, deep_teacher, deep_student, x, deep.smallest_eps)[0].outcome ==
        verdict::holds);
  CHECK(close_to(deep.allowed_gradient / deep.width, t.allowed_gradient / t.width,
                 8 * epsilon<double> * t.allowed_gradient / t.width));
}

TEST_CASE("dead nodes and constant pieces are in nobody's way") {
  recovered_pair<three<relu>> p({1, 2, 2, 1}, {1, 4, 4, 1});
  const auto W = p.student.layer<1>().weights(), V = p.student.layer<2>().weights();
  for (std::size_t i = 0; i < 2; ++i) W(i, 1) = 0;
  for (std::size_t c = 0; c < 4; ++c) V(1, c) = 0;
  // What node 1 gave is missing: its fellow gives it.
  initialize(p.student, near_start{p.teacher}, 1);
  for (std::size_t i = 0; i < 2; ++i) W(i, 2) = 0;
  for (std::size_t c = 0; c < 4; ++c) {
    V(0, c) += V(2, c);
    V(2, c) = 0;
  }
  for (std::size_t i = 0; i < 5; ++i) V(i, 3) = 0;  // a constant piece
  p.student.layer<3>().weights()(1, 0) *= 2;
  const auto t =
      certify(aware_moves{}, line, p.teacher, p.student, samples_near(0, 0.01, 500), 0.1)[0];
  CHECK(t.outcome == verdict::holds);
  CHECK(t.recovered());
}

TEST_CASE("rounding proves nothing") {
  // In exact arithmetic the student is linear near 0. In floating point x + 2^40 has steps of
  // another length on either side of 2^40, and the student's kink is there.
  two<relu> teacher({1, 1, 1}), student({1, 2, 1});
  teacher.layer<1>().weights()(0, 0) = 1;
  teacher.layer<2>().weights()(0, 0) = 1;
  const auto W = student.layer<1>().weights(), V = student.layer<2>().weights();
  W(0, 0) = W(0, 1) = 1;
  W(1, 0) = 0x1p40;
  W(1, 1) = 64;
  V(0, 0) = 1;
  V(1, 0) = -1;
  V(2, 0) = 64 - 0x1p40;
  const double width = 1.05 * 0x1p-14;
  const auto t = certify(aware_moves{}, line, teacher, student, samples_near(0, width / 1000, 100),
                         3 * width * (1 + 1e-5))[0];
  CHECK(t.gradient < t.allowed_gradient);
  CHECK(t.rounding > t.allowed_gradient);
  CHECK(t.failing() == names{"gradient"});
  CHECK(!t.recovered());
}

TEST_CASE("samples on the boundary itself: the least eps is what weights still tell") {
  recovered_pair<two<relu>> p({1, 1, 1}, {1, 1, 1});
  p.teacher.layer<2>().bias()[0] = 0;  // nothing rounds
  const auto t =
      certify(aware_moves{}, line, p.teacher, p.student, make_matrix<double>(100, 1), 0.1)[0];
  CHECK(t.samples == 0);       // nobody is active there
  two<relu> wider({1, 2, 1});  // a node sees it
  initialize(wider, near_start{p.teacher}, 1);
  wider.layer<1>().bias()[1] = 30;
  wider.layer<2>().weights()(0, 0) = 1 * p.teacher.layer<2>().weights()(0, 0);
  wider.layer<2>().weights()(1, 0) = 1e-9;
  wider.layer<2>().bias()[0] += -30e-9;
  const auto seen =
      certify(aware_moves{}, line, p.teacher, wider, make_matrix<double>(100, 1), 0.1)[0];
  CHECK(seen.samples == 100);
  CHECK(seen.smallest_eps == epsilon<double>);
}

TEST_CASE("what overflows is refused") {
  two<relu> teacher({1, 1, 1}), student({1, 1, 1});
  for (two<relu>* net : {&teacher, &student}) {
    net->layer<1>().weights()(0, 0) = 1e200;
    net->layer<1>().bias()[0] = 1e200;
    net->layer<2>().weights()(0, 0) = 1e200;
  }
  CHECK_THROWS_AS(certify(aware_moves{}, line, teacher, student, samples_near(0, 0.01, 50), 0.1),
                  argument_error);
}

TEST_CASE("the kink is the teacher's, whatever gate the students have") {
  const recovered_pair<two<relu>> p({1, 1, 1}, {1, 2, 1});
  two<half> leaky({1, 1, 1});
  copy(p.teacher.layer<1>().weights(), leaky.layer<1>().weights());
  copy(p.teacher.layer<2>().weights(), leaky.layer<2>().weights());
  two<identity> linear({1, 1, 1});
  copy(p.teacher.layer<1>().weights(), linear.layer<1>().weights());
  copy(p.teacher.layer<2>().weights(), linear.layer<2>().weights());
  const auto allowed = [&](const auto& teacher) {
    return certify(aware_moves{}, line, teacher, p.student, samples_near(0, 0.01, 100), 0.1)[0]
        .allowed_gradient;
  };
  CHECK(allowed(p.teacher) > 0);
  CHECK(close_to(allowed(leaky), allowed(p.teacher) / 2, epsilon<double> * allowed(p.teacher)));
  CHECK(allowed(linear) == 0);
}

TEST_CASE("inactive samples do not count in the gradient") {
  // Teacher: x_0 = 0. Students, leaky: x_1 > 0, and one that no output knows but where x_1 < 0. The
  // residual is 0 on the side that the first sees, 1 at the sample on the other, of which a leaky
  // student would let a half through.
  two<relu> teacher({2, 1, 1});
  teacher.layer<1>().weights()(0, 0) = 1;
  teacher.layer<2>().weights()(0, 0) = 1;
  two<half> student({2, 1, 1});
  student.layer<1>().weights()(1, 0) = 1;
  student.layer<2>().weights()(0, 0) = 1;
  auto x = make_matrix<double>(2, 2);
  x(0, 1) = 0x1p-10;  // active: f* - f = -2^-10
  x(1, 1) = -2;       // not active: f* - f = 1, times the slope
  const double eps = 1e-3;
  const auto t = certify(aware_moves{}, known_condition{1, 1}, teacher, student, x, eps)[0];
  REQUIRE(t.observer);
  CHECK(t.samples == 1);
  // Moved by 2 eps' along w*_0: f* is 2 eps' at most.
  CHECK(t.gradient >= 0x1p-10 * (1 - 8 * epsilon<double>));
  CHECK(t.gradient <= 0x1p-10 + 2 * t.width);
}

TEST_CASE("gradients of the moves count: samples on one side of the kink do not show it") {
  // Two students that are active everywhere near, and cancel: f = 0, as f* is where x < 0.
  two<relu> teacher({1, 1, 1}), student({1, 2, 1});
  teacher.layer<1>().weights()(0, 0) = teacher.layer<2>().weights()(0, 0) = 1;
  const auto W = student.layer<1>().weights();
  W(0, 0) = 1;
  W(1, 0) = 64;
  W(0, 1) = 2;
  W(1, 1) = 128;
  student.layer<2>().weights()(0, 0) = 1;
  student.layer<2>().weights()(1, 0) = -0.5;
  const auto x = samples_near(-1e-3, 0.9e-3, 100);
  const auto t = certify(aware_moves{}, line, teacher, student, x, 0.3)[0];
  CHECK(t.enough_samples());
  // Moved by 2 eps' the nearest sample has f* = x + 2 eps'.
  CHECK(close_to(t.gradient, x(99, 0) + 2 * t.width, t.rounding));
  CHECK(t.failing() == names{"gradient"});
  CHECK(!t.recovered());
}

TEST_CASE("a narrower band may have more boundaries: Q is counted until it is enough") {
  // Student: two boundaries so near each other that moves fall between them only in the band for
  // the Q that is counted first: 4 nodes of the lowest layers, 2 regions of the teacher's and 2 of
  // the student's upper node.
  const double eps = 0.1;
  const known_condition condition{1, 1};
  const double width = constants_of(aware_moves{}, {.K = 8, .d = 1, .eta = 1, .mu = 1}).width(eps);
  const auto x = samples_near(0, width / 100, 200);
  three<relu> teacher({1, 1, 1, 1}), student({1, 3, 1, 1});
  for (three<relu>* net : {&teacher, &student}) {
    for (double& w : net->layer<1>().weights().row(0)) w = 1;
    net->layer<2>().weights()(0, 0) = net->layer<2>().bias()[0] = net->layer<3>().weights()(0, 0) =
        1;
  }
  student.layer<1>().bias()[0] = 64;
  student.layer<1>().bias()[1] = -2 * width + width / 300;
  student.layer<1>().bias()[2] = -2 * width - width / 300;
  const auto t = certify(aware_moves{}, condition, teacher, student, x, eps)[0];
  CHECK(t.enough_samples());
  const auto points = and_moves(x, t.width);
  const double Q =
      4 + static_cast<double>(count_pieces(teacher, points) + count_pieces(student, points));
  CHECK(t.boundaries >= Q);
  // In the first band there would be one more than it was for.
  const auto first = and_moves(x, width);
  CHECK(4 + count_pieces(teacher, first) + count_pieces(student, first) == 9);
}

TEST_CASE("an observer whose regions have a piece on the boundary makes way for one without") {
  // Lowest students: teacher's copy; two that are active everywhere near and cancel, with the larger
  // alpha; one that is active only where their samples' moves go, not the copy's. There the
  // boundary of the last upper node, closed everywhere, continues to 0; elsewhere it is at 10 eps'.
  const double eps = 0.1, width = eps / 3;
  three<relu> teacher({1, 1, 1, 1}), student({1, 4, 4, 1});
  for (three<relu>* net : {&teacher, &student}) {
    net->layer<1>().weights()(0, 0) = 1;
    net->layer<2>().weights()(0, 0) = net->layer<2>().bias()[0] = 1;
    net->layer<3>().weights()(0, 0) = 1;
    net->layer<3>().bias()[0] = -1;
  }
  const auto W = student.layer<1>().weights(), V = student.layer<2>().weights();
  W(0, 1) = W(0, 2) = 1;
  W(1, 1) = 50;
  W(1, 2) = 60;
  W(0, 3) = -1;
  W(1, 3) = -2.2 * width;
  V(1, 1) = V(2, 2) = V(1, 3) = 1;
  V(3, 3) = -10 / 2.2;
  V(4, 3) = -50 - 10 * width;
  const auto top = student.layer<3>().weights();
  top(1, 0) = 2;
  top(2, 0) = -2;
  top(4, 0) += 20;
  const auto t =
      certify(aware_moves{}, line, teacher, student, samples_near(0, width / 2, 500), eps)[0];
  CHECK(t.outcome == verdict::holds);
  CHECK(t.observer == std::optional<std::size_t>(0));
  CHECK(t.upper_gap > eps);
}
