// Pairs that are made to break the certificates of this folder: what holds must be true. Students that
// are their teacher, nearly, all but for a node, or by rounding only; dead and constant nodes, other
// gates, weights and inputs of any size, samples on boundaries, alike, and alone.
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include <tutelage/analysis/recovery/local_certificate.hpp>
#include <tutelage/analysis/recovery/noisy_pruning.hpp>
#include <tutelage/analysis/recovery/recovery_bounds.hpp>
#include <tutelage/analysis/recovery/witnesses.hpp>
#include <tutelage/data/student.hpp>

#include "support/close_to.hpp"
#include "support/random.hpp"

namespace {

using namespace test;
using half = leaky_relu<std::ratio<1, 2>>;
template <class Gate>
using two = mlp<double, Gate, dynamic, dynamic, dynamic>;
template <class Gate>
using three = mlp<double, Gate, dynamic, dynamic, dynamic, dynamic>;

struct counts {
  std::size_t proofs = 0, bounds = 0, witnesses = 0, certificates = 0, wrong = 0;
};

// Multiplies the lowest nodes and divides their fan-outs.
template <class Network>
void resize(Network& net, double factor) {
  const auto W = net.template layer<1>().weights();
  const auto V = net.template layer<2>().linear_weights();
  for (std::size_t i = 0; i < W.rows(); ++i) {
    for (double& w : W.row(i)) w *= factor;
  }
  for (std::size_t k = 0; k < V.rows(); ++k) {
    for (double& v : V.row(k)) v /= factor;
  }
}

template <class Teacher, class Student>
struct attack {
  Teacher teacher;
  Student student;
  matrix<double> x;

  attack(const std::array<std::size_t, Teacher::depth + 1>& m,
         const std::array<std::size_t, Teacher::depth + 1>& n, stream& random)
      : teacher(m), student(n) {
    randomize(teacher, random);
    for (double& b : teacher.template layer<1>().bias()) b *= 2;
    const std::uint64_t kind = random.below(6);
    if (kind == 0) {
      randomize(student, random);
    } else {
      const double noise = kind == 1 ? std::pow(10.0, -1 - 10 * random.uniform()) : 0;
      initialize(student, near_start{teacher, noise}, random.below(1000000));
    }
    const auto W = student.template layer<1>().weights();
    const auto V = student.template layer<2>().weights();
    const std::size_t d = student.in_width(), k = random.below(W.cols());
    if (kind == 2) {  // a node that is lost
      for (std::size_t i = 0; i <= d; ++i) W(i, k) = random.normal();
    } else if (kind == 3) {  // a boundary that is far, the function the same but for rounding
      const double far = std::pow(10.0, 18 * random.uniform());
      W(d, k) += far;
      for (std::size_t c = 0; c < V.cols(); ++c) V(V.rows() - 1, c) -= far * V(k, c);
    } else if (kind == 4) {  // a dead teacher, a constant one, or two on one boundary
      const auto W_star = teacher.template layer<1>().weights();
      const std::size_t j = random.below(W_star.cols()), other = random.below(3);
      for (std::size_t i = 0; i <= d; ++i) {
        W_star(i, j) = other == 0 ? 0 : other == 1 ? (i < d ? 0 : 1) : -2 * W_star(i, 0);
      }
    }
    const std::array<double, 6> sizes{1, 1, 1e-3, 1e3, 1e-150, 1e150};
    resize(teacher, sizes[random.below(6)]);
    resize(student, sizes[random.below(6)]);

    const std::size_t N = random.below(5) == 0 ? 1 : 40;
    x = random_matrix<double>(N, d, random);
    const double size = std::array{1.0, 1.0, 1e-3, 1e3}[random.below(4)];
    for (double& value : x) value *= size;
    const auto w = make_regular(teacher.template layer<1>());
    for (std::size_t i = 0; i < N; i += 2) {  // on boundaries and next to them
      const std::size_t j = random.below(w.nodes());
      if (!w.has_boundary(j)) continue;
      double distance = w.bias[j];
      for (std::size_t u = 0; u < d; ++u) distance += w.directions(j, u) * x(i, u);
      const double rest = i % 4 == 0 ? 0 : std::pow(10.0, -9 * random.uniform()) * random.normal();
      for (std::size_t u = 0; u < d; ++u) x(i, u) -= (distance - rest) * w.directions(j, u);
    }
    if (random.below(4) == 0) {
      for (std::size_t i = 1; i < N / 2; ++i) {
        for (std::size_t u = 0; u < d; ++u) x(i, u) = x(0, u);
      }
    }
  }

  // A proof names a sample whose line to the teacher's boundary a student's boundary crosses.
  void local(counts& seen) const {
    const auto w_star = make_regular(teacher.template layer<1>());
    const auto w = make_regular(student.template layer<1>());
    for (const auto& c : local_certificates(teacher, student, x, {.samples = 16, .moves = 12})) {
      for (const auto& p : c.proofs) {
        ++seen.proofs;
        bool crossed = false;
        for (std::size_t k = 0; k < w.nodes(); ++k) {
          if (!w.has_boundary(k) || student.template layer<1>().gate().slope() == 1) continue;
          long double distance = w.bias[k], cosine = 0, size = std::abs(w.bias[k]);
          for (std::size_t u = 0; u < x.shape(1); ++u) {
            const long double n = w.directions(k, u);
            distance += n * static_cast<long double>(x(p.sample, u));
            cosine += n * static_cast<long double>(w_star.directions(c.teacher, u));
            size += std::abs(static_cast<long double>(x(p.sample, u)));
          }
          crossed = crossed || std::abs(distance) <=
                                   std::abs(cosine) * static_cast<long double>(p.h) + 1e-15L * size;
        }
        seen.wrong += !crossed || !std::isfinite(p.distance);
      }
    }
  }

  void kinks(counts& seen) const {
    for (const double tolerance : {0.0, 1e-9, 0.05}) {
      const auto groups =
          colinear_groups(teacher.template layer<1>(), student.template layer<1>(), tolerance);
      for (const auto& b : bound_kinks(teacher, student, groups, x, {.samples = 8})) {
        seen.wrong += std::isnan(b.bound) || std::isnan(b.kink) || std::isnan(b.gauge);
        if (!b.holds()) continue;
        ++seen.bounds;
        seen.wrong += b.kink > b.bound * (1 + 1e-9) + 1e-14 * b.gauge;
      }
    }
  }

  void apart(counts& seen) const {
    const auto a = align_weights(teacher.template layer<1>(), student.template layer<1>());
    for (const double clearance : {2.0, 1.0001}) {
      for (const auto& w : find_witnesses(teacher, student, x, clearance)) {
        if (!w) continue;
        ++seen.witnesses;
        seen.wrong +=
            !(w->second_difference >= w->least - w->rounding) || !(w->least > w->rounding);
        for (std::size_t k = 0; k < student.widths()[1]; ++k) {
          seen.wrong += a.eps_coincident(w->teacher, k, w->apart * (1 - 1e-9) - 1e-14);
        }
      }
    }
  }

  // On a line every eta and mu are right; samples are put into one band.
  void certified(counts& seen, stream& random) const {
    if (x.shape(1) != 1) return;
    const auto w = make_regular(teacher.template layer<1>());
    const std::size_t j = random.below(w.nodes());
    if (!w.has_boundary(j)) return;
    const double width = std::pow(10.0, -1 - 14 * random.uniform());
    auto band = make_matrix<double>(200, 1);
    for (double& at : band) at = (width * random.normal() - w.bias[j]) * w.directions(j, 0);
    const double eps = width * std::pow(10.0, 2 * random.uniform());
    for (const auto& t :
         certify(aware_moves{}, known_condition{1e-9, 1e-9}, teacher, student, band, eps)) {
      seen.wrong +=
          std::isnan(t.gradient) || std::isnan(t.allowed_gradient) || std::isnan(t.smallest_eps);
      seen.certificates += t.outcome == verdict::holds;
      const double slack = 64 * epsilon_of_double * (1 + std::abs(w.bias[t.teacher]));
      if (t.outcome == verdict::holds) seen.wrong += !(t.student_gap <= t.eps + slack);
      if (std::isfinite(t.smallest_eps)) seen.wrong += !(t.student_gap <= t.smallest_eps + slack);
      if (t.outcome == verdict::holds) seen.wrong += !(t.smallest_eps <= 1.06 * t.eps);
    }
  }

  static constexpr double epsilon_of_double = std::numeric_limits<double>::epsilon();
};

template <class Teacher, class Student>
counts attack_two(std::uint64_t seed, int rounds) {
  counts seen;
  stream random = random_stream(seed);
  for (int round = 0; round < rounds; ++round) {
    const std::size_t d = 1 + random.below(3), m = 1 + random.below(3), C = 1 + random.below(3);
    const attack<Teacher, Student> pair({d, m, C}, {d, m + random.below(4), C}, random);
    pair.local(seen);
    pair.kinks(seen);
    pair.apart(seen);
    pair.certified(seen, random);
  }
  return seen;
}

}  // namespace

TEST_CASE("two layers: nothing false holds") {
  const counts relu_pairs = attack_two<two<relu>, two<relu>>(1, 40);
  CHECK(relu_pairs.wrong == 0);
  CHECK(relu_pairs.proofs > 50);
  CHECK(relu_pairs.bounds > 50);
  CHECK(relu_pairs.witnesses > 10);
  CHECK(relu_pairs.certificates > 0);
  const counts mixed = attack_two<two<half>, two<relu>>(2, 20);
  CHECK(mixed.wrong == 0);
  CHECK(mixed.proofs > 10);
  CHECK(attack_two<two<relu>, two<identity>>(3, 10).wrong == 0);
}

TEST_CASE("three layers: nothing false holds") {
  counts seen;
  stream random = random_stream(4);
  for (int round = 0; round < 14; ++round) {
    const std::size_t d = 1 + random.below(2), m = 1 + random.below(2), C = 1 + random.below(2);
    const attack<three<relu>, three<relu>> pair(
        {d, m, 1 + random.below(2), C}, {d, m + random.below(3), 2 + random.below(2), C}, random);
    pair.local(seen);
    pair.certified(seen, random);
  }
  CHECK(seen.wrong == 0);
  CHECK(seen.proofs > 5);
}
