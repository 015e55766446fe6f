#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include <tutelage/analysis/recovery/local_certificate.hpp>
#include <tutelage/analysis/weight_alignment.hpp>
#include <tutelage/data/student.hpp>
#include <tutelage/data/teacher.hpp>
#include <tutelage/model/network_cast.hpp>
#include <tutelage/train/train.hpp>

#include "support/random.hpp"
#include "support/split_student.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

// The distance of sample i to a node's boundary, by plain loops; infinite without one.
template <class Network, class T>
double distance(const Network& net, std::size_t k, const matrix<T>& x, std::size_t i) {
  const auto W = net.template layer<1>().weights();
  long double sum = W(net.in_width(), k), norm = 0;
  for (std::size_t u = 0; u < net.in_width(); ++u) {
    sum += static_cast<long double>(W(u, k)) * x(i, u);
    norm += static_cast<long double>(W(u, k)) * W(u, k);
  }
  if (norm == 0) return std::numeric_limits<double>::infinity();
  return static_cast<double>(std::abs(sum) / std::sqrt(norm));
}

// How many proofs there are. None may be false: a student's boundary is within h of its sample.
template <class Teacher, class Student, class T>
std::size_t check_true(const Teacher& teacher, const Student& student, const matrix<T>& x,
                       const local_search& search = {}) {
  std::size_t proofs = 0;
  for (const auto& c : local_certificates(teacher, student, x, search)) {
    for (const auto& p : c.proofs) {
      double nearest = std::numeric_limits<double>::infinity();
      for (std::size_t k = 0; k < student.widths()[1]; ++k) {
        nearest = std::min(nearest, distance(student, k, x, p.sample));
      }
      CHECK(nearest <= p.h * (1 + 1e-9));
      CHECK(p.distance <= p.h * (1 + 1e-9));
      CHECK(p.h > p.l);
      ++proofs;
    }
    CHECK(c.holds() == c.student().has_value());
  }
  return proofs;
}

// Weights of all layers and biases so that inputs `x` times larger have outputs `y` times larger.
template <class Network>
Network rescaled(Network net, double x, double y) {
  const double up[2] = {1, y};
  net.for_each_layer([&](auto& l, std::size_t number) {
    const double before = number == 1 ? x : 1;
    for (std::size_t i = 0; i < l.weights().rows(); ++i) {
      for (auto& w : l.weights().row(i)) {
        w *= i < l.in_width() ? up[number - 1] / before : up[number - 1];
      }
    }
  });
  return net;
}

}  // namespace

TEST_CASE("an exact student is proved at once, by whatever nodes it is made of") {
  const auto s = make_split_student(8, 4, 3, 3, 1);
  const auto x = draw_inputs<double>(gaussian_inputs{1.5}, 4000, 8, 1);
  const auto certificates = local_certificates(s.teacher, s.student, x);
  REQUIRE(certificates.size() == 4);
  for (std::size_t j = 0; j < 4; ++j) {
    const auto& c = certificates[j];
    CHECK(c.samples == 256);
    CHECK(c.share() > 0.8);
    REQUIRE(c.student());
    CHECK(std::count(s.copies[j].begin(), s.copies[j].end(), *c.student()) == 1);
    // All of its copies cover what any covers.
    for (const std::size_t k : s.copies[j]) CHECK(c.share_of(k) == c.share());
    CHECK(c.quantile(0) == c.proofs.front().h);
    // To rounding the gradient is 0: h is near l, the sample's own distance, by the last move.
    CHECK(c.quantile(0.5) <= 2 * c.width);
  }
  CHECK(check_true(s.teacher, s.student, x) > 800);
}

TEST_CASE_TEMPLATE("no proof is false: random pairs of any gates", Gates, std::pair<relu, relu>,
                   std::pair<leaky_relu<std::ratio<99, 100>>, relu>, std::pair<identity, relu>,
                   std::pair<relu, leaky_relu<std::ratio<1, 2>>>, std::pair<relu, identity>) {
  using teacher_type = mlp<double, typename Gates::first_type, dynamic, dynamic, dynamic>;
  using student_type = mlp<double, typename Gates::second_type, dynamic, dynamic, dynamic>;
  std::size_t proofs = 0;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    const std::size_t d = 1 + seed % 4;
    teacher_type teacher({d, 3, 2});
    student_type student({d, 6, 2});
    stream random = random_stream(seed);
    randomize(teacher, random);
    randomize(student, random);
    // Near copies, an opposite one, a dead and a constant node.
    for (std::size_t u = 0; u <= d; ++u) {
      auto W = student.template layer<1>().weights();
      const auto W_star = teacher.template layer<1>().weights();
      W(u, 0) = W_star(u, 0) + 0.01 * random.normal();
      W(u, 1) = -W_star(u, 1);
      W(u, 2) = u < d ? 0 : -1;
      W(u, 3) = u < d ? 0 : 1;
    }
    const auto x = draw_inputs<double>(gaussian_inputs{1}, 500, d, seed);
    proofs += check_true(teacher, student, x);
    // Without any boundary of students nothing may be proved.
    auto far = student;
    for (std::size_t k = 0; k < 6; ++k) far.template layer<1>().bias()[k] += 1e4;
    CHECK(check_true(teacher, far, x) == 0);
  }
  if constexpr (std::same_as<typename Gates::first_type, identity> ||
                std::same_as<typename Gates::second_type, identity>) {
    CHECK(proofs == 0);  // no kink to see, or none to see it covered
  }
}

TEST_CASE("deep pairs: gates above may be any") {
  std::size_t proofs = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    mlp<double, relu, 3, 3, 6, 6, 2> teacher;
    mlp<double, relu, 3, 6, 6, 6, 2> student;
    stream random = random_stream(seed);
    randomize(teacher, random);
    randomize(student, random);
    // Layer 1 holds the teacher's nodes; above, both are equal on them and half the seeds are off.
    for (std::size_t u = 0; u <= 3; ++u) {
      for (std::size_t j = 0; j < 3; ++j) {
        student.layer<1>().weights()(u, j) = teacher.layer<1>().weights()(u, j);
      }
    }
    for (std::size_t i = 0; i < 6; ++i) {
      for (std::size_t k = 0; k < 6; ++k) {
        student.layer<2>().weights()(i, k) = i < 3 ? teacher.layer<2>().weights()(i, k) : 0.0;
      }
    }
    for (std::size_t k = 0; k < 6; ++k) {
      student.layer<2>().bias()[k] = teacher.layer<2>().bias()[k];
      for (std::size_t i = 0; i <= 6; ++i) {
        student.layer<3>().weights()(i, k) = teacher.layer<3>().weights()(i, k);
      }
    }
    for (std::size_t i = 0; i <= 6; ++i) {
      for (std::size_t c = 0; c < 2; ++c) {
        student.layer<4>().weights()(i, c) =
            teacher.layer<4>().weights()(i, c) + (seed % 2 == 0 ? 0.2 * random.normal() : 0.0);
      }
    }
    const auto x = draw_inputs<double>(gaussian_inputs{1}, 1000, 3, seed);
    proofs += check_true(teacher, student, x);
    for (std::size_t k = 0; k < 6; ++k) student.layer<1>().bias()[k] += 1e3;
    CHECK(check_true(teacher, student, x) == 0);
  }
  CHECK(proofs > 1000);
}

TEST_CASE("the true gap, the bound and the gradient: a student that is off by delta") {
  for (const double delta : {1e-1, 1e-3, 1e-6}) {
    any_mlp teacher({4, 2, 1}), student({4, 2, 1});
    for (std::size_t j = 0; j < 2; ++j) {
      teacher.layer<1>().weights()(j, j) = student.layer<1>().weights()(j, j) = 1;
      teacher.layer<2>().weights()(j, 0) = student.layer<2>().weights()(j, 0) = 1;
    }
    student.layer<1>().bias()[0] = delta;
    student.layer<1>().bias()[1] = delta;
    const auto x = draw_inputs<double>(gaussian_inputs{1}, 2000, 4, 1);
    for (const auto& c : local_certificates(teacher, student, x)) {
      CHECK(c.share() > 0.3);  // of the others no student is active
      for (const auto& p : c.proofs) {
        CHECK(p.h <= 4 * (p.l + delta));  // moves are sqrt 2 apart
        const double at[1] = {distance(student, c.teacher, x, p.sample)};
        CHECK(at[0] <= p.h * (1 + 1e-9));
      }
    }
  }
}

TEST_CASE("a trained pair: every teacher is proved at a real size") {
  mlp<double, relu, 20, 5, 10> teacher;
  mlp<double, relu, 20, 15, 10> student;
  construct_teacher(teacher, {.seed = 1}, constant_bias{-0.1});
  initialize(student, gaussian_start{0.05}, 1);
  const auto x = draw_inputs<double>(gaussian_inputs{1.5}, 10'000, 20, 1);
  const data_set data(x, outputs(teacher, x));
  train(student, with_replacement(data, {.batch = 16, .steps = 1000, .seed = 1}),
        mean_squared_error{}, sgd{.rate = 0.05}, {.epochs = 30U});
  CHECK(check_true(teacher, student, x) > 5 * 200);
  const auto weights = align_weights(teacher.layer<1>(), student.layer<1>());
  for (const auto& c : local_certificates(teacher, student, x)) {
    CHECK(c.samples == 256);
    CHECK(c.share() > 0.8);
    CHECK(c.width < 0.1);
    CHECK(c.quantile(0.5) < 0.05);
    // Above the true distance of the nearest boundary, and not by much.
    double excess = 0;
    for (const auto& p : c.proofs)
      excess += (p.h - p.distance) / static_cast<double>(c.proofs.size());
    CHECK(excess > 0);
    CHECK(excess < 0.02);
    // The student that covers most is one whose weights say so; copies on both sides share.
    REQUIRE(c.student());
    CHECK(c.share_of(*c.student()) > c.share() / 3);
    CHECK(weights.eps_coincident(c.teacher, *c.student(), 0.02));
  }
}

TEST_CASE("gradients known to within noise prove less, and nothing beyond the kink") {
  const auto s = make_split_student(6, 3, 2, 2, 3);
  const auto x = draw_inputs<double>(gaussian_inputs{1.5}, 2000, 6, 1);
  double before = 0;
  for (const double noise : {0.0, 1e-6, 1e-3}) {
    const auto c = local_certificates(s.teacher, s.student, x, {.noise = noise})[0];
    CHECK(c.holds());
    CHECK(c.quantile(0.5) >= before);
    before = c.quantile(0.5);
    for (const auto& p : c.proofs) {
      // c (h - l) > 4 noise, for the largest c there is.
      double largest = 0;
      for (std::size_t k = 0; k < s.student.widths()[1]; ++k) {
        double alpha = 0, norm = 0;
        for (std::size_t o = 0; o < 2; ++o) {
          alpha += s.student.layer<2>().weights()(k, o) * s.teacher.layer<2>().weights()(0, o);
        }
        for (std::size_t u = 0; u < 6; ++u)
          norm += std::pow(s.teacher.layer<1>().weights()(u, 0), 2);
        largest = std::max(largest, std::abs(alpha) * std::sqrt(norm));
      }
      CHECK(largest * (p.h - p.l) > 4 * noise);
    }
  }
  CHECK(before > 1e-3);
  CHECK(!local_certificates(s.teacher, s.student, x, {.noise = 1e6})[0].holds());
}

TEST_CASE("teachers with one boundary are in each other's way") {
  auto s = make_split_student(5, 3, 2, 2, 2);
  for (std::size_t u = 0; u <= 5; ++u) {
    s.teacher.layer<1>().weights()(u, 1) = -2 * s.teacher.layer<1>().weights()(u, 0);
  }
  const auto x = draw_inputs<double>(gaussian_inputs{1}, 2000, 5, 1);
  const auto certificates = local_certificates(s.teacher, s.student, x);
  CHECK(!certificates[0].holds());
  CHECK(!certificates[1].holds());
  check_true(s.teacher, s.student, x);
}

TEST_CASE("units do not matter, and float is as good") {
  const auto s = make_split_student(6, 3, 2, 2, 5);
  auto student = s.student;
  for (std::size_t k = 0; k < student.widths()[1]; ++k) student.layer<1>().bias()[k] += 1e-3;
  const auto x = draw_inputs<double>(gaussian_inputs{1.5}, 2000, 6, 1);
  const auto plain = local_certificates(s.teacher, student, x);
  for (const double scale : {0x1p-10, 0x1p10}) {
    for (const double out : {0x1p-10, 1.0, 0x1p10}) {
      auto scaled = x;
      for (double& v : scaled) v *= scale;
      const auto found = local_certificates(rescaled(s.teacher, scale, out),
                                            rescaled(student, scale, out), scaled);
      for (std::size_t j = 0; j < 3; ++j) {
        REQUIRE(found[j].proofs.size() == plain[j].proofs.size());
        CHECK(found[j].quantile(0.5) ==
              doctest::Approx(scale * plain[j].quantile(0.5)).epsilon(1e-9));
      }
    }
  }
  auto x_float = make_matrix<float>(2000, 6);
  for (std::size_t i = 0; i < 2000; ++i) {
    for (std::size_t u = 0; u < 6; ++u) x_float(i, u) = static_cast<float>(x(i, u));
  }
  const auto teacher_float = network_cast<float>(s.teacher),
             student_float = network_cast<float>(student);
  CHECK(check_true(teacher_float, student_float, x_float) > 100);
}

TEST_CASE("bad arguments, few samples and no boundary") {
  const auto s = make_split_student(3, 2, 1, 1, 1);
  const auto x = draw_inputs<double>(gaussian_inputs{1}, 5, 3, 1);
  const auto few = local_certificates(s.teacher, s.student, x);
  CHECK(few[0].samples == 5);
  CHECK(few[0].quantile(1) >= few[0].quantile(0));
  CHECK_THROWS_AS(static_cast<void>(few[0].quantile(1.5)), argument_error);
  CHECK(message_of<shape_error>([&] { static_cast<void>(few[0].share_of(5)); }) ==
        "share_of: node 5, expected one below 5");
  any_mlp silent({3, 2, 1});
  CHECK(local_certificates(silent, s.student, x)[0].samples == 0);
  CHECK(!local_certificates(silent, s.student, x)[0].holds());
  CHECK(message_of<argument_error>([&] {
          local_certificates(s.teacher, s.student, x, {.noise = -1});
        }) == "local_certificates: 256 samples, 32 moves, noise -1, expected at least 1, 1 and 0");
  CHECK_THROWS_AS(local_certificates(s.teacher, s.student, x, {.samples = 0}), argument_error);
  CHECK_THROWS_AS(local_certificates(s.teacher, s.student, x, {.moves = 0}), argument_error);
  CHECK_THROWS_AS(local_certificates(s.teacher, s.student, make_matrix<double>(0, 3)), shape_error);
  CHECK_THROWS_AS(local_certificates(s.teacher, s.student, make_matrix<double>(4, 2)), shape_error);
  CHECK_THROWS_AS(local_certificates(s.teacher, any_mlp({3, 2, 64}), x), shape_error);
  auto wrong = x;
  wrong(4, 0) = std::nan("");
  CHECK_THROWS_AS(local_certificates(s.teacher, s.student, wrong), argument_error);
  auto broken = s.student;
  broken.layer<2>().weights()(0, 0) = std::nan("");
  CHECK_THROWS_AS(local_certificates(s.teacher, broken, x), argument_error);
}
