// The gradient rule on networks of convolutions, pools, batch normalization in evaluation and
// residual blocks: V pulled down through each layer against backpropagation.
#include <tutelage/gradient/rule.hpp>

#include <tutelage/model/batch_norm.hpp>
#include <tutelage/model/conv2d.hpp>
#include <tutelage/model/flatten.hpp>
#include <tutelage/model/fold.hpp>
#include <tutelage/model/gated.hpp>
#include <tutelage/model/pool.hpp>
#include <tutelage/model/residual.hpp>

#include "support/layer_stack.hpp"
#include "support/network_case.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

template <class Gate = identity>
using full = dense<double, dynamic, dynamic, Gate>;
using images = conv2d<double>;

std::size_t between(stream& random, std::size_t least, std::size_t most) {
  return least + random.below(static_cast<std::uint32_t>(most - least + 1));
}

template <class Layers>
void move_statistics(Layers& layers, stream& random) {
  layers.for_each_layer([&](auto& l, std::size_t) {
    if constexpr (requires { l.running_var(); }) {
      for (auto& m : l.running_mean()) m = random.normal();
      for (auto& v : l.running_var()) v = 0.5 + std::abs(random.normal());
    }
    if constexpr (requires { l.inner(); }) move_statistics(l.inner(), random);
  });
}

template <class Network>
void make_random(Network& net, stream& random) {
  randomize_parameters(net, random);
  move_statistics(net, random);
}

double largest(const matrix_view<const double>& m) {
  double result = 0;
  for (std::size_t i = 0; i < m.rows(); ++i) {
    for (const double value : m.row(i)) result = std::max(result, std::abs(value));
  }
  return result;
}

// Also V f + r = f_L at every layer, and V row by row against what one output's gradient becomes.
template <class Teacher, class Student>
void check(Teacher teacher, Student student, stream& random) {
  constexpr std::size_t L = Student::depth;
  make_random(teacher, random);
  make_random(student, random);
  const std::size_t N = 3, C = student.out_width();
  const auto x = random_matrix<double>(N, student.in_width(), random);
  gradient_rule<Teacher, Student> rule(teacher, student);
  rule.evaluate(x);
  activations<Student> kept;
  gradients<Student> found, of_output;
  const matrix_view<const double> f = student.forward(x, kept);
  const auto y = teacher(x);
  student.backward(x, kept, error_of<double>(y, f), found);
  const std::size_t c = random.below(static_cast<std::uint32_t>(C));
  auto unit = make_matrix<double>(N, C);
  for (std::size_t i = 0; i < N; ++i) unit(i, c) = 1;
  student.backward(x, kept, unit, of_output);
  double scale = 1 + largest(matrix_view<const double>(y)) + largest(f);
  for_each_number<L>([&](auto l) {
    const auto g = found.template g<l>();
    scale = std::max(scale, largest(g));
  });
  for_each_number<L>([&](auto l) {
    CAPTURE(l());
    const double tolerance = 2000 * epsilon<double> * scale;
    CHECK(close_to(rule.template g<l>(), found.template g<l>(), tolerance));
    if constexpr (l < L) {
      double worst_sum = 0, worst_V = 0;
      const auto here = kept.template f<l>();
      const auto pulled = of_output.template g<l>();
      for (std::size_t i = 0; i < N; ++i) {
        const auto V = rule.template V<l>(i);
        double sum = rule.template r<l>(i, c);
        for (std::size_t k = 0; k < V.cols(); ++k) sum += V(c, k) * here(i, k);
        worst_sum = std::max(worst_sum, std::abs(sum - f(i, c)));
        if (gated_layer<typename Student::template layer_type<l>>) continue;
        for (std::size_t k = 0; k < V.cols(); ++k) {
          worst_V = std::max(worst_V, std::abs(V(c, k) - pulled(i, k)));
        }
      }
      CHECK(worst_sum < tolerance);
      CHECK(worst_V < tolerance);
    }
  });
}

}  // namespace

TEST_CASE("the rule is backpropagation on stacks of nodes: both orders, residuals, nested") {
  stream random = random_stream(1);
  for (int repeat = 0; repeat < 60; ++repeat) {
    CAPTURE(repeat);
    const std::size_t d = between(random, 1, 5), C = between(random, 1, 3);
    const auto net = [&](std::size_t n) {
      return network(
          full<relu>(d, n), batch_norm<double>(n),
          residual(full<>(n, n + 1), batch_norm<double>(n + 1), gated<leaky_relu<>>(),
                   residual(full<relu>(n + 1, n + 1), full<>(n + 1, n + 1)), full<>(n + 1, n)),
          batch_norm<double>(n), gated<relu>(), full<>(n, C));
    };
    check(net(between(random, 1, 4)), net(between(random, 1, 7)), random);
  }
}

TEST_CASE("the rule is backpropagation with convolutions, pools, normalization, residuals") {
  stream random = random_stream(2);
  for (int repeat = 0; repeat < 40; ++repeat) {
    CAPTURE(repeat);
    const std::size_t groups = between(random, 1, 2);
    const image_shape in{groups, between(random, 3, 5), between(random, 3, 5)};
    const std::size_t stride = between(random, 1, 2), padding = between(random, 1, 2);
    const pool_settings average{2, between(random, 1, 2), 1}, same{3, 1, 1};
    const auto net = [&](std::size_t filters) {
      const conv2d<double, dynamic, relu> lower(
          in,
          {.filters = filters, .size = 2, .stride = stride, .padding = padding, .groups = groups});
      const images kept_shape(lower.out_image(), {.filters = filters, .size = 3, .padding = 1});
      const std::size_t n = average_pool<double>(average).over(lower).out_width();
      return network(lower, batch_norm<double>(filters),
                     residual(kept_shape, batch_norm<double>(filters), gated<relu>(), kept_shape),
                     max_pool<double>(same), kept_shape, gated<leaky_relu<>>(),
                     average_pool<double>(average), flatten(), full<>(n, 2));
    };
    check(net(groups), net(2 * groups), random);
  }
}

TEST_CASE("a dense teacher and a normalized student, and a folded one") {
  stream random = random_stream(3);
  network student(full<>(3, 4), batch_norm<double>(4), gated<relu>(), full<>(4, 2));
  network teacher(full<relu>(3, 2), full<relu>(2, 5), full<relu>(5, 3), full<>(3, 2));
  check(teacher, student, random);
  make_random(student, random);
  const auto folded = fold(student);
  network two(full<relu>(3, 2), full<>(2, 2));
  make_random(two, random);
  check(two, folded, random);
}

TEST_CASE("the rule of networks that are not dense: errors") {
  const network net(full<>(3, 4), batch_norm<double>(4), full<>(4, 2));
  using Net = std::remove_const_t<decltype(net)>;
  gradient_rule<Net, Net> rule(net, net);
  const auto x = make_matrix<double>(5, 3);
  CHECK(message_of<argument_error>([&] { static_cast<void>(rule.V<1>(0)); }) ==
        "V: no layer was computed");
  rule.evaluate(x, 2);
  CHECK(message_of<argument_error>([&] { static_cast<void>(rule.V<1>(0)); }) ==
        "V: layer 1 was not computed, only 2 to 2");
  CHECK(message_of<argument_error>([&] { static_cast<void>(rule.V<2>(5)); }) ==
        "V: sample 5, expected one below 5");
  CHECK(message_of<argument_error>([&] { static_cast<void>(rule.r<2>(0, 2)); }) ==
        "r: output 2, expected one below 2");
  CHECK(message_of<shape_error>([&] { rule.evaluate(x, 4); }) ==
        "output_jacobians: lowest layer 4, expected 1 to 3");
  // What was passed forward while learning has no V of its own for each sample.
  activations<Net> kept;
  net.forward(training{}, x, kept);
  output_jacobians<Net> maps;
  CHECK(message_of<argument_error>([&] { maps.compute(net, kept); }) ==
        "batch_norm: V is pulled down in evaluation only");
}
