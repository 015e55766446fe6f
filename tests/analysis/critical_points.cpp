#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <tutelage/analysis/critical_points.hpp>
#include <tutelage/data/teacher.hpp>

#include "support/network_case.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

constexpr double infinity = std::numeric_limits<double>::infinity();

// Every batch of B of the N numbers u, by the bits of a counter: the largest |mean|.
double largest_mean(const std::vector<double>& u, std::size_t B) {
  double largest = 0;
  for (std::size_t subset = 0; subset < (std::size_t{1} << u.size()); ++subset) {
    double sum = 0;
    std::size_t count = 0;
    for (std::size_t i = 0; i < u.size(); ++i) {
      if ((subset >> i & 1) == 0) continue;
      sum += u[i];
      ++count;
    }
    if (count == B) largest = std::max(largest, std::abs(sum) / static_cast<double>(B));
  }
  return largest;
}

double largest(const std::vector<double>& u) {
  double result = 0;
  for (const double x : u) result = std::max(result, std::abs(x));
  return result;
}

// A student, and a teacher of other widths with its outputs.
template <class Network>
struct problem {
  using T = typename Network::value_type;
  using teacher_type = mlp<T, relu, dynamic, dynamic, dynamic>;

  Network student;
  teacher_type teacher;
  matrix<T> x, y;

  problem(std::size_t N, std::uint64_t seed)
      : teacher({student.in_width(), 4, student.out_width()}) {
    stream random = random_stream(seed);
    randomize(student, random);
    randomize(teacher, random);
    x = random_matrix<T>(N, student.in_width(), random);
    y = teacher(x);
  }

  [[nodiscard]] auto measure() const { return measure_gradients(teacher, student, x); }
};

}  // namespace

TEST_CASE_TEMPLATE("maxima of every layer and node, as backpropagation gives them", T, float,
                   double, long double) {
  using net = mlp<T, leaky_relu<>, 6, 9, 5, 3>;
  const std::size_t N = 300;  // more than a chunk
  const problem<net> p(N, 1);
  const auto found = p.measure();
  double overall = 0;
  const auto passes = run_passes(p.student, p.x, p.y);
  for (std::size_t l = 1; l <= 3; ++l) {
    const auto& g = passes.g[l - 1];
    const auto& below = l == 1 ? p.x : passes.f[l - 2];
    std::vector<double> samples(N), nodes(g.shape(1));
    double batch = 0;
    for (std::size_t i = 0; i < N; ++i) {
      double input = 1;
      for (std::size_t u = 0; u < below.shape(1); ++u) {
        input = std::max(input, static_cast<double>(std::abs(below(i, u))));
      }
      for (std::size_t k = 0; k < g.shape(1); ++k) {
        const auto size = static_cast<double>(std::abs(g(i, k)));
        samples[i] = std::max(samples[i], size);
        nodes[k] = std::max(nodes[k], size);
      }
      batch = std::max(batch, samples[i] * input);
    }
    // Chunks of another size round differently.
    const double unit = 64 * static_cast<double>(epsilon<T>) + 64 * epsilon<double>;
    const auto& layer = found.layer(l);
    CHECK(close_to(layer.max(), largest(samples), unit * largest(samples)));
    CHECK(close_to(layer.batch_max(), batch, unit * batch));
    for (std::size_t k = 0; k < nodes.size(); ++k) {
      CHECK(close_to(layer.node_max()[k], nodes[k], unit * layer.max()));
    }
    std::sort(samples.begin(), samples.end());
    for (const double q : {0.0, 0.01, 0.5, 0.9, 0.99}) {
      const auto rank = static_cast<std::size_t>(std::ceil(q * static_cast<double>(N)));
      CHECK(close_to(layer.quantile(q), samples[std::max<std::size_t>(rank, 1) - 1],
                     unit * layer.max()));
    }
    CHECK(layer.quantile(1) == layer.max());
    overall = std::max(overall, layer.max());
  }
  CHECK(found.eps_critical(overall));
  CHECK(!found.eps_critical(overall * (1 - epsilon<double>)));
}

TEST_CASE("quantiles of few samples") {
  layer_gradients g(1, 1);
  auto values = make_matrix<double>(4, 1);
  const auto inputs = make_matrix<double>(4, 1);
  for (std::size_t i = 0; i < 4; ++i)
    values(i, 0) = static_cast<double>((i * 3) % 4) - 2;  // -2 1 0 -1
  g.add<double>(values, inputs, true);
  CHECK(g.quantile(0) == 0);
  CHECK(g.quantile(0.25) == 0);
  CHECK(g.quantile(0.26) == 1);
  CHECK(g.quantile(0.75) == 1);
  CHECK(g.quantile(0.76) == 2);
  CHECK(g.quantile(1) == 2);
  for (const double q : {-0.1, 1.1, std::numeric_limits<double>::quiet_NaN()}) {
    CHECK_THROWS_AS(static_cast<void>(g.quantile(q)), argument_error);
  }
}

TEST_CASE("gradients that do not fit the layer, and none") {
  layer_gradients g(2, 3);
  CHECK(message_of<argument_error>([&] { static_cast<void>(g.max()); }) ==
        "max: no samples, expected at least 1");
  CHECK(message_of<argument_error>([&] { static_cast<void>(g.quantile(0.5)); }) ==
        "quantile: no samples, expected at least 1");
  const auto values = make_matrix<double>(4, 3);
  auto inputs = make_matrix<double>(4, 2);
  const auto add = [&](const matrix<double>& from) { g.add<double>(from, inputs, true); };
  CHECK(message_of<shape_error>([&] { add(make_matrix<double>(4, 5)); }) ==
        "layer_gradients: g is (4x5), expected (4x3)");
  CHECK_THROWS_AS(add(make_matrix<double>(5, 3)), shape_error);
  for (const double wrong : {std::numeric_limits<double>::quiet_NaN(), infinity}) {
    inputs(2, 1) = wrong;
    CHECK_THROWS_AS(add(values), argument_error);
    inputs(2, 1) = 0;
    auto broken = values;
    broken(3, 2) = wrong;
    CHECK_THROWS_AS(add(broken), argument_error);
  }
  // What was refused left nothing behind.
  CHECK_THROWS_AS(static_cast<void>(g.max()), argument_error);
  CHECK(g.batch_max() == 0);
  add(values);
  CHECK(g.max() == 0);
}

TEST_CASE("the interpolation bound holds for all batches, and is attained") {
  stream random = random_stream(2);
  double tightest = 0;
  for (int repeat = 0; repeat < 200; ++repeat) {
    const std::size_t N = 3 + random.below(6);
    std::vector<double> u(N);
    for (double& x : u) x = random.normal() * (random.below(3) == 0 ? 5 : 1);
    for (std::size_t B = 1; B < N; ++B) {
      const double eps = largest_mean(u, B);
      const double bound = interpolation_bound(eps, batches_without_replacement{B});
      CHECK(largest(u) <= bound * (1 + 16 * epsilon<double>));
    }
    // With replacement a batch may hold one sample only.
    CHECK(interpolation_bound(largest(u), batches_with_replacement{}) == largest(u));
  }
  // One sample against all others: no smaller factor would do.
  for (const std::size_t B : {1U, 2U, 3U, 5U}) {
    std::vector<double> u(B + 2, -1);
    u[0] = 2 * static_cast<double>(B) - 1;
    CHECK(largest_mean(u, B) == 1);
    CHECK(interpolation_bound(1, batches_without_replacement{B}) == u[0]);
    tightest = std::max(tightest, u[0]);
  }
  CHECK(tightest == 9);
  CHECK(message_of<argument_error>([] {
          interpolation_bound(1, batches_without_replacement{0});
        }) == "interpolation_bound: the batch is 0, expected at least 1");
  for (const double wrong : {-1.0, std::numeric_limits<double>::quiet_NaN()}) {
    CHECK_THROWS_AS(interpolation_bound(wrong, batches_without_replacement{1}), argument_error);
    CHECK_THROWS_AS(interpolation_bound(wrong, batches_with_replacement{}), argument_error);
  }
  CHECK(message_of<argument_error>([] { interpolation_bound(-1, batches_with_replacement{}); }) ==
        "interpolation_bound: eps is -1, expected a number from 0 on");
}

TEST_CASE("no batch's gradient exceeds batch_max, and a sample's attains it") {
  using net = mlp<double, relu, 4, 6, 3>;
  const problem<net> p(40, 3);
  const auto found = p.measure();
  const auto entries = [&](const matrix<double>& x, const matrix<double>& y) {
    std::vector<double> result;
    for (const auto& dW : run_passes(p.student, x, y).dW) {
      double size = 0;
      for (const double w : dW) size = std::max(size, std::abs(w));
      result.push_back(size);
    }
    return result;
  };
  std::vector<double> attained(2);
  for (std::size_t i = 0; i < 40; ++i) {
    const auto single = entries(to_matrix(matrix_view(p.x).middle_rows(i, 1)),
                                to_matrix(matrix_view(p.y).middle_rows(i, 1)));
    for (std::size_t l = 0; l < 2; ++l) attained[l] = std::max(attained[l], single[l]);
  }
  stream random = random_stream(4);
  for (std::size_t l = 1; l <= 2; ++l) {
    CHECK(close_to(found.layer(l).batch_max(), attained[l - 1],
                   32 * epsilon<double> * attained[l - 1]));
    // With a bias, the samples' gradients are bounded by the batches'.
    CHECK(found.layer(l).max() <=
          interpolation_bound(found.layer(l).batch_max(), batches_with_replacement{}));
  }
  for (int repeat = 0; repeat < 50; ++repeat) {
    auto x = make_matrix<double>(5, 4), y = make_matrix<double>(5, 3);
    for (std::size_t i = 0; i < 5; ++i) {
      const std::size_t from = random.below(40);
      copy(matrix_view(p.x).middle_rows(from, 1), matrix_view(x).middle_rows(i, 1));
      copy(matrix_view(p.y).middle_rows(from, 1), matrix_view(y).middle_rows(i, 1));
    }
    const auto batch = entries(x, y);
    for (std::size_t l = 1; l <= 2; ++l) {
      CHECK(batch[l - 1] <= found.layer(l).batch_max() * (1 + 64 * epsilon<double>));
    }
  }
}

TEST_CASE("a layer without bias may have gradients where its inputs vanish") {
  using net = network<dense<double, 1, 1, relu, no_bias>, dense<double, 1, 1, identity, no_bias>>;
  net student;
  student.layer<1>().weights()(0, 0) = 1;
  student.layer<2>().weights()(0, 0) = 1;
  mlp<double, relu, 1, 1, 1> teacher;
  teacher.layer<2>().bias()[0] = 7;
  const auto found = measure_gradients(teacher, student, make_matrix<double>(1, 1));
  CHECK(found.layer(2).max() == 7);
  CHECK(found.layer(2).batch_max() == 0);  // f_1 = 0: every batch's gradient vanishes
}

TEST_CASE("a bias takes 1: its gradient is the largest where all inputs are less") {
  auto g = make_matrix<double>(1, 1), f = make_matrix<double>(1, 1);
  g(0, 0) = -2;
  f(0, 0) = 0.25;
  layer_gradients biased(1, 1), unbiased(1, 1);
  biased.add<double>(g, f, true);
  unbiased.add<double>(g, f, false);
  CHECK(biased.batch_max() == 2);
  CHECK(unbiased.batch_max() == 0.5);
}

TEST_CASE("the teacher itself is a critical point") {
  mlp<double, relu, 10, 6, 4> teacher;
  construct_teacher(teacher, {.seed = 1}, uniform_bias{});
  const auto x = draw_inputs<double>(gaussian_inputs{}, 100, 10, 1);
  const auto found = measure_gradients(teacher, teacher, x);
  for (std::size_t l = 1; l <= 2; ++l) {
    CHECK(found.layer(l).max() == 0);
    CHECK(found.layer(l).quantile(0.5) == 0);
    CHECK(found.layer(l).batch_max() == 0);
  }
  CHECK(found.eps_critical(0));
}

TEST_CASE("gradients that are not finite, and layers that do not exist") {
  using net = mlp<double, relu, 3, 4, 2>;
  problem<net> p(5, 5);
  const auto measure = [&] { return p.measure(); };
  CHECK(message_of<shape_error>([&] { static_cast<void>(measure().layer(0)); }) ==
        "critical_point: layer 0, expected 1 to 2");
  CHECK_THROWS_AS(static_cast<void>(measure().layer(3)), shape_error);
  for (const double wrong : {std::numeric_limits<double>::quiet_NaN(), infinity}) {
    p.teacher.template layer<2>().bias()[1] = wrong;
    CHECK(message_of<argument_error>(measure) ==
          "measure_gradients: the gradient of node 1 of layer 2 is not finite");
  }
  p.teacher.template layer<2>().bias()[1] = 0;
  CHECK_THROWS_AS(measure_gradients(p.teacher, p.student, make_matrix<double>(0, 3)), shape_error);
  CHECK_THROWS_AS(measure_gradients(mlp<double, relu, 3, 4, dynamic>({3, 4, 1}), p.student, p.x),
                  shape_error);
  p.x(1, 0) = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_AS(measure(), argument_error);
}
