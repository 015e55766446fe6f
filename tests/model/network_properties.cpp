// What must hold of any network: symmetries, and the contract of the backward pass.
#include <algorithm>
#include <array>
#include <limits>
#include <tutelage/model/network.hpp>
#include <vector>

#include "support/network_case.hpp"
#include "support/widths.hpp"

namespace {

using namespace test;

using deep = mlp<double, relu, dynamic, dynamic, dynamic, dynamic>;

// A random network and batch.
template <class Network>
struct setting {
  setting(const std::array<std::size_t, Network::depth + 1>& widths, std::size_t N,
          std::uint64_t seed)
      : net(widths) {
    auto random = random_stream(seed);
    randomize(net, random);
    x = random_matrix<double>(N, net.in_width(), random);
    y = random_matrix<double>(N, net.out_width(), random);
  }
  [[nodiscard]] network_case<double> expected() const { return {reference::plain(net), x, y}; }

  Network net;
  matrix<double> x, y;
};

matrix<double> twice(const matrix<double>& m) {
  auto result = make_matrix<double>(2 * m.shape(0), m.shape(1));
  copy(matrix_view(m), matrix_view(result).middle_rows(0, m.shape(0)));
  copy(matrix_view(m), matrix_view(result).middle_rows(m.shape(0), m.shape(0)));
  return result;
}

// Node k of layer 1 becomes node order[k].
template <class Network>
void permute_nodes(Network& net, const std::vector<std::size_t>& order) {
  const auto W = to_matrix(net.template layer<1>().weights());
  const auto V = to_matrix(net.template layer<2>().weights());
  for (std::size_t k = 0; k < order.size(); ++k) {
    for (std::size_t j = 0; j < W.shape(0); ++j) {
      net.template layer<1>().weights()(j, order[k]) = W(j, k);
    }
    for (std::size_t c = 0; c < V.shape(1); ++c) {
      net.template layer<2>().weights()(order[k], c) = V(k, c);
    }
  }
}

}  // namespace

TEST_CASE("a student that equals its teacher has a gradient of exactly 0") {
  for_each_width<1, 5, 16, 17, 33>([](auto w) {
    using teacher_type = mlp<double, relu, 6, w, 4>;
    setting<teacher_type> s({6, w, 4}, 16, w);
    const teacher_type& teacher = s.net;
    mlp<double, relu, dynamic, dynamic, dynamic> student({6, w, 4});
    for_each_number<2>([&](auto l) {
      copy(teacher.template layer<l>().weights(), student.template layer<l>().weights());
    });
    for (const auto& dW : run_passes(student, s.x, teacher(s.x)).dW) {
      for (const double value : dW) CHECK(value == 0);
    }
  });
}

TEST_CASE("a batch and the same batch twice have one gradient") {
  for (const std::size_t w : dynamic_widths()) {
    const setting<deep> s({5, w, 7, 3}, 1 + w % 9, w);
    // Judged with the roundings of the batch once: the mean of 2N samples, not the sum.
    const auto once = run_passes(s.net, s.x, s.y);
    const auto doubled = run_passes(s.net, twice(s.x), twice(s.y));
    const auto expected = s.expected();
    for (std::size_t l = 0; l < 3; ++l) {
      CHECK(within(matrix_view(doubled.dW[l]), widen(once.dW[l]), expected.gauges.dW[l],
                   2 * expected.roundings));
      CHECK(doubled.f[l].shape(0) == 2 * once.f[l].shape(0));
    }
  }
}

TEST_CASE("permuted nodes: the same outputs, and gradients that are permuted") {
  for (const std::size_t w : dynamic_widths()) {
    setting<deep> s({5, w, 7, 3}, 8, 100 + w);
    const auto before = run_passes(s.net, s.x, s.y);
    const auto expected = s.expected();
    const auto order = stream(w, purpose::analysis).permutation(w);
    permute_nodes(s.net, order);
    const auto after = run_passes(s.net, s.x, s.y);
    const double roundings = 2 * expected.roundings;
    CHECK(within(matrix_view(after.f[2]), widen(before.f[2]), expected.gauges.f[3], roundings));
    // Nothing of layer 1 is added in another order: its columns only move.
    for (std::size_t k = 0; k < w; ++k) {
      for (std::size_t i = 0; i < 8; ++i) {
        CHECK(close_to(
            after.f[0](i, order[k]), before.f[0](i, k),
            roundings * epsilon<double> * static_cast<double>(expected.gauges.f[1](i, k))));
      }
      for (std::size_t j = 0; j < 6; ++j) {
        CHECK(close_to(
            after.dW[0](j, order[k]), before.dW[0](j, k),
            roundings * epsilon<double> * static_cast<double>(expected.gauges.dW[0](j, k))));
      }
      for (std::size_t c = 0; c < 7; ++c) {
        CHECK(close_to(
            after.dW[1](order[k], c), before.dW[1](k, c),
            roundings * epsilon<double> * static_cast<double>(expected.gauges.dW[1](k, c))));
      }
    }
  }
}

TEST_CASE("a hidden ReLU node scaled by a, what it feeds by 1/a: nothing else changes") {
  // Powers of two scale exactly: equal bits.
  for (const std::size_t w : dynamic_widths()) {
    setting<deep> s({5, w, 7, 3}, 8, 200 + w);
    auto expected = run_passes(s.net, s.x, s.y);
    for (const std::size_t k : {std::size_t{0}, w / 2, w - 1}) {
      const double a = k % 2 == 0 ? 8 : 0.25;
      for (std::size_t j = 0; j < 6; ++j) {
        s.net.layer<1>().weights()(j, k) *= a;
        expected.dW[0](j, k) /= a;
      }
      for (std::size_t c = 0; c < 7; ++c) {
        s.net.layer<2>().weights()(k, c) /= a;
        expected.dW[1](k, c) *= a;
      }
      for (std::size_t i = 0; i < 8; ++i) {
        expected.f[0](i, k) *= a;
        expected.g[0](i, k) /= a;
      }
    }
    CHECK(run_passes(s.net, s.x, s.y) == expected);
  }
}

TEST_CASE("backward: calls the sink from the top layer down, with each layer's f and g") {
  const setting<deep> s({5, 6, 7, 3}, 4, 1);
  const auto expected = run_passes(s.net, s.x, s.y);
  activations<deep> kept;
  gradients<deep> found;
  const auto f_L = s.net.forward(s.x, kept);
  std::vector<std::size_t> order;
  s.net.backward(s.x, kept, difference<double>(s.y, f_L), found,
                 [&](auto l, const auto& f_below, const auto& g) {
                   static_assert(l >= 1 && l <= 3);  // known to the compiler
                   order.push_back(l);
                   CHECK(to_matrix(f_below) == (l < 2 ? s.x : expected.f[l < 2 ? 0 : l - 2]));
                   CHECK(to_matrix(g) == expected.g[l - 1]);
                 });
  CHECK(order == std::vector<std::size_t>{3, 2, 1});
}

TEST_CASE("backward: a sink may change its layer's weights") {
  for (const std::size_t w : dynamic_widths()) {
    setting<deep> s({5, w, 7, 3}, 4, 300 + w);
    const auto expected = run_passes(s.net, s.x, s.y);
    activations<deep> kept;
    gradients<deep> found;
    const auto f_L = s.net.forward(s.x, kept);
    s.net.backward(
        s.x, kept, difference<double>(s.y, f_L), found, [&](auto l, const auto&, const auto& g) {
          CHECK(to_matrix(g) == expected.g[l - 1]);
          const auto W = s.net.template layer<l>().weights();
          for (std::size_t i = 0; i < W.rows(); ++i) {
            std::fill_n(W.row(i).data(), W.cols(), std::numeric_limits<double>::quiet_NaN());
          }
        });
    // Weights first, then their change: as trained in place.
    CHECK(std::isnan(s.net.layer<1>().weights()(0, 0)));
  }
}

TEST_CASE("backward: stops at the lowest layer that is asked for") {
  const setting<deep> s({5, 6, 7, 3}, 4, 2);
  const auto expected = run_passes(s.net, s.x, s.y);
  for (std::size_t lowest = 0; lowest <= 5; ++lowest) {
    activations<deep> kept;
    gradients<deep> found;
    const auto f_L = s.net.forward(s.x, kept);
    std::vector<std::size_t> order;
    s.net.backward(
        s.x, kept, difference<double>(s.y, f_L), found,
        [&](auto l, const auto&, const auto& g) {
          order.push_back(l);
          CHECK(to_matrix(g) == expected.g[l - 1]);
        },
        lowest);
    std::vector<std::size_t> wanted;
    for (std::size_t l = 3; l >= std::max<std::size_t>(lowest, 1); --l) wanted.push_back(l);
    CHECK(order == wanted);
    // What lies below was not computed: no room was made for it.
    if (lowest > 1) CHECK(found.g<1>().rows() == 0);
    if (lowest > 2) CHECK(found.g<2>().rows() == 0);
  }
}

TEST_CASE("backward: a batch's gradient is the mean of its samples'") {
  const setting<deep> s({5, 6, 7, 3}, 9, 3);
  const auto together = run_passes(s.net, s.x, s.y);
  const auto expected = s.expected();
  std::vector<matrix<double>> sum;
  for (const auto& dW : together.dW) sum.push_back(make_matrix<double>(dW.shape(0), dW.shape(1)));
  for (std::size_t i = 0; i < 9; ++i) {
    const auto one = run_passes(s.net, to_matrix(matrix_view(s.x).middle_rows(i, 1)),
                                to_matrix(matrix_view(s.y).middle_rows(i, 1)));
    for (std::size_t l = 0; l < 3; ++l) sum[l] += one.dW[l] / 9;
  }
  for (std::size_t l = 0; l < 3; ++l) {
    CHECK(within(matrix_view(together.dW[l]), widen(sum[l]), expected.gauges.dW[l],
                 2 * expected.roundings));
  }
}

TEST_CASE("backward: repeated with smaller and larger batches, one at a time is the same") {
  activations<deep> kept;
  gradients<deep> found;
  const setting<deep> s({5, 6, 7, 3}, 20, 4);
  for (const std::size_t N : {20U, 1U, 7U, 20U, 2U}) {
    const auto x = to_matrix(matrix_view(s.x).middle_rows(0, N));
    const auto y = to_matrix(matrix_view(s.y).middle_rows(0, N));
    const auto fresh = run_passes(s.net, x, y);
    const auto f_L = s.net.forward(x, kept);
    s.net.backward(x, kept, difference<double>(y, f_L), found);
    for_each_number<3>([&](auto l) {
      CHECK(to_matrix(found.g<l>()) == fresh.g[l - 1]);
      CHECK(to_matrix(found.dW<l>()) == fresh.dW[l - 1]);
    });
  }
}
