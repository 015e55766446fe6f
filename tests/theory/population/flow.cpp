#include <cmath>
#include <limits>
#include <span>
#include <tutelage/theory/population/biased_population.hpp>
#include <tutelage/theory/population/flow.hpp>
#include <tutelage/theory/population/population.hpp>
#include <vector>

#include "support/close_to.hpp"
#include "support/network_of.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

template <class Bias>
using net = two_layer<double, relu, dynamic, dynamic, dynamic, Bias>;

template <class Bias>
auto loss_against(const net<Bias>& teacher) {
  if constexpr (std::is_same_v<Bias, no_bias>) {
    return population(teacher);
  } else {
    return biased_population(teacher);
  }
}

// The classical Runge-Kutta method with fixed steps.
template <class FanOut, class Motion, class Loss, class Student>
Student by_fixed_steps(Loss& loss, Student student, double until, int steps) {
  gradients<Student> found;
  std::vector<double> x(parameter_count<FanOut>(student));
  read_parameters<FanOut>(student, std::span<double>(x));
  const double h = until / steps;
  const auto slope = [&](const std::vector<double>& along, double part) {
    auto at = x;
    for (std::size_t i = 0; i < at.size() && part != 0; ++i) at[i] += part * along[i];
    write_parameters<FanOut>(std::span<const double>(at), student);
    descent_direction<Motion>(loss, student, found);
    std::vector<double> result(x.size());
    read_parameters<FanOut>(found, std::span<double>(result));
    return result;
  };
  for (int s = 0; s < steps; ++s) {
    const auto k1 = slope({}, 0), k2 = slope(k1, h / 2), k3 = slope(k2, h / 2), k4 = slope(k3, h);
    for (std::size_t i = 0; i < x.size(); ++i)
      x[i] += h / 6 * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]);
  }
  write_parameters<FanOut>(std::span<const double>(x), student);
  return student;
}

template <class Student>
comparison near(const Student& a, const Student& b, double tolerance) {
  auto found =
      close_to(a.template layer<1>().weights(), b.template layer<1>().weights(), tolerance);
  const auto upper =
      close_to(a.template layer<2>().weights(), b.template layer<2>().weights(), tolerance);
  found.add(upper.worst, 1, upper.where, 0, 0);
  return found;
}

template <class Student>
double square(const Student& student, std::size_t k) {
  double sum = 0;
  const auto W = student.template layer<1>().weights();
  for (std::size_t i = 0; i < W.rows(); ++i) sum += W(i, k) * W(i, k);
  return sum;
}

}  // namespace

TEST_CASE_TEMPLATE("as small fixed steps have it", Bias, with_bias, no_bias) {
  const auto teacher = random_network<net<Bias>>({3, 2, 2}, 1);
  const auto student = random_network<net<Bias>>({3, 3, 2}, 2);
  auto loss = loss_against<Bias>(teacher);
  const auto check = [&]<class FanOut, class Motion>(FanOut, Motion) {
    auto flow = flow_of<FanOut, Motion>(loss, student, 1e-11);
    flow.advance(2);
    CHECK(flow.time() == 2);
    // Steps of 1/100: an error of 1e-8 h^4-ish, far below the difference that a wrong term makes.
    CHECK(near(flow.student(), by_fixed_steps<FanOut, Motion>(loss, student, 2, 200), 1e-8));
  };
  check(trained_fan_out{}, free_motion{});
  check(fixed_fan_out{}, projected_motion{});
}

TEST_CASE_TEMPLATE("what flows keep", Bias, with_bias, no_bias) {
  auto teacher = random_network<net<Bias>>({4, 2, 2}, 3);
  auto student = random_network<net<Bias>>({4, 3, 2}, 4);
  for (auto* of : {&teacher, &student}) {  // so that no node has to vanish
    const auto V = of->template layer<2>().linear_weights();
    for (std::size_t k = 0; k < V.rows(); ++k) {
      for (double& x : V.row(k)) x = std::abs(x);
    }
  }
  auto loss = loss_against<Bias>(teacher);
  auto free = flow_of(loss, student, 1e-11);
  auto projected = flow_of<trained_fan_out, projected_motion>(loss, student, 1e-11);
  auto fixed = flow_of<fixed_fan_out>(loss, student, 1e-11);
  double last = loss.loss(student);
  for (const double until : {0.5, 1.0, 3.0}) {
    free.advance(until);
    projected.advance(until);
    fixed.advance(until);
    CHECK(free.loss() < last);
    last = free.loss();
    for (std::size_t k = 0; k < 3; ++k) {
      // w_k and v_k grow alike: f is homogeneous in w_k (with its bias) and in v_k.
      const auto balance = [&](const net<Bias>& s) {
        double v = 0;
        for (const double x : s.template layer<2>().weights().row(k)) v += x * x;
        return square(s, k) - v;
      };
      CHECK(close_to(balance(free.student()), balance(student), 1e-9));
      CHECK(close_to(square(projected.student(), k), square(student, k), 1e-9));
    }
    CHECK(fixed.student().template layer<2>().weights()(0, 0) ==
          student.template layer<2>().weights()(0, 0));
  }
}

TEST_CASE("a student finds its teacher") {
  const auto teacher = random_network<net<no_bias>>({5, 2, 3}, 5);
  const auto student = random_network<net<no_bias>>({5, 6, 3}, 6);
  population loss(teacher);
  auto flow = flow_of(loss, student, 1e-9);
  flow.advance(500);
  CHECK(flow.loss() < 1e-6);
  CHECK(flow.steps() < 5000);
}

TEST_CASE("a node that must vanish does, and the flow ends there") {
  // w' = -(w + w*)/2 for a student on its teacher's line with the opposite fan-out: from 3 w* to
  // zero in time 2 ln 4.
  net<no_bias> teacher({2, 1, 1}), student({2, 1, 1});
  teacher.layer<1>().weights()(0, 0) = teacher.layer<2>().weights()(0, 0) = 1;
  student.layer<1>().weights()(0, 0) = 3;
  student.layer<2>().weights()(0, 0) = -1;
  population loss(teacher);
  auto flow = flow_of<fixed_fan_out>(loss, student, 1e-10);
  flow.advance(2 * std::log(2.0));
  CHECK(close_to(flow.student().layer<1>().weights()(0, 0), 1, 1e-9));
  CHECK(message_of<argument_error>([&] {
          flow.advance(5);
        }).starts_with("adaptive_flow: no step is small enough at time 2.77258"));
}

TEST_CASE("times, tolerances and singularities") {
  const auto teacher = random_network<net<no_bias>>({2, 1, 1}, 7);
  population loss(teacher);
  auto flow = flow_of(loss, teacher);
  flow.advance(0);
  CHECK(flow.steps() == 0);
  flow.step();
  CHECK(flow.steps() == 1);
  CHECK(flow.time() > 0);
  CHECK(message_of<argument_error>([&] {
          flow.advance(-1);
        }).starts_with("adaptive_flow: until -1, the time is "));
  CHECK(message_of<argument_error>([&] { flow_of(loss, teacher, 0.0); }) ==
        "adaptive_flow: tolerance 0, expected a positive number");
  // x' = x^2 from 1 ends at time 1.
  const auto blow_up = [](std::span<const double> x, std::span<double> dx) { dx[0] = x[0] * x[0]; };
  adaptive_flow<double, decltype(blow_up)> ends({1}, blow_up, 1e-8);
  ends.advance(0.5);
  CHECK(close_to(ends.position()[0], 2, 1e-7));
  CHECK(message_of<argument_error>([&] {
          ends.advance(2);
        }).starts_with("adaptive_flow: no step is small enough at time "));
}

TEST_CASE_TEMPLATE("units change nothing: every step is the same, digit for digit", Bias, with_bias,
                   no_bias) {
  // Weights, fan-outs and biases times p, inputs times s, all powers of two: time goes by 1/(p s)^2.
  // With biases inputs keep their unit.
  const auto follow = [](double p, double s) {
    auto teacher = random_network<net<Bias>>({4, 2, 2}, 11);
    auto student = random_network<net<Bias>>({4, 5, 2}, 12);
    for (auto* of : {&teacher, &student}) {
      for (auto W : {of->template layer<1>().weights(), of->template layer<2>().weights()}) {
        for (std::size_t i = 0; i < W.rows(); ++i) {
          for (double& x : W.row(i)) x *= p;
        }
      }
    }
    const auto run = [&](auto loss) {
      auto flow = flow_of<fixed_fan_out>(loss, student, 1e-8);
      for (int i = 0; i < 40; ++i) flow.step();
      flow.advance(flow.time() * 1.5);
      const double x = flow.student().template layer<1>().weights()(0, 0);
      return std::vector<double>{flow.time() * (p * s) * (p * s), x / p,
                                 static_cast<double>(flow.steps())};
    };
    if constexpr (std::is_same_v<Bias, no_bias>) {
      return run(population(teacher, s));
    } else {
      return run(biased_population(teacher, s));
    }
  };
  const auto expected = follow(1, 1);
  CHECK(std::isfinite(expected[1]));
  if constexpr (std::is_same_v<Bias, no_bias>) {
    for (const double p : {1.0 / 1024, 1024.0}) {
      for (const double s : {1.0 / 1024, 1.0, 1024.0}) CHECK(follow(p, s) == expected);
    }
  } else {
    // The output bias is a constant's fan-out, not the square of anything: fan-outs stay.
    for (const double s : {30.0, 1000.0}) CHECK(std::isfinite(follow(1, s)[1]));
  }
}

TEST_CASE("wide networks and large inputs") {
  auto teacher = random_network<net<no_bias>>({100, 10, 50}, 13);
  auto student = random_network<net<no_bias>>({100, 50, 50}, 14);
  for (const double std : {10.0, 30.0, 100.0, 1e4, 1e-4}) {
    population loss(teacher, std);
    auto flow = flow_of(loss, student, 1e-6);
    double last = flow.loss();
    for (int i = 0; i < 5; ++i) {
      flow.step();
      CHECK(flow.loss() < last);
      last = flow.loss();
    }
  }
}

TEST_CASE("a stage that overflows is refused, whichever it is") {
  // Finite up to 1, then no number: each stage of a step from 0.9 on may be the one that sees it.
  for (const double bad : {std::numeric_limits<double>::infinity(), std::nan("")}) {
    const auto wall = [&](std::span<const double> x, std::span<double> dx) {
      dx[0] = x[0] <= 1 ? 1 : bad;
    };
    adaptive_flow<double, decltype(wall)> flow({0.5}, wall, 1e-6);
    CHECK(message_of<argument_error>([&] {
            while (flow.time() < 2) {
              flow.step();
              CHECK(flow.position()[0] <= 1);
            }
          }).starts_with("adaptive_flow: no step is small enough at time "));
    CHECK(close_to(flow.position()[0], 1, 1e-2));
    CHECK(message_of<argument_error>([&] {
            adaptive_flow<double, decltype(wall)>({2.0}, wall, 1e-6);
          }) == "adaptive_flow: the velocity of the start is not finite");
    CHECK(message_of<argument_error>([&] {
            adaptive_flow<double, decltype(wall)>({bad}, wall, 1e-6);
          }) == "adaptive_flow: the start is not finite, expected numbers");
  }
  // One stage only, each in its turn, the last of a step among them: it leaves no trace.
  for (int bad = 4; bad < 40; ++bad) {
    int calls = 0;
    const auto once = [&](std::span<const double>, std::span<double> dx) {
      dx[0] = ++calls == bad ? std::nan("") : 1;
    };
    adaptive_flow<double, decltype(once)> flow({0.5}, once, 1e-6);
    while (flow.steps() < 20) flow.step();
    CHECK(calls > bad);
    CHECK(close_to(flow.position()[0], 0.5 + flow.time(), 64 * epsilon<double> * flow.time()));
  }
}

TEST_CASE("a fixed point stays, at any size of step") {
  const auto still = [](std::span<const double>, std::span<double> dx) { dx[0] = 0; };
  adaptive_flow<double, decltype(still)> flow({3}, still, 1e-6);
  flow.advance(1e300);
  CHECK(flow.position()[0] == 3);
  // Close to one, where speeds say nothing of the rate.
  const auto decay = [](std::span<const double> x, std::span<double> dx) {
    dx[0] = -1e3 * (x[0] - 2);
    dx[1] = -(x[1] - 1);
  };
  for (const double off : {0.0, 1e-13, 1e-8}) {
    adaptive_flow<double, decltype(decay)> ends({2 + off, 1 + off}, decay, 1e-10);
    ends.advance(10);
    CHECK(close_to(ends.position()[0], 2, 1e-9));
    CHECK(close_to(ends.position()[1], 1, 1e-9));
  }
}
