// Networks whose passes PyTorch's autograd computed in double.
#include <array>
#include <ratio>
#include <string>
#include <tutelage/model/network.hpp>

#include "support/network_case.hpp"
#include "support/oracle.hpp"

namespace {

using namespace test;

// The sizes that an oracle states.
template <std::size_t Layers>
std::array<std::size_t, Layers + 1> sizes(const oracle& known, const std::string& of) {
  std::array<std::size_t, Layers + 1> result{};
  const auto numbers = known.numbers("/" + of + "_sizes");
  REQUIRE(numbers.size() == result.size());
  for (std::size_t l = 0; l <= Layers; ++l) result[l] = static_cast<std::size_t>(numbers[l]);
  return result;
}

template <class Network>
void load(Network& net, const oracle& known, const std::string& of) {
  for_each_number<Network::depth>([&](auto l) {
    const auto W = known.matrix("/W_" + of + "/" + std::to_string(l - 1));
    copy(matrix_view(W), net.template layer<l>().weights());
  });
}

// PyTorch rounds as often as we do.
void check(const matrix<double>& computed, const oracle& known, const std::string& pointer,
           const matrix<long double>& gauge, double roundings) {
  INFO(pointer);
  CHECK(within(matrix_view(computed), widen(known.matrix(pointer)), gauge, 2 * roundings));
}

template <class Student, class Gate = typename Student::template layer_type<1>::gate_type>
void check_student(const std::string& name, const Gate& gate = {}) {
  constexpr std::size_t depth = Student::depth;
  const oracle known(name);
  const auto x = known.matrix("/x");
  Student student(sizes<depth>(known, "student"), gate);
  load(student, known, "student");
  CHECK(student.template layer<1>().gate().slope() == known.number("/slope"));
  const auto last = std::to_string(depth - 1);
  const auto y = known.matrix("/f_teacher/" + last);
  const network_case<double> expected(reference::plain(student), x, y);
  const auto computed = run_passes(student, x, y);
  for (std::size_t l = 1; l <= depth; ++l) {
    const auto number = std::to_string(l - 1);
    check(computed.f[l - 1], known, "/f_student/" + number, expected.gauges.f[l],
          expected.roundings);
    check(computed.g[l - 1], known, "/layers/" + number + "/g", expected.gauges.g[l],
          expected.roundings);
    check(computed.dW[l - 1], known, "/dW/" + number, expected.gauges.dW[l - 1],
          expected.roundings);
    CHECK(known.number("/layers/" + number + "/layer") == static_cast<double>(l));
  }
}

// A teacher of dynamic widths.
template <class Teacher, class Gate = typename Teacher::template layer_type<1>::gate_type>
void check_teacher(const std::string& name, const Gate& gate = {}) {
  const oracle known(name);
  Teacher teacher(sizes<Teacher::depth>(known, "teacher"), gate);
  load(teacher, known, "teacher");
  const auto x = known.matrix("/x");
  const network_case<double> expected(reference::plain(teacher), x, teacher(x));
  activations<Teacher> kept;
  teacher.forward(x, kept);
  for (std::size_t l = 1; l <= Teacher::depth; ++l) {
    check(to_matrix(kept.f(l)), known, "/f_teacher/" + std::to_string(l - 1), expected.gauges.f[l],
          expected.roundings);
  }
}

constexpr std::size_t any = dynamic;
using fifth = leaky_relu<std::ratio<1, 5>>;
using run_time = leaky_relu<dynamic_slope>;

}  // namespace

TEST_CASE("oracle: two layers, ReLU") {
  check_student<mlp<double, relu, 5, 6, 2>>("mlp_relu_2layer");
  check_student<mlp<double, relu, any, any, any>>("mlp_relu_2layer");
  check_student<mlp<double, relu, 5, any, 2>>("mlp_relu_2layer");
  check_teacher<mlp<double, relu, any, any, any>>("mlp_relu_2layer");
}

TEST_CASE("oracle: three layers, leaky ReLU") {
  check_student<mlp<double, fifth, 4, 5, 6, 2>>("mlp_leaky_3layer");
  check_student<mlp<double, run_time, any, any, any, any>>("mlp_leaky_3layer", run_time(0.2));
  check_teacher<mlp<double, fifth, any, any, any, any>>("mlp_leaky_3layer");
}

TEST_CASE("oracle: four layers, ReLU") {
  check_student<mlp<double, relu, 6, 7, 5, 6, 3>>("mlp_relu_4layer");
  check_student<mlp<double, relu, any, 7, any, 6, any>>("mlp_relu_4layer");
  check_teacher<mlp<double, relu, any, any, any, any, any>>("mlp_relu_4layer");
}
