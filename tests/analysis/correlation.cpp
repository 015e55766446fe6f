#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <tutelage/analysis/correlation.hpp>

#include "reference/correlation.hpp"
#include "support/close_to.hpp"
#include "support/framed.hpp"
#include "support/oracle.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

// Samples of both sides.
template <class T>
struct sample_set {
  matrix<T> teacher, student;  // [N, m], [N, n]
};

// Activations of ReLU nodes of different strength, around a mean.
template <class T>
sample_set<T> random_samples(std::size_t N, std::size_t m, std::size_t n, double mean,
                             std::uint64_t seed) {
  stream random = random_stream(seed);
  sample_set<T> s{make_matrix<T>(N, m), make_matrix<T>(N, n)};
  std::vector<double> common(N);
  for (double& x : common) x = random.normal();
  const auto fill = [&](matrix<T>& f) {
    for (std::size_t i = 0; i < N; ++i) {
      for (std::size_t k = 0; k < f.shape(1); ++k) {
        const auto strength = static_cast<double>(k + 1);
        const double a = (k % 2 == 0 ? 1 : -1) * common[i] + strength * random.normal();
        f(i, k) = static_cast<T>(mean + std::max(a, k % 3 == 0 ? 0.0 : -10.0));
      }
    }
  };
  fill(s.teacher);
  fill(s.student);
  return s;
}

// Adds rows in pieces of these sizes, again and again until all are added.
template <class T>
correlations collect(const sample_set<T>& s, const std::vector<std::size_t>& pieces) {
  correlation_accumulator<T> collected(s.teacher.shape(1), s.student.shape(1));
  framed<T> teacher(s.teacher, 3, not_a_number<T>), student(s.student, 1, not_a_number<T>);
  const std::size_t N = s.teacher.shape(0);
  for (std::size_t first = 0, p = 0; first < N; ++p) {
    const std::size_t count = std::min(pieces[p % pieces.size()], N - first);
    collected.add(teacher.view().middle_rows(first, count),
                  student.view().middle_rows(first, count));
    first += count;
  }
  return collected.result();
}

// Products of a piece round once a sample, in T. Means round once a sample and once a piece, in
// what T is summed in; an error of a mean is relative to the deviations.
template <class T>
void check_against(const correlations& c, const reference::correlations& expected,
                   std::size_t largest_piece, std::size_t pieces) {
  using A = accumulator_t<T>;
  const double twice = sizeof(T) == sizeof(long double) ? 2 : 1;  // the reference rounds as well
  const double of_products = static_cast<double>(epsilon<T>) * static_cast<double>(largest_piece);
  const double of_means =
      static_cast<double>(epsilon<A>) * static_cast<double>(largest_piece + pieces + 8);
  comparison rho, cosine;
  for (std::size_t j = 0; j < c.rho.shape(0); ++j) {
    for (std::size_t k = 0; k < c.rho.shape(1); ++k) {
      const std::string place = detail::text("(", j, ", ", k, ")");
      const auto spread = static_cast<double>(expected.spread(j, k));
      rho.add(static_cast<double>(std::abs(c.rho(j, k) - expected.rho(j, k))),
              twice * (of_products + of_means * (1 + spread) + epsilon<double>), place, c.rho(j, k),
              static_cast<double>(expected.rho(j, k)));
      cosine.add(static_cast<double>(std::abs(c.cosine(j, k) - expected.cosine(j, k))),
                 twice * (of_products + 2 * of_means + epsilon<double>), place, c.cosine(j, k),
                 static_cast<double>(expected.cosine(j, k)));
      CHECK(std::abs(c.rho(j, k)) <= 1);
      CHECK(std::abs(c.cosine(j, k)) <= 1);
    }
  }
  CHECK(rho);
  CHECK(cosine);
}

}  // namespace

TEST_CASE("correlations as PyTorch has them") {
  const oracle o("correlation");
  const sample_set<double> s{o.matrix("/teacher"), o.matrix("/student")};
  const auto rho = o.matrix("/rho"), cosine = o.matrix("/cosine");
  for (const std::size_t piece : {40U, 7U, 1U}) {
    const auto c = collect(s, {piece});
    CHECK(c.samples == 40);
    CHECK(close_to(c.rho, rho, 40 * epsilon<double>));
    CHECK(close_to(c.cosine, cosine, 40 * epsilon<double>));
    // The dead student and the constant teacher correlate with nothing.
    CHECK(c.student_states[0] == node_state::dead);
    CHECK(c.student_states[1] == node_state::active);
    CHECK(c.teacher_states[3] == node_state::constant);
    CHECK(c.teacher_states[0] == node_state::active);
    for (std::size_t j = 0; j < 4; ++j) CHECK(c.rho(j, 0) == 0);
    for (std::size_t k = 0; k < 6; ++k) CHECK(c.rho(3, k) == 0);
  }
}

TEST_CASE_TEMPLATE("any pieces of the samples give what two passes give", T, float, double,
                   long double) {
  for (const std::size_t N : {2U, 3U, 255U, 256U, 257U, 1000U}) {
    const auto s = random_samples<T>(N, 3, 5, 0, N);
    const auto expected = reference::correlate(s.teacher, s.student);
    check_against<T>(collect(s, {N}), expected, N, 1);
    check_against<T>(collect(s, {256}), expected, 256, 4);
    check_against<T>(collect(s, {1}), expected, 1, N);
    check_against<T>(collect(s, {1, N}), expected, N, 2);
    check_against<T>(collect(s, {N - 1, 1}), expected, N, 2);
    check_against<T>(collect(s, {7, 1, 31, 2, 255}), expected, 255, N / 59 + 5);
  }
}

TEST_CASE_TEMPLATE("large means cost no more digits than the samples have lost", T, double,
                   long double) {
  // Samples near 1e8 resolve deviations of 1 to 1e8 epsilon. Sums of squares would leave 1e16
  // epsilon, in double nothing at all.
  const auto s = random_samples<T>(1000, 3, 4, 1e8, 2);
  const auto expected = reference::correlate(s.teacher, s.student);
  for (const std::size_t piece : {1000U, 256U, 100U, 1U}) {
    check_against<T>(collect(s, {piece}), expected, piece, 1000 / piece);
  }
}

TEST_CASE("float is summed in double") {
  // Samples near 10^4, deviations of 1: sums of float would leave errors of 10^4 epsilon.
  const auto s = random_samples<float>(1000, 3, 4, 1e4, 3);
  const auto expected = reference::correlate(s.teacher, s.student);
  for (const std::size_t piece : {1000U, 256U, 16U, 1U}) {
    const auto c = collect(s, {piece});
    check_against<float>(c, expected, piece, 1000 / piece);
    // The bound above grows with the pieces; what is seen does not.
    CHECK(close_to(c.rho(1, 1), static_cast<double>(expected.rho(1, 1)), 16 * epsilon<float>));
  }
}

TEST_CASE_TEMPLATE("a node and its copies", T, float, double, long double) {
  auto s = random_samples<T>(300, 1, 4, 0.5, 4);
  for (std::size_t i = 0; i < 300; ++i) {
    const T t = s.teacher(i, 0);
    s.student(i, 0) = t;
    s.student(i, 1) = 4 * t;
    s.student(i, 2) = -t;
    s.student(i, 3) = 4 * t + 2;
  }
  const auto c = collect(s, {100});
  const double unit = 100 * static_cast<double>(epsilon<T>);
  CHECK(close_to(c.rho(0, 0), 1, unit));
  CHECK(close_to(c.rho(0, 1), 1, unit));
  CHECK(close_to(c.rho(0, 2), -1, unit));
  CHECK(close_to(c.rho(0, 3), 1, unit));
  CHECK(close_to(c.cosine(0, 0), 1, unit));
  CHECK(close_to(c.cosine(0, 1), 1, unit));
  CHECK(close_to(c.cosine(0, 2), -1, unit));
  CHECK(c.cosine(0, 3) < 0.999);
  CHECK(c.rho(0, 0) == c.rho(0, 1));  // powers of two change no bit
  CHECK(c.rho(0, 0) == -c.rho(0, 2));
}

TEST_CASE_TEMPLATE("dead and constant nodes correlate exactly 0", T, float, double, long double) {
  // 0.1 and its sums are rounded, the mean of equal ones is not.
  for (const std::size_t N : {2U, 3U, 7U, 257U}) {
    auto s = random_samples<T>(N, 4, 4, 0, 5);
    for (std::size_t i = 0; i < N; ++i) {
      for (matrix<T>* f : {&s.teacher, &s.student}) {
        (*f)(i, 0) = i % 2 == 0 ? T(0) : -T(0);
        (*f)(i, 1) = T(0.1);
        (*f)(i, 2) = -T(1e10) / 3;
      }
    }
    for (const std::size_t piece : {N, std::size_t{1}, std::size_t{2}, std::size_t{100}}) {
      const auto c = collect(s, {piece});
      CHECK(c.samples == N);
      for (const auto& states : {c.teacher_states, c.student_states}) {
        REQUIRE(states.size() == 4);
        CHECK(states[0] == node_state::dead);
        CHECK(states[1] == node_state::constant);
        CHECK(states[2] == node_state::constant);
        CHECK(states[3] == node_state::active);
      }
      for (std::size_t j = 0; j < 4; ++j) {
        for (std::size_t k = 0; k < 4; ++k) {
          if (j < 3 || k < 3) CHECK(c.rho(j, k) == 0);
          if (j == 0 || k == 0) CHECK(c.cosine(j, k) == 0);
        }
      }
      const double unit = 8 * static_cast<double>(epsilon<T>);
      CHECK(close_to(c.cosine(1, 1), 1, unit));
      CHECK(close_to(c.cosine(1, 2), -1, unit));
      CHECK(close_to(c.cosine(2, 2), 1, unit));
      check_against<T>(c, reference::correlate(s.teacher, s.student), N, N);
    }
  }
}

TEST_CASE_TEMPLATE("nodes that begin to change late, or change once", T, float, double,
                   long double) {
  const std::size_t N = 600;
  for (const std::size_t when : {1U, 255U, 256U, 257U, 511U, 512U, 599U}) {
    for (const double before : {0.0, 0.1, 1000.0}) {
      auto s = random_samples<T>(N, 3, 3, 0, 6);
      for (std::size_t i = 0; i < N; ++i) {
        if (i < when) s.teacher(i, 0) = s.student(i, 0) = s.student(i, 1) = static_cast<T>(before);
        if (i != when) s.teacher(i, 1) = static_cast<T>(before);
      }
      const auto expected = reference::correlate(s.teacher, s.student);
      for (const std::size_t piece : {600U, 256U, 17U, 1U}) {
        const auto c = collect(s, {piece});
        CHECK(c.teacher_states[0] == node_state::active);
        CHECK(c.teacher_states[1] == node_state::active);
        CHECK(c.student_states[1] == node_state::active);
        check_against<T>(c, expected, piece, N / piece + 1);
      }
    }
  }
}

TEST_CASE("results in between") {
  const auto s = random_samples<double>(300, 2, 3, 1, 7);
  correlation_accumulator<double> collected(2, 3);
  const matrix_view<const double> teacher(s.teacher), student(s.student);
  collected.add(teacher.middle_rows(0, 100), student.middle_rows(0, 100));
  const auto first = collected.result();
  CHECK(first.samples == 100);
  collected.add(teacher.middle_rows(100, 0), student.middle_rows(100, 0));
  CHECK(collected.result().rho == first.rho);
  CHECK(collected.result().samples == 100);
  auto copy = collected;
  collected.add(teacher.middle_rows(100, 200), student.middle_rows(100, 200));
  CHECK(collected.result().samples == 300);
  CHECK(collected.result().rho == collect(s, {100, 200}).rho);
  CHECK(copy.result().rho == first.rho);
  copy.add(teacher.middle_rows(100, 200), student.middle_rows(100, 200));
  CHECK(copy.result().rho == collected.result().rho);
}

TEST_CASE("what does not fit, and no samples") {
  correlation_accumulator<double> collected(2, 3);
  const auto refused = [&](std::size_t rows_1, std::size_t cols_1, std::size_t rows_2,
                           std::size_t cols_2) {
    const auto f_star = make_matrix<double>(rows_1, cols_1),
               f = make_matrix<double>(rows_2, cols_2);
    return message_of<shape_error>([&] { collected.add(f_star, f); });
  };
  CHECK(refused(5, 3, 5, 3) == "correlation: teacher activations is (5x3), expected (5x2)");
  CHECK(refused(5, 2, 5, 2) == "correlation: student activations is (5x2), expected (5x3)");
  CHECK(refused(5, 2, 4, 3) == "correlation: student activations is (4x3), expected (5x3)");
  CHECK(refused(0, 1, 0, 3) == "correlation: teacher activations is (0x1), expected (0x2)");
  const std::string none = "correlation: samples seen: 0, expected at least 2";
  CHECK(message_of<argument_error>([&] { return collected.result(); }) == none);
  collected.add(make_matrix<double>(0, 2), make_matrix<double>(0, 3));
  CHECK(message_of<argument_error>([&] { return collected.result(); }) == none);
  // One sample says nothing of how nodes vary together.
  collected.add(make_matrix<double>(1, 2), make_matrix<double>(1, 3));
  CHECK(message_of<argument_error>([&] { return collected.result(); }) ==
        "correlation: samples seen: 1, expected at least 2");
  collected.add(make_matrix<double>(1, 2), make_matrix<double>(1, 3));
  CHECK(collected.result().samples == 2);
  const auto taken = std::move(collected);
  CHECK(taken.result().samples == 2);
  CHECK(message_of<argument_error>([&] { return collected.result(); }) == none);
  CHECK(message_of<shape_error>([&] {
          collected.add(make_matrix<double>(1, 2), make_matrix<double>(1, 3));
        }) == "correlation: teacher activations is (1x2), expected (1x0)");
  CHECK(message_of<shape_error>([] { correlation_accumulator<double>(0, 3); }) ==
        "correlation: (0x3) nodes, expected at least 1 each");
}

TEST_CASE_TEMPLATE("activations that are not finite are named", T, float, double, long double) {
  using limits = std::numeric_limits<T>;
  for (const T wrong : {limits::quiet_NaN(), limits::infinity(), -limits::infinity()}) {
    for (const std::size_t row : {0U, 1U, 255U, 256U, 299U}) {
      for (const std::size_t piece : {300U, 256U, 1U}) {
        const auto message = [&](const sample_set<T>& s) {
          return message_of<argument_error>([&] { collect(s, {piece}); });
        };
        auto s = random_samples<T>(300, 2, 3, 0, 8);
        s.student(row, 2) = wrong;
        CHECK(message(s) == "correlation: an activation of student node 2 is not finite");
        s.student(row, 1) = wrong;
        CHECK(message(s) == "correlation: an activation of student node 1 is not finite");
        s.teacher(row, 1) = wrong;
        CHECK(message(s) == "correlation: an activation of teacher node 1 is not finite");
      }
    }
    // Also one that never changes.
    auto s = random_samples<T>(3, 1, 1, 0, 9);
    for (std::size_t i = 0; i < 3; ++i) s.teacher(i, 0) = wrong;
    CHECK(message_of<argument_error>([&] { collect(s, {2}); }) ==
          "correlation: an activation of teacher node 0 is not finite");
  }
}
