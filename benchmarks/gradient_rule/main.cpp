// Expectations of the recursive gradient rule over data, for the teachers of the published deep
// experiments and students 2, 5 and 10 times as wide: this library against what a user would write
// on cblas. All find the same numbers; the program checks that first.
//
// Times are per sample. `flops` are those that the stacked form needs, products of a matrix with
// itself counting half: where the library leaves out closed gates, it does with fewer. The row
// `product` is one large product, for comparison.
#include <array>
#include <cmath>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <tutelage/gradient/expectations.hpp>

#include "../support.hpp"
#include "with_cblas.hpp"

namespace {

using namespace tutelage;

template <class T>
using network_type = mlp<T, relu, dynamic, dynamic, dynamic, dynamic, dynamic, dynamic>;
using widths = std::array<std::size_t, 6>;

constexpr std::size_t block = 256;  // samples of one call of the library

template <class T>
struct problem {
  network_type<T> teacher, student;
  matrix<T> x;
  bench::plain_pass<T> plain_teacher, plain_student;

  problem(const widths& m, const widths& n)
      : teacher(m), student(n), x(make_matrix<T>(block, m[0])) {
    // Weights that keep activations of one size, biases that leave half of the gates open.
    initialize(teacher, linear_default_start{2.4}, 1, purpose::teacher);
    initialize(student, linear_default_start{2.4}, 1);
    draw_inputs(gaussian_inputs{1}, matrix_view<T>(x), 1);
    plain_teacher = plain(teacher);
    plain_student = plain(student);
  }

  bench::plain_pass<T> plain(const network_type<T>& net) const {
    bench::plain_pass<T> result;
    const auto sizes = net.widths();
    result.widths.assign(sizes.begin(), sizes.end());
    activations<network_type<T>> kept;
    net.forward(x, kept);
    net.for_each_layer([&](const auto& layer, std::size_t l) {
      const auto W = to_matrix(layer.linear_weights());
      result.W.emplace_back(W.begin(), W.end());
      if (l == network_type<T>::depth) return;
      auto& gates = result.gates.emplace_back();
      for (std::size_t i = 0; i < block; ++i) {
        for (const T f : kept.f(l).row(i)) gates.push_back(layer.gate().factor(f));
      }
    });
    return result;
  }
};

// What the stacked form needs for a sample. Forward passes and moments of gates and activations are
// part of it.
double stacked_flops(const widths& m, const widths& n) {
  double flops = 0;
  const double C = static_cast<double>(n[5]);
  const auto of = [](const widths& w, std::size_t l) { return static_cast<double>(w[l]); };
  for (std::size_t l = 1; l <= 5; ++l) {
    flops += 2 * (of(n, l - 1) * of(n, l) + of(m, l - 1) * of(m, l));  // forward
    if (l == 5) continue;
    flops += 2 * (of(n, l) * of(n, l) + 2 * of(n, l) * of(m, l));  // gates, activations
    if (l == 4) continue;
    flops += 2 * C * (of(n, l + 1) * of(n, l) + of(m, l + 1) * of(m, l));  // V
    flops += C * (of(n, l) * of(n, l) + 2 * of(n, l) * of(m, l));          // E[D B D], E[D A D*]
  }
  return flops;
}

// The largest distance between an expectation and a mean by cblas, over the largest mean.
template <class T, class R>
double distance(const expectation<R>& found, const std::vector<T>& sums) {
  const std::size_t n = found.mean.shape(0) - 1, m = found.mean.shape(1) - 1;
  double worst = 0, largest = 0;
  for (std::size_t k = 0; k < n; ++k) {
    for (std::size_t j = 0; j < m; ++j) {
      const double mean = static_cast<double>(sums[k * m + j]) / block;
      worst = std::max(worst, std::abs(static_cast<double>(found.mean(k, j)) - mean));
      largest = std::max(largest, std::abs(mean));
    }
  }
  return worst / largest;
}

template <class T>
bool agree(const problem<T>& p) {
  expectation_accumulator collected(p.teacher, p.student, {.block = block});
  collected.add(p.x);
  double worst = 0;
  for (const auto way : {bench::carry_matrices<T>, bench::stack_jacobians<T>}) {
    bench::plain_sums<T> sums;
    way(p.plain_teacher, p.plain_student, block, sums);
    for (std::size_t l = 1; l < 5; ++l) {
      const auto found = collected.result(l);
      worst = std::max({worst, distance(found.A, sums.A[l - 1]), distance(found.B, sums.B[l - 1]),
                        distance(found.gated_A, sums.gated_A[l - 1]),
                        distance(found.gated_B, sums.gated_B[l - 1])});
    }
  }
  return worst < 1e4 * static_cast<double>(std::numeric_limits<T>::epsilon());
}

template <class T>
void add_size(const widths& m, std::size_t factor) {
  auto n = m;
  std::string size;
  for (std::size_t l = 1; l <= 4; ++l) {
    n[l] *= factor;
    size += std::to_string(m[l]);
    size += l < 4 ? "-" : "x";
  }
  size += std::to_string(factor);
  const auto name = [&](const std::string& way) {
    return bench::name("gradient_rule", bench::scalar_name<T>, size, way);
  };
  const auto make = [m, n] { return std::make_shared<problem<T>>(m, n); };
  const auto ours = [make] {
    const auto p = make();
    using accumulator = expectation_accumulator<network_type<T>, network_type<T>>;
    auto collected =
        std::make_shared<accumulator>(p->teacher, p->student, expectation_settings{.block = block});
    return [p, collected] { collected->add(p->x); };
  };
  bench::add(name("tutelage"), block * stacked_flops(m, n), ours, block);
  const auto add_plain = [&](const std::string& way, std::size_t samples, const auto function) {
    const auto once = [make, samples, function] {
      const auto p = make();
      auto sums = std::make_shared<bench::plain_sums<T>>();
      return [p, sums, samples, function] {
        function(p->plain_teacher, p->plain_student, samples, *sums);
        benchmark::ClobberMemory();
      };
    };
    bench::add(name(way), 0, once, samples);
  };
  add_plain("cblas a sample", m[1] < 50 ? 32 : 2, bench::carry_matrices<T>);
  add_plain("cblas batched", m[1] < 50 ? 256 : 16, bench::stack_jacobians<T>);
}

template <class T>
void add_scalar() {
  bench::add_peak<T>();
  constexpr std::size_t size = 1024;
  bench::add(bench::name("product", bench::scalar_name<T>, bench::number(size), "tutelage"),
             2.0 * size * size * size, [] {
               auto a = std::make_shared<matrix<T>>(make_matrix<T>(size, size));
               auto c = std::make_shared<matrix<T>>(make_matrix<T>(size, size));
               return [a, c] { multiply(*a, *a, *c); };
             });
  for (const auto& m : {widths{20, 10, 15, 20, 25, 100}, widths{20, 50, 75, 100, 125, 100}}) {
    for (const std::size_t factor : {2U, 5U, 10U}) add_size<T>(m, factor);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const widths m{20, 10, 15, 20, 25, 100}, n{20, 50, 75, 100, 125, 100};
  if (!agree(problem<double>(m, n)) || !agree(problem<float>(m, n))) {
    std::fputs("bench_gradient_rule: the ways do not agree\n", stderr);
    return 1;
  }
  add_scalar<double>();
  add_scalar<float>();
  return bench::run(argc, argv);
}
