// Expectations over data, judged by the means of every sample's matrices in plain loops.
#include <array>
#include <cmath>
#include <numbers>
#include <ratio>
#include <string>
#include <tutelage/gradient/expectations.hpp>
#include <vector>

#include "reference/expectations.hpp"
#include "support/network_case.hpp"
#include "support/network_of.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;
using namespace tutelage;

template <class R>
std::vector<const expectation<R>*> all(const layer_expectations<R>& e) {
  return {&e.A, &e.B, &e.gated_A, &e.gated_B, &e.zz_star, &e.zz, &e.ff_star, &e.ff};
}
constexpr std::array names{"A", "B", "gated_A", "gated_B", "zz_star", "zz", "ff_star", "ff"};

// The passes of a pair over all samples, and the same over absolute values.
template <class T>
struct wide_pair {
  using W = long double;
  reference::network<W> teacher, student;
  reference::pass<W> of_teacher, of_student;
  reference::network<W> teacher_gauge, student_gauge;
  reference::pass<W> of_teacher_gauge, of_student_gauge;
  bool gates_are_certain = true;

  [[gnu::noinline]] wide_pair(const reference::network<T>& t, const reference::network<T>& s,
                              const matrix<T>& x) {
    const auto side = [&](const reference::network<T>& net, auto& wide, auto& pass,
                          auto& wide_gauge, auto& pass_gauge) {
      for (const auto& l : net) {
        wide.push_back({widen(l.W), l.has_bias, static_cast<W>(l.slope)});
      }
      pass = reference::forward(wide, widen(x));
      const auto none = make_matrix<W>(x.shape(0), pass.f.back().shape(1));
      const auto gauges = reference::gauge(wide, pass, none);
      gates_are_certain = gates_are_certain && reference::gate_margin<T>(wide, pass, gauges) > 1;
      wide_gauge = reference::absolute(wide);
      pass_gauge = reference::absolute_pass(wide, pass);
    };
    side(t, teacher, of_teacher, teacher_gauge, of_teacher_gauge);
    side(s, student, of_student, student_gauge, of_student_gauge);
  }

  [[nodiscard]] auto means(std::size_t first, std::size_t count) const {
    return reference::mean_matrices(teacher, of_teacher, student, of_student, first, count);
  }
  [[nodiscard]] auto gauges(std::size_t first, std::size_t count) const {
    return reference::mean_matrices(teacher_gauge, of_teacher_gauge, student_gauge,
                                    of_student_gauge, first, count);
  }
};

constexpr double epsilons = 30;

// Judges result(l) for l >= lowest against N samples in blocks.
template <class T, class R>
[[gnu::noinline]] void judge(const std::vector<layer_expectations<R>>& results,
                             const wide_pair<T>& pair, std::size_t N, std::size_t block,
                             std::size_t lowest) {
  using W = long double;
  auto means = pair.means(0, N);
  auto gauges = pair.gauges(0, N);
  std::vector<std::vector<reference::rule_matrices<W>>> blocks;
  std::vector<std::size_t> sizes;
  for (std::size_t first = 0; first < N; first += block) {
    sizes.push_back(std::min(block, N - first));
    blocks.push_back(pair.means(first, sizes.back()));
  }
  for (std::size_t l = 0; l < results.size(); ++l) {
    CAPTURE(l);
    const auto found = all(results[l]);
    const auto mean = means[l].all();
    const auto gauge = gauges[l].all();
    for (std::size_t e = 0; e < found.size(); ++e) {
      CAPTURE(names[e]);
      const bool of_f = e >= 6;
      if (of_f ? l + 1 < lowest : l < lowest) {
        CHECK(found[e]->mean.size() == 0);
        continue;
      }
      CHECK(within<R, W>(matrix_view<const R>(found[e]->mean), *mean[e], *gauge[e],
                         epsilons * (sizeof(T) < sizeof(R) ? epsilon<T> / epsilon<R> : 1)));
      if (blocks.size() < 2) {
        for (const R error : found[e]->standard_error) CHECK(std::isinf(error));
        continue;
      }
      comparison errors;
      for (std::size_t i = 0; i < mean[e]->shape(0); ++i) {
        for (std::size_t j = 0; j < mean[e]->shape(1); ++j) {
          W variation = 0;
          for (std::size_t b = 0; b < blocks.size(); ++b) {
            const W deviation = (*blocks[b][l].all()[e])(i, j) - (*mean[e])(i, j);
            variation += static_cast<W>(sizes[b]) * deviation * deviation;
          }
          const W expected =
              std::sqrt(variation / static_cast<W>(blocks.size() - 1) / static_cast<W>(N));
          // What rounding can do to a block's mean, it can do to the deviations.
          W largest = 0;
          for (const W g : *gauge[e]) largest = std::max(largest, g);
          errors.add(static_cast<double>(std::abs(found[e]->standard_error(i, j) - expected)),
                     epsilons * static_cast<double>(epsilon<T> * largest),
                     detail::text("(", i, ", ", j, ")"),
                     static_cast<double>(found[e]->standard_error(i, j)),
                     static_cast<double>(expected));
        }
      }
      CHECK(errors);
    }
  }
}

template <class Teacher, class Student, class T = typename Student::value_type>
auto collect(const Teacher& teacher, const Student& student, const matrix<T>& x,
             const expectation_settings& settings) {
  expectation_accumulator collected(teacher, student, settings);
  collected.add(x);
  CHECK(collected.samples() == x.shape(0));
  std::vector<layer_expectations<accumulator_t<T>>> results;
  for (std::size_t l = 0; l < Student::depth; ++l) results.push_back(collected.result(l));
  return results;
}

// Two inputs: many samples share a pattern. The last sample of the last block is alone in it.
template <class Teacher, class Student>
void check_pair(const std::array<std::size_t, Teacher::depth + 1>& m,
                const std::array<std::size_t, Student::depth + 1>& n, std::uint64_t seed,
                double bias_shift = 0) {
  using T = typename Student::value_type;
  auto teacher = random_network<Teacher>(m, seed);
  auto student = random_network<Student>(n, seed + 1);
  const auto shift = [&](auto& layer, std::size_t) {
    for (T& b : layer.weights().row(layer.weights().rows() - 1)) b += static_cast<T>(bias_shift);
  };
  teacher.for_each_layer(shift);
  student.for_each_layer(shift);
  stream random = random_stream(seed + 2);
  const std::size_t N = 41;
  const auto x = random_matrix<T>(N, n.front(), random);
  const wide_pair<T> pair(reference::plain(teacher), reference::plain(student), x);
  REQUIRE(pair.gates_are_certain);
  for (const std::size_t block : {41U, 20U, 1U}) {
    for (const std::size_t chunk : {0U, 3U}) {
      judge(collect(teacher, student, x, {.block = block, .chunk = chunk}), pair, N, block, 1);
    }
  }
  for (std::size_t lowest = 2; lowest <= Student::depth; ++lowest) {
    judge(collect(teacher, student, x, {.lowest = lowest, .block = 20}), pair, N, 20, lowest);
  }
}

template <class T, class Gate = relu, class Bias = with_bias>
using any = dense<T, dynamic, dynamic, Gate, Bias>;

}  // namespace

TEST_CASE_TEMPLATE("means and sampling errors", T, float, double, long double) {
  using hidden = any<T>;
  using four = network<hidden, hidden, hidden, any<T, identity>>;
  check_pair<four, four>({2, 3, 4, 2, 3}, {2, 5, 3, 6, 3}, 10);
  check_pair<four, four>({2, 3, 4, 2, 64}, {2, 5, 3, 6, 64}, 10, -0.5);  // few open gates
}

TEST_CASE("other gates, without bias, of other depths") {
  using leaky = leaky_relu<std::ratio<1, 4>>;
  using linear = any<double, identity>;
  check_pair<network<linear>, network<linear>>({2, 3}, {2, 3}, 30);
  check_pair<network<any<double>, linear>, network<any<double>, linear>>({2, 3, 4}, {2, 6, 4}, 1);
  check_pair<
      network<any<double, leaky>, any<double, relu, no_bias>, any<double, identity, no_bias>>,
      network<any<double, relu, no_bias>, any<double, leaky>, linear>>({2, 1, 4, 5}, {2, 5, 3, 5},
                                                                       20);
  using half_leaky = network<any<double>, any<double, leaky>, any<double>, linear>;
  check_pair<half_leaky, half_leaky>({2, 3, 4, 2, 80}, {2, 8, 3, 9, 80}, 40, -0.7);
}

TEST_CASE("means as PyTorch has them") {
  const auto check = [](auto net, const std::string& name) {
    using Network = decltype(net);
    const oracle o(name);
    const auto found = collect(network_of<Network>(o, "teacher"), network_of<Network>(o, "student"),
                               o.matrix("/x"), {});
    const auto inner = [](const matrix<double>& m) {
      return matrix_view<const double>(m.data(), m.shape(0) - 1, m.shape(1) - 1, m.shape(1));
    };
    for (std::size_t l = 1; l < Network::depth; ++l) {
      CAPTURE(l);
      const std::string layer = "/layers/" + std::to_string(l - 1);
      const double tolerance = 64 * epsilon<double>;
      CHECK(close_to(inner(found[l].A.mean), matrix_view(o.matrix(layer + "/mean_A")), tolerance));
      CHECK(close_to(inner(found[l].B.mean), matrix_view(o.matrix(layer + "/mean_B")), tolerance));
      CHECK(close_to(inner(found[l].gated_A.mean), matrix_view(o.matrix(layer + "/mean_gated_A")),
                     tolerance));
    }
  };
  check(mlp<double, relu, dynamic, dynamic, dynamic>({1, 1, 1}), "mlp_relu_2layer");
  check(mlp<double, relu, dynamic, dynamic, dynamic, dynamic, dynamic>({1, 1, 1, 1, 1}),
        "mlp_relu_4layer");
  check(mlp<double, leaky_relu<std::ratio<1, 5>>, dynamic, dynamic, dynamic, dynamic>({1, 1, 1, 1}),
        "mlp_leaky_3layer");
}

// ---- Streaming
// -----------------------------------------------------------------------------------

namespace {

using three = mlp<double, relu, dynamic, dynamic, dynamic, dynamic>;

bool same_bits(const layer_expectations<double>& a, const layer_expectations<double>& b) {
  const auto left = all(a), right = all(b);
  for (std::size_t e = 0; e < left.size(); ++e) {
    if (left[e]->mean != right[e]->mean) return false;
    if (left[e]->standard_error != right[e]->standard_error) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("any number of threads and any pieces of whole blocks give the same bits") {
  const auto teacher = random_network<three>({4, 5, 6, 3}, 1);
  const auto student = random_network<three>({4, 9, 12, 3}, 2);
  stream random = random_stream(3);
  const auto x = random_matrix<double>(205, 4, random);
  const auto expected = collect(teacher, student, x, {.block = 20, .chunk = 7});
  for (const std::size_t threads : {2U, 3U, 16U, 0U}) {
    const auto found = collect(teacher, student, x, {.block = 20, .chunk = 7, .threads = threads});
    for (std::size_t l = 0; l < 3; ++l) CHECK(same_bits(found[l], expected[l]));
  }
  for (const std::size_t piece : {20U, 60U, 200U}) {
    expectation_accumulator collected(teacher, student,
                                      {.block = 20, .chunk = 7, .threads = 1 + piece / 60});
    for (std::size_t first = 0; first < 205; first += piece) {
      collected.add(matrix_view(x).middle_rows(first, std::min(piece, 205 - first)));
    }
    for (std::size_t l = 0; l < 3; ++l) CHECK(same_bits(collected.result(l), expected[l]));
  }
}

TEST_CASE("gates of Gaussian inputs are open together as their angle says") {
  using two = mlp<double, relu, dynamic, dynamic, dynamic>;
  auto teacher = random_network<two>({6, 3, 2}, 4), student = random_network<two>({6, 5, 2}, 5);
  for (two* net : {&teacher, &student}) {
    for (double& b : net->layer<1>().bias()) b = 0;
  }
  stream random = random_stream(6);
  const auto x = random_matrix<double>(20'000, 6, random);
  const auto found = collect(teacher, student, x, {})[1];
  for (std::size_t k = 0; k < 5; ++k) {
    CHECK(std::abs(found.zz.mean(k, 5) - 0.5) < 4 * found.zz.standard_error(k, 5));
    for (std::size_t j = 0; j < 3; ++j) {
      double product = 0, w = 0, w_star = 0;
      for (std::size_t i = 0; i < 6; ++i) {
        const double a = student.layer<1>().weights()(i, k), b = teacher.layer<1>().weights()(i, j);
        product += a * b;
        w += a * a;
        w_star += b * b;
      }
      const double angle = std::acos(product / std::sqrt(w * w_star));
      const double both = (std::numbers::pi - angle) / (2 * std::numbers::pi);
      const double error = found.zz_star.standard_error(k, j);
      CHECK(std::abs(found.zz_star.mean(k, j) - both) < 4 * error);
      // Of independent samples: sqrt(p (1-p) / N), estimated from 79 blocks to about 8%.
      CHECK(close_to(error, std::sqrt(both * (1 - both) / 20'000), 0.35 * error));
      CHECK(close_to(covariance(found.zz_star).mean(k, j), both - 0.25, 6 * error));
    }
  }
}

TEST_CASE("the sampling error of a covariance is its spread over data sets") {
  // Activations far from 0: the errors of E[ab] and of E[a] E[b] are many times their difference's.
  using two = mlp<double, relu, dynamic, dynamic, dynamic>;
  auto teacher = random_network<two>({3, 2, 2}, 20), student = random_network<two>({3, 3, 2}, 21);
  teacher.layer<1>().bias()[0] = 12;
  student.layer<1>().bias()[0] = 10;
  const std::size_t draws = 1000, N = 240;
  for (const std::size_t block : {1U, 24U}) {
    CAPTURE(block);
    std::array<std::vector<matrix<double>>, 4> means, errors;
    stream random = random_stream(22);
    for (std::size_t draw = 0; draw < draws; ++draw) {
      const auto x = random_matrix<double>(N, 3, random);
      expectation_accumulator collected(teacher, student, {.block = block});
      collected.add(x);
      const auto found = collected.result(1);
      const std::array covariances{covariance(found.zz_star), covariance(found.zz),
                                   covariance(found.ff_star), covariance(found.ff)};
      for (std::size_t e = 0; e < 4; ++e) {
        means[e].push_back(covariances[e].mean);
        errors[e].push_back(covariances[e].standard_error);
      }
    }
    for (std::size_t e = 0; e < 4; ++e) {
      CAPTURE(e);
      for (std::size_t k = 0; k < means[e][0].shape(0); ++k) {
        for (std::size_t j = 0; j < means[e][0].shape(1); ++j) {
          CAPTURE(k);
          CAPTURE(j);
          double mean = 0, variance = 0, said = 0;
          for (const auto& m : means[e]) mean += m(k, j) / static_cast<double>(draws);
          for (const auto& m : means[e]) variance += std::pow(m(k, j) - mean, 2) / (draws - 1.0);
          for (const auto& s : errors[e]) said += s(k, j) * s(k, j) / static_cast<double>(draws);
          // A variance of n draws is known to sqrt(2/n), 4 times that; what is not of first order
          // is one part in a block's samples or in the number of blocks.
          CHECK(close_to(said, variance, (4 * std::sqrt(2.0 / draws) + 0.1) * variance));
        }
      }
    }
  }
}

TEST_CASE("a covariance's error: of constants none, of one block unknown") {
  using two = mlp<double, relu, dynamic, dynamic, dynamic>;
  auto net = random_network<two>({3, 4, 2}, 23);
  for (std::size_t i = 0; i < 3; ++i) net.layer<1>().weights()(i, 0) = 0;
  net.layer<1>().bias()[0] = 1e6;
  stream random = random_stream(24);
  const auto x = random_matrix<double>(60, 3, random);
  const auto found = covariance(collect(net, net, x, {.block = 20})[1].ff);
  // Rounding moves E[ab] and E[a] E[b]; nothing else does.
  CHECK(std::abs(found.mean(0, 0)) <= 64 * epsilon<double> * 1e12);
  CHECK(found.standard_error(0, 0) <= 64 * epsilon<double> * 1e12);
  CHECK(found.standard_error(1, 1) > 0.01 * found.mean(1, 1));
  for (const double error : covariance(collect(net, net, x, {})[1].ff).standard_error) {
    CHECK(std::isinf(error));
  }
}

TEST_CASE("what does not fit") {
  const auto teacher = random_network<three>({3, 4, 5, 2}, 13);
  const auto other = random_network<three>({4, 4, 5, 3}, 14);
  using accumulator = expectation_accumulator<three, three>;
  CHECK(message_of<shape_error>([&] { accumulator(teacher, other); }) ==
        "expectations: the teacher maps 3 to 2 numbers, the student 4 to 3");
  CHECK(message_of<argument_error>([&] { accumulator(teacher, teacher, {.lowest = 0}); }) ==
        "expectations: lowest layer 0, expected 1 to 3");
  CHECK(message_of<argument_error>([&] { accumulator(teacher, teacher, {.lowest = 4}); }) ==
        "expectations: lowest layer 4, expected 1 to 3");
  CHECK(message_of<argument_error>([&] { accumulator(teacher, teacher, {.block = 0}); }) ==
        "expectations: block is 0, expected at least 1");
  accumulator collected(teacher, teacher);
  CHECK(message_of<shape_error>([&] { collected.add(make_matrix<double>(5, 2)); }) ==
        "expectations: x is (5x2), expected (5x3)");
  collected.add(make_matrix<double>(0, 3));
  CHECK(message_of<argument_error>([&] { return collected.result(1); }) ==
        "expectations: no samples, expected at least 1");
  auto x = make_matrix<double>(300, 3);
  x(299, 2) = -std::numeric_limits<double>::infinity();
  CHECK(message_of<argument_error>([&] { collected.add(x); }) ==
        "expectations: x has -inf at row 299, column 2, expected finite numbers");
  CHECK_THROWS_AS((void)collected.result(1), argument_error);
  collected.add(make_matrix<double>(2, 3));
  CHECK(message_of<shape_error>([&] { return collected.result(3); }) ==
        "expectations: layer 3, expected 0 to 2");
}
