#include <cmath>
#include <complex>
#include <span>
#include <tutelage/model/network_cast.hpp>
#include <tutelage/theory/population/biased_hessian.hpp>
#include <tutelage/theory/population/critical_point.hpp>
#include <vector>

#include "support/close_to.hpp"
#include "support/network_of.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;
using complex = std::complex<double>;

template <class T, class Gate = relu>
using any_width = two_layer<T, Gate, dynamic, dynamic, dynamic, with_bias>;

template <class T>
double largest(const matrix<T>& H) {
  double result = 0;
  for (const T& x : H) result = std::max(result, static_cast<double>(std::abs(x)));
  return result;
}

// Column by column: what `slope(k, to)` leaves in `to`.
template <class FanOut, class Student>
matrix<double> stepped(const biased_population<any_width<complex, leaky_relu<>>>& at,
                       const Student& student) {
  auto loss = at;
  const std::size_t p = parameter_count<FanOut>(student);
  auto moved = network_cast<complex>(student);
  gradients<typename Student::template rebind<complex>> found;
  std::vector<complex> x(p), slope(p);
  read_parameters<FanOut>(moved, std::span<complex>(x));
  auto H = make_matrix<double>(p, p);
  for (std::size_t k = 0; k < p; ++k) {
    x[k] += complex(0, 1e-30);
    write_parameters<FanOut>(std::span<const complex>(x), moved);
    x[k] = x[k].real();
    loss.gradient(moved, found);
    read_parameters<FanOut>(found, std::span<complex>(slope));
    for (std::size_t i = 0; i < p; ++i) H(i, k) = -slope[i].imag() * 1e30;
  }
  return H;
}

template <class FanOut, class Student>
void judge(const any_width<double, leaky_relu<>>& teacher, const Student& student, double std) {
  biased_population loss(teacher, std);
  auto hessian = hessian_of(loss);
  const auto H = hessian.template operator()<FanOut>(student);
  const biased_population complex_loss(network_cast<complex>(teacher), std);
  CHECK(close_to(H, stepped<FanOut>(complex_loss, student), 1e-12 * largest(H)));
  const std::size_t p = H.shape(0);
  comparison symmetric, product;
  std::vector<double> u(p), found(p);
  stream random = random_stream(p);
  for (double& x : u) x = random.normal();
  hessian.template multiply<FanOut>(student, u, found);
  for (std::size_t i = 0; i < p; ++i) {
    double expected = 0, gauge = 0;
    for (std::size_t k = 0; k < p; ++k) {
      symmetric.add(std::abs(H(i, k) - H(k, i)), 64 * epsilon<double> * largest(H),
                    detail::text(i, ", ", k), H(i, k), H(k, i));
      expected += H(i, k) * u[k];
      gauge += largest(H) * std::abs(u[k]);
    }
    product.add(std::abs(found[i] - expected), 16 * epsilon<double> * gauge, detail::text(i),
                found[i], expected);
  }
  CHECK(symmetric);
  CHECK(product);
}

}  // namespace

TEST_CASE("as complex steps of the gradient; symmetric; times a vector") {
  for (const std::size_t n : {1U, 3U}) {
    const auto teacher = random_network<any_width<double, leaky_relu<>>>({4, 3, 2}, n);
    auto student = random_network<any_width<double>>({4, n, 2}, 100 + n);
    judge<trained_fan_out>(teacher, student, 1.25);
    judge<fixed_fan_out>(teacher, student, 0.5);
    judge<trained_fan_out>(teacher,
                           random_network<any_width<double, leaky_relu<>>>({4, n, 2}, n + 7), 1);
  }
}

TEST_CASE("parallel nodes and constants: central differences") {
  // One student on a teacher with its bias, one with another, one opposite, one against another
  // student, and a teacher that is a constant. Long double; the gradient is once differentiable.
  using L = long double;
  auto teacher = random_network<any_width<L>>({3, 4, 2}, 1);
  auto student = random_network<any_width<L>>({3, 5, 2}, 2);
  const auto W = student.layer<1>().weights();
  const auto W_star = teacher.layer<1>().weights();
  for (std::size_t i = 0; i < 4; ++i) {
    W(i, 0) = 2 * W_star(i, 0);
    if (i < 3) W(i, 1) = W_star(i, 1);
    W(i, 2) = -W_star(i, 2);
    W(i, 4) = -3 * W(i, 3);
    if (i < 3) W_star(i, 3) = 0;
  }
  biased_population loss(teacher, 1.5L);
  auto hessian = hessian_of(loss);
  const auto H = hessian(student);
  const std::size_t p = H.shape(0);
  gradients<any_width<L>> found;
  std::vector<L> at(p), up(p), down(p);
  read_parameters<trained_fan_out>(student, std::span<L>(at));
  const L h = 1e-9L;
  comparison worst;
  for (std::size_t k = 0; k < p; ++k) {
    const auto slope = [&](L step, std::vector<L>& to) {
      auto moved = at;
      moved[k] += step;
      write_parameters<trained_fan_out>(std::span<const L>(moved), student);
      loss.gradient(student, found);
      read_parameters<trained_fan_out>(found, std::span<L>(to));
    };
    slope(h, up);
    slope(-h, down);
    for (std::size_t i = 0; i < p; ++i) {
      const L difference = -(up[i] - down[i]) / (2 * h);
      worst.add(static_cast<double>(std::abs(difference - H(i, k))),
                100 * static_cast<double>(h) * largest(H), detail::text(i, ", ", k),
                static_cast<double>(difference), static_cast<double>(H(i, k)));
    }
  }
  CHECK(worst);
}

TEST_CASE("a student on its teacher, with biases, is a minimum but for its scales") {
  const auto teacher = random_network<any_width<double>>({4, 3, 2}, 5);
  biased_population loss(teacher);
  const auto fixed = classify<fixed_fan_out>(loss, teacher);
  CHECK(fixed.kind == critical_kind::minimum);
  CHECK(fixed.positive == 15);
  const auto trained = classify(loss, teacher);
  CHECK(trained.kind == critical_kind::minimum);
  CHECK(trained.zero == 0);
  CHECK(trained.positive == 15 + 8 - 3);
}

TEST_CASE("what has no Hessian") {
  auto teacher = random_network<any_width<double>>({3, 2, 2}, 6);
  biased_population loss(teacher);
  auto hessian = hessian_of(loss);
  for (std::size_t i = 0; i < 4; ++i) teacher.layer<1>().weights()(i, 1) = 0;
  CHECK(message_of<argument_error>([&] { hessian(teacher); }) ==
        "population_hessian: student node 1 is zero, the loss has a kink there");
}

TEST_CASE("nodes of which bias and weights are of very different sizes, or both tiny") {
  // A node far from its boundary is linear or dead: what its weights' direction has no part in is
  // that of a node without weights.
  const auto all = [](double w, double b, const std::vector<double>& other, bool first) {
    const std::vector<double> a{w, w / 3, b}, u{0.3, 0.2, 0.5};
    biased_gaussian_pair<double> pair;
    if (first) {
      pair.assign(a, other, {0.1, 0});
    } else {
      pair.assign(other, a, {0, 0.1});
    }
    std::vector<double> found{pair.kernel()}, part(3);
    pair.gated(part);
    found.insert(found.end(), part.begin(), part.end());
    pair.gates(u, part);
    found.insert(found.end(), part.begin(), part.end());
    pair.boundary(u, part);
    found.insert(found.end(), part.begin(), part.end());
    return found;
  };
  const std::vector<double> other{0.3, -0.7, 0.2};
  for (const double b : {1.0, -1.0}) {
    for (const bool first : {true, false}) {
      const auto expected = all(0, b, other, first);
      for (const double w : {1e-100, 1e-150, 1e-156, 1e-160, 1e-200, 1e-305, 1e-320}) {
        const auto found = all(w, b, other, first);
        for (std::size_t i = 0; i < found.size(); ++i) {
          CHECK(close_to(found[i], expected[i], 16 * epsilon<double>));
        }
      }
    }
  }
  // Two of these, on parallel lines and not.
  for (const double w : {1e-156, 1e-200}) {
    for (const double x : all(w, 1, {w, w / 3, 2}, true)) CHECK(std::isfinite(x));
    for (const double x : all(w, 1, {w / 3, w, -2}, true)) CHECK(std::isfinite(x));
  }
  const double none = std::nan("");
  CHECK_THROWS_AS(all(1, none, other, true), argument_error);
  CHECK_THROWS_AS(all(1, INFINITY, other, false), argument_error);
}
