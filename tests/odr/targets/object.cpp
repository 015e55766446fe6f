// Built twice, for this processor and for any of its family, and linked into one program.
#include "odr/targets/object.hpp"

#include <array>
#include <cstddef>
#include <typeinfo>

#include <tutelage/analysis.hpp>
#include <tutelage/data/student.hpp>
#include <tutelage/theory.hpp>
#include <tutelage/tutelage.hpp>

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

targets::object targets::OBJECT() {
  using namespace tutelage;
  using net = mlp<double, relu, 20, 7, 5>;
  net teacher, student;
  construct_teacher(teacher, {.seed = 1}, constant_bias{0.1});
  construct_teacher(student, {.seed = 2}, constant_bias{0.2});
  const auto x = draw_inputs<double>(gaussian_inputs{}, 100, 20, 1);
  gradient_rule rule(teacher, student);
  rule.evaluate(x);
  object result{TEXT(TUTELAGE_TARGET), typeid(net).name(), 0};
  const auto g = rule.g<1>();
  for (std::size_t i = 0; i < g.rows(); ++i) {
    for (const double value : g.row(i)) result.sum += value * value;
  }
  result.sum += align(teacher, student, x)[0].rho_mean();
  return result;
}

void targets::THROWS() { throw tutelage::shape_error(TEXT(TUTELAGE_TARGET)); }

bool targets::CATCHES(void (*call)()) {
  try {
    call();
  } catch (const tutelage::shape_error&) {
    return true;
  }
  return false;
}
