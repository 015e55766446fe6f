// Layers written from the concepts alone, at every place of a network: passes and training.
#include <tutelage/model/network.hpp>

#include <cmath>
#include <complex>
#include <cstddef>
#include <string>
#include <tutelage/gradient/rule.hpp>
#include <tutelage/model/batch_norm.hpp>
#include <tutelage/model/gated.hpp>
#include <tutelage/model/residual.hpp>
#include <tutelage/train/train.hpp>

#include "support/network_case.hpp"

namespace {

using namespace test;

// f = s o x, one factor a node: one parameter matrix, no gate.
template <class T, std::size_t n = dynamic>
class scaling {
 public:
  using value_type = T;
  static constexpr std::size_t in_extent = n, out_extent = n, parameters = 1;
  struct tape {
    workspace<T> f;
  };

  explicit scaling(std::size_t width) : s_(make_matrix<T>(1, width)) {
    for (T& s : s_) s = T(1);
  }

  [[nodiscard]] std::size_t in_width() const { return s_.shape(1); }
  [[nodiscard]] std::size_t out_width() const { return s_.shape(1); }

  matrix_view<T, dynamic, n> forward(matrix_view<const T, dynamic, n> x, tape& kept) const {
    const matrix_view<T, dynamic, n> f(kept.f.reshape(x.rows(), x.cols()));
    for (std::size_t i = 0; i < f.rows(); ++i) {
      for (std::size_t k = 0; k < f.cols(); ++k) f(i, k) = s_(0, k) * x(i, k);
    }
    return f;
  }
  void backward_output(const tape&, matrix_view<T, dynamic, n>) const {}
  void backward_input(matrix_view<const T, dynamic, n>, const tape&,
                      matrix_view<const T, dynamic, n> g, matrix_view<T, dynamic, n> below) const {
    for (std::size_t i = 0; i < g.rows(); ++i) {
      for (std::size_t k = 0; k < g.cols(); ++k) below(i, k) = s_(0, k) * g(i, k);
    }
  }
  void pull(const tape&, std::size_t, matrix_view<T> V, matrix_view<T> below) const {
    copy(V, below);
    for (std::size_t c = 0; c < V.rows(); ++c) {
      for (std::size_t k = 0; k < in_width(); ++k) below(c, k) *= s_(0, k);
    }
  }
  template <class Visit>
  void backward_weights(matrix_view<const T, dynamic, n> x, const tape&,
                        matrix_view<const T, dynamic, n> g, Visit&& visit) const {
    visit(1, x.cols(), [&](matrix_view<T> ds, T alpha, T beta) {
      for (std::size_t k = 0; k < x.cols(); ++k) {
        T sum = 0;
        for (std::size_t i = 0; i < x.rows(); ++i) sum += x(i, k) * g(i, k);
        ds(0, k) = alpha * sum / static_cast<real_t<T>>(x.rows()) + beta * ds(0, k);
      }
    });
  }
  template <class Visit>
  void for_each_parameter(Visit&& visit) {
    visit(matrix_view<T>(s_));
  }
  template <class Visit>
  void for_each_block(const std::string& prefix, Visit&& visit) {
    visit(block<T>{prefix + "scale", {s_.shape(1)}, matrix_view<T>(s_)});
  }

 private:
  matrix<T> s_;  // [1, n]
};

// The nodes in reverse order: no parameters. Another while it learns, and counts the batches.
template <class T>
class reversal {
 public:
  using value_type = T;
  static constexpr std::size_t in_extent = dynamic, out_extent = dynamic, parameters = 0;
  struct tape {
    workspace<T> f;
    T factor = 1;
  };

  explicit reversal(std::size_t width) : width_(width) {}

  [[nodiscard]] std::size_t in_width() const { return width_; }
  [[nodiscard]] std::size_t out_width() const { return width_; }
  [[nodiscard]] std::size_t tracked() const { return tracked_; }

  matrix_view<T> forward(matrix_view<const T> x, tape& kept) const { return pass(x, kept, T(1)); }
  matrix_view<T> forward(training, matrix_view<const T> x, tape& kept) const {
    return pass(x, kept, T(2));
  }
  void track(const tape&) { ++tracked_; }
  void backward_output(const tape&, matrix_view<T>) const {}
  void backward_input(matrix_view<const T>, const tape& kept, matrix_view<const T> g,
                      matrix_view<T> below) const {
    for (std::size_t i = 0; i < g.rows(); ++i) {
      for (std::size_t k = 0; k < width_; ++k) below(i, k) = kept.factor * g(i, width_ - 1 - k);
    }
  }
  void pull(const tape&, std::size_t, matrix_view<T> V, matrix_view<T> below) const {
    for (std::size_t c = 0; c < V.rows(); ++c) {
      for (std::size_t k = 0; k < width_; ++k) below(c, k) = V(c, width_ - 1 - k);
      below(c, width_) = V(c, width_);
    }
  }
  template <class Visit>
  void backward_weights(matrix_view<const T>, const tape&, matrix_view<const T>, Visit&&) const {}
  template <class Visit>
  void for_each_parameter(Visit&&) {}
  template <class Visit>
  void for_each_block(const std::string&, Visit&&) {}
  template <class Visit>
  void for_each_buffer(const std::string&, Visit&&) {}

 private:
  matrix_view<T> pass(matrix_view<const T> x, tape& kept, T factor) const {
    const auto f = kept.f.reshape(x.rows(), width_);
    kept.factor = factor;
    for (std::size_t i = 0; i < x.rows(); ++i) {
      for (std::size_t k = 0; k < width_; ++k) f(i, k) = factor * x(i, width_ - 1 - k);
    }
    return f;
  }

  std::size_t width_, tracked_ = 0;
};

static_assert(layer<scaling<double>> && layer<scaling<float, 3>> && !moded_layer<scaling<double>>);
static_assert(!gated_layer<scaling<double>> && !dense_layer<scaling<double>>);
static_assert(moded_layer<reversal<double>> && !gated_layer<reversal<double>>);
static_assert(!layer<int> && !layer<relu>);
static_assert(samplewise_layer<scaling<double>> && samplewise_layer<reversal<double>>);

// A part: what it is above a layer is decided there.
struct scaled {
  template <layer Below>
  [[nodiscard]] auto over(const Below& below) const {
    return scaling<typename Below::value_type, Below::out_extent>(below.out_width());
  }
};
static_assert(!layer<scaled> && part_over<scaled, dense<double, 2, 3>>);

// A gate and a loss: sums of fourth powers, the mean over the batch.
struct softplus {
  [[nodiscard]] double activate(double a) const { return std::log1p(std::exp(a)); }
  [[nodiscard]] double factor(double f) const { return -std::expm1(-f); }
};
struct fourth_powers {
  double evaluate(matrix_view<const double> f, matrix_view<const double> y,
                  matrix_view<double> g) const {
    double sum = 0;
    for (std::size_t i = 0; i < f.rows(); ++i) {
      for (std::size_t k = 0; k < f.cols(); ++k) {
        const double e = y(i, k) - f(i, k);
        g(i, k) = e * e * e;
        sum += e * e * e * e / 4;
      }
    }
    return sum / static_cast<double>(f.rows());
  }
};

template <class T>
using lower = dense<T, dynamic, dynamic, leaky_relu<>>;
template <class T>
using upper = dense<T, dynamic, dynamic, identity>;

// User's layers below, between and above dense ones, behind a gate and before one.
template <class T>
auto mixed_network() {
  return network(scaling<T, 3>(3), lower<T>(3, 5), scaling<T>(5), reversal<T>(5), lower<T>(5, 4),
                 upper<T>(4, 2), reversal<T>(2), scaling<T>(2));
}

template <class Network>
void draw_parameters(Network& net, std::uint64_t seed) {
  stream random = random_stream(seed);
  net.for_each_parameter([&](auto W) { fill_random(W, random); });
}

}  // namespace

TEST_CASE("a user's layers: gradients of all parameters by complex step, in both modes") {
  using C = std::complex<double>;
  auto net = mixed_network<double>();
  auto stepped = mixed_network<C>();
  stream random = random_stream(2);
  const auto x = random_matrix<double>(6, 3, random), y = random_matrix<double>(6, 2, random);
  const auto cx = [&] {
    auto result = make_matrix<C>(6, 3);
    for (std::size_t i = 0; i < x.size(); ++i) result.data()[i] = x.data()[i];
    return result;
  }();
  draw_parameters(net, 3);

  const auto check = [&](auto... mode) {
    activations<decltype(net)> kept;
    gradients<decltype(net)> found;
    const matrix_view<const double> f = net.forward(mode..., x, kept);
    net.backward(x, kept, difference<double>(y, f), found);

    std::vector<matrix_view<double>> weights;
    std::vector<matrix_view<C>> complex_weights;
    net.for_each_parameter([&](auto W) { weights.push_back(W); });
    stepped.for_each_parameter([&](auto W) { complex_weights.push_back(W); });
    REQUIRE(weights.size() == 6);
    for (std::size_t p = 0; p < weights.size(); ++p) {
      for (std::size_t i = 0; i < weights[p].rows(); ++i) {
        for (std::size_t k = 0; k < weights[p].cols(); ++k)
          complex_weights[p](i, k) = weights[p](i, k);
      }
    }
    activations<decltype(stepped)> complex_kept;
    for (std::size_t p = 0; p < weights.size(); ++p) {
      const auto dW = found.parameter(p);
      REQUIRE(dW.rows() == weights[p].rows());
      REQUIRE(dW.cols() == weights[p].cols());
      for (std::size_t i = 0; i < dW.rows(); ++i) {
        for (std::size_t k = 0; k < dW.cols(); ++k) {
          constexpr double h = 1e-30;
          complex_weights[p](i, k) += C(0, h);
          const matrix_view<const C> out = stepped.forward(mode..., cx, complex_kept);
          complex_weights[p](i, k) = weights[p](i, k);
          double derivative = 0, gauge = 0;
          for (std::size_t s = 0; s < 6; ++s) {
            for (std::size_t c = 0; c < 2; ++c) {
              const double term = (y(s, c) - out(s, c).real()) * out(s, c).imag() / h / 6;
              derivative += term;
              gauge += std::abs(term);
            }
          }
          CAPTURE(p);
          CHECK(close_to(dW(i, k), derivative, 256 * epsilon<double> * (1 + gauge)));
        }
      }
    }
  };
  check();
  check(training{});
}

TEST_CASE("a user's layers learn, stay when frozen, and are told of each batch") {
  stream random = random_stream(5);
  auto teacher = mixed_network<double>();
  draw_parameters(teacher, 6);
  const auto x = random_matrix<double>(64, 3, random);
  activations<decltype(teacher)> of_teacher;
  const auto y = to_matrix(teacher.forward(training{}, x, of_teacher));

  const auto learn = [&](const auto& optimizer) {
    auto student = mixed_network<double>();
    draw_parameters(student, 6);  // near the teacher
    student.for_each_parameter([](auto W) {
      for (std::size_t i = 0; i < W.rows(); ++i) {
        for (double& w : W.row(i)) w *= 0.9;
      }
    });
    trainer learning(student, mean_squared_error{}, optimizer);
    learning.freeze(3);
    std::vector<matrix<double>> before, after;
    student.for_each_parameter([&](auto W) { before.push_back(to_matrix(W)); });
    const double first = learning.step(x, matrix_view<const double>(y));
    for (int step = 0; step < 200; ++step) learning.step(x, matrix_view<const double>(y));
    CHECK(learning.step(x, matrix_view<const double>(y)) < first);
    student.for_each_parameter([&](auto W) { after.push_back(to_matrix(W)); });
    for (std::size_t p = 0; p < before.size(); ++p) {
      CAPTURE(p);
      CHECK((before[p] == after[p]) == (p == 2));  // layer 3 has parameter matrix 2
    }
    CHECK(student.layer<4>().tracked() == 202);
    CHECK(student.layer<7>().tracked() == 202);
  };
  learn(sgd{.rate = 1e-4});
  learn(momentum_sgd{.rate = 1e-5});
  learn(adam{.rate = 1e-4});
}

TEST_CASE("a user's layers pull V down: the gradient rule is backpropagation") {
  stream random = random_stream(7);
  auto student = mixed_network<double>();
  auto teacher = mixed_network<double>();
  draw_parameters(student, 8);
  draw_parameters(teacher, 9);
  const auto x = random_matrix<double>(6, 3, random);
  gradient_rule rule(teacher, student);
  rule.evaluate(x);
  activations<decltype(student)> kept;
  gradients<decltype(student)> found;
  const matrix_view<const double> f = student.forward(x, kept);
  student.backward(x, kept, difference<double>(teacher(x), f), found);
  for_each_number<decltype(student)::depth>([&](auto l) {
    double scale = 1;
    const auto g = to_matrix(found.template g<l>());
    for (const double value : g) scale = std::max(scale, std::abs(value));
    CHECK(close_to(to_matrix(rule.template g<l>()), g, 1000 * epsilon<double> * scale));
  });
}

TEST_CASE("a user's part, gate and loss learn among the library's layers") {
  stream random = random_stream(10);
  network net(dense<double>(3, 6), scaled(), batch_norm<double>(6), gated<softplus>(),
              residual(scaled(), dense<double>(6, 6), gated<softplus>()), dense<double>(6, 2));
  static_assert(std::is_same_v<decltype(net)::layer_type<2>, scaling<double>>);
  net.for_each_parameter([&](auto W) {
    for (std::size_t i = 0; i < W.rows(); ++i) {
      for (double& w : W.row(i)) w += random.normal() / 2;
    }
  });
  const auto x = random_matrix<double>(32, 3, random), y = random_matrix<double>(32, 2, random);
  trainer learning(net, fourth_powers{}, sgd{.rate = 1e-3});
  const double first = learning.step(x, matrix_view<const double>(y));
  for (int step = 0; step < 300; ++step) learning.step(x, matrix_view<const double>(y));
  CHECK(learning.step(x, matrix_view<const double>(y)) < 0.9 * first);
}

TEST_CASE("blocks have PyTorch's names and shapes") {
  dense<double, 3, 2> layer;
  layer.weights()(2, 1) = 5;
  layer.bias()[1] = 7;
  std::vector<block<double>> blocks;
  layer.for_each_block("2.", [&](const auto& b) { blocks.push_back(b); });
  REQUIRE(blocks.size() == 2);
  CHECK(blocks[0].name == "2.weight");
  CHECK(blocks[0].shape == std::vector<std::size_t>{2, 3});
  CHECK(blocks[0].transposed);
  CHECK(blocks[0].values(2, 1) == 5);
  CHECK(blocks[1].name == "2.bias");
  CHECK(blocks[1].shape == std::vector<std::size_t>{2});
  CHECK(!blocks[1].transposed);
  CHECK(blocks[1].values(0, 1) == 7);
  const dense<double, 3, 2, relu, no_bias> bare;
  std::size_t count = 0;
  bare.for_each_block("", [&](const block<const double>& b) { count += b.name == "weight"; });
  CHECK(count == 1);
}
