// What arXiv:1909.13458 (2019 version, Section 5) says of the dynamics, along population flows:
// Equation 6, the direction of Theorem 6 and the law of Theorem 7. The flows come from matrix
// products, the right-hand sides here from one pair of nodes at a time.
#include <cmath>
#include <span>
#include <tutelage/theory/population/flow.hpp>
#include <tutelage/theory/population/population.hpp>
#include <vector>

#include "support/close_to.hpp"
#include "support/network_of.hpp"

namespace {

using namespace test;

using net = two_layer<double, relu, dynamic, dynamic, dynamic>;

constexpr std::size_t d = 6, n = 5, m = 3, C = 2;

// Fan-outs are positive: where they are fixed, a node may else have to vanish.
net positive(net of) {
  for (std::size_t k = 0; k < of.layer<2>().in_width(); ++k) {
    for (double& v : of.layer<2>().weights().row(k)) v = std::abs(v);
  }
  return of;
}

struct problem {
  net teacher = positive(random_network<net>({d, m, C}, 1));
  net student = positive(random_network<net>({d, n, C}, 2));
  population<net> loss{teacher, 1.25};
};

std::vector<double> column(const net& of, std::size_t k) {
  std::vector<double> w(d);
  for (std::size_t i = 0; i < d; ++i) w[i] = of.layer<1>().weights()(i, k);
  return w;
}

double product(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// Calls visit(pair of w_k and the other node, weight of the pair) for all nodes of both networks.
template <class Visit>
void for_each_pair(const problem& p, const net& student, std::size_t k, const Visit& visit) {
  const auto w = column(student, k);
  const auto v = student.layer<2>().weights().row(k);
  const auto with = [&](const net& of, std::size_t count, double sign) {
    for (std::size_t j = 0; j < count; ++j) {
      const auto other = column(of, j);
      visit(gaussian_pair<double>(w, other, {0, 0}, 1.25),
            sign * product(v, of.layer<2>().weights().row(j)));
    }
  };
  with(p.teacher, m, 1);
  with(student, n, -1);
}

// E[f_k r^T v_k] of Equation 6.
double growth(const problem& p, const net& student, std::size_t k) {
  double sum = 0;
  for_each_pair(p, student, k,
                [&](const auto& pair, double weight) { sum += weight * pair.kernel(); });
  return sum;
}

// r_k = dw_k / |w_k| of Theorem 7, by Theorem 6.
std::vector<double> residue(const problem& p, const net& student, std::size_t k) {
  std::vector<double> sum(d), gated(d);
  for_each_pair(p, student, k, [&](const auto& pair, double weight) {
    pair.gated(gated);
    for (std::size_t i = 0; i < d; ++i) sum[i] += weight * gated[i];
  });
  const auto w = column(student, k);
  for (double& x : sum) x /= std::sqrt(product(w, w));
  return sum;
}

// A flow whose last numbers are integrals along it, of `rate` at the student where it is.
template <class FanOut, class Rate>
auto with_integrals(problem& p, std::size_t integrals, const Rate& rate) {
  const std::size_t count = parameter_count<FanOut>(p.student);
  std::vector<double> start(count + integrals);
  read_parameters<FanOut>(p.student, std::span(start).first(count));
  const auto velocity = [&p, count, rate, found = gradients<net>(), student = p.student](
                            std::span<const double> x, std::span<double> dx) mutable {
    write_parameters<FanOut>(x.first(count), student);
    p.loss.gradient(student, found);
    read_parameters<FanOut>(found, dx.first(count));
    rate(student, dx.subspan(count));
  };
  return adaptive_flow<double, std::remove_const_t<decltype(velocity)>>(start, velocity, 1e-13);
}

template <class FanOut>
net student_of(const problem& p, const std::vector<double>& x) {
  net student = p.student;
  write_parameters<FanOut>(std::span(x).first(parameter_count<FanOut>(student)), student);
  return student;
}

}  // namespace

TEST_CASE_TEMPLATE("Equation 6 along a trajectory: half of d|w_k|^2/dt is E[f_k r.v_k]", FanOut,
                   fixed_fan_out, trained_fan_out) {
  problem p;
  auto flow = with_integrals<FanOut>(p, n, [&](const net& student, std::span<double> rates) {
    for (std::size_t k = 0; k < n; ++k) rates[k] = 2 * growth(p, student, k);
  });
  for (const double until : {0.1, 1.0, 3.0}) {
    flow.advance(until);
    const net student = student_of<FanOut>(p, flow.position());
    for (std::size_t k = 0; k < n; ++k) {
      const auto now = column(student, k), before = column(p.student, k);
      const double grown = flow.position()[flow.position().size() - n + k];
      CHECK(close_to(product(now, now) - product(before, before), grown, 1e-10));
      CHECK(std::abs(grown) > 1e-4);  // there is something to see
    }
  }
}

TEST_CASE_TEMPLATE("Theorem 7 along a trajectory: the logarithm of a ratio of lengths", FanOut,
                   fixed_fan_out, trained_fan_out) {
  problem p;
  auto flow = with_integrals<FanOut>(p, n, [&](const net& student, std::span<double> rates) {
    for (std::size_t k = 0; k < n; ++k) {
      const auto w = column(student, k), r = residue(p, student, k);
      rates[k] = product(w, r) / std::sqrt(product(w, w));
    }
  });
  for (const double until : {0.1, 1.0, 3.0}) {
    flow.advance(until);
    const net student = student_of<FanOut>(p, flow.position());
    const double* const integral = &flow.position()[flow.position().size() - n];
    for (std::size_t k = 0; k < n; ++k) {
      for (std::size_t l = 0; l < k; ++l) {
        const auto ratio = [&](const net& of) {
          const auto a = column(of, k), b = column(of, l);
          return std::log(product(a, a) / product(b, b)) / 2;
        };
        CHECK(close_to(ratio(student) - ratio(p.student), integral[k] - integral[l], 1e-10));
      }
    }
  }
}

TEST_CASE("Theorem 6: what a teacher node does to a student is between the two, always") {
  problem p;
  auto flow = flow_of(p.loss, p.student, 1e-10);
  std::vector<double> pull(d);
  for (int step = 0; step < 20; ++step) {
    flow.advance(0.25 * step);
    for (std::size_t k = 0; k < n; ++k) {
      for (std::size_t j = 0; j < m; ++j) {
        const auto w = column(flow.student(), k), w_star = column(p.teacher, j);
        const std::span<const double> ws(w), ts(w_star), ps(pull);
        gaussian_pair<double>(ws, ts).gated(pull);
        const double theta = angle_between(ws, ts).radians();
        const double from_w = angle_between(ws, ps).radians(),
                     from_w_star = angle_between(ts, ps).radians();
        // In the plane, between them: the angles add up. And nearer to the teacher.
        CHECK(close_to(from_w + from_w_star, theta, 1e-10));
        CHECK(from_w_star < from_w);
        // The theorem's factors, with unit vectors and without its factor |w|/2.
        for (std::size_t i = 0; i < d; ++i) {
          const double length = std::sqrt(product(w, w)), star = std::sqrt(product(w_star, w_star));
          const double expected =
              star / (2 * M_PI) *
              ((M_PI - theta) * w_star[i] / star + std::sin(theta) * w[i] / length);
          CHECK(close_to(pull[i], expected, 1e-14 * star));
        }
      }
    }
  }
}

TEST_CASE("the time to leave the opposite direction") {
  // One teacher, one student of fixed length: theta' = -sin theta (pi - theta)/(2 pi). Near pi that
  // is -(pi - theta)^2/(2 pi): from pi - eps it takes 2 pi (1/eps - 1/(pi - theta_0)), nearly.
  net teacher({2, 1, 1}), student({2, 1, 1});
  teacher.layer<1>().weights()(0, 0) = 1;
  teacher.layer<2>().weights()(0, 0) = student.layer<2>().weights()(0, 0) = 1;
  population loss(teacher);
  const double eps = 1e-3, end = 0.1;
  student.layer<1>().weights()(0, 0) = -std::cos(eps);
  student.layer<1>().weights()(1, 0) = std::sin(eps);
  auto flow = flow_of<fixed_fan_out, projected_motion>(loss, student, 1e-12);
  const auto left = [&] {
    const auto W = flow.student().layer<1>().weights();
    return std::atan2(W(1, 0), -W(0, 0));
  };
  const double t0 = 2 * M_PI * (1 / eps - 1 / end);
  flow.advance(t0);
  // sin theta = phi (1 - phi^2/6): a delay of the order of 2 pi end/6, where phi' is end^2/(2 pi).
  CHECK(close_to(left(), end, end * end * end));
  CHECK(close_to(left(), end - end * end * end / 6, 2 * end * end * end * end));
}
