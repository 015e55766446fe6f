// Random pairs of all depths, gates and biases, whose gradients by the rule are those of
// backpropagation. One test a scalar.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ratio>

#include "support/rule_case.hpp"

namespace test {

// Pairs of random widths, until `wanted` of them have gates that no rounding can flip. The
// gradients of every pair are compared, the matrices of every tenth.
template <class Teacher, class Student>
void check_pairs(std::size_t wanted, std::uint64_t seed) {
  using T = typename Student::value_type;
  stream random = random_stream(seed);
  std::size_t judged = 0;
  for (std::size_t drawn = 0; judged < wanted && drawn < 4 * wanted; ++drawn) {
    auto m = random_widths<Teacher::depth>(random);
    const auto n = random_widths<Student::depth>(random);
    m.front() = n.front();
    m.back() = n.back();
    Teacher teacher(m);
    Student student(n);
    randomize(teacher, random);
    randomize(student, random);
    const auto x = random_matrix<T>(1 + random.below(2), n.front(), random);
    const rule_case<T> expected(reference::plain(teacher), reference::plain(student), x);
    if (!expected.gates_are_certain) continue;
    const auto computed = run_rule(teacher, student, x);
    judge_gradients(computed, expected);
    if (judged % 10 == 0) judge_matrices(computed, expected, x.shape(0) - 1);
    ++judged;
  }
  CHECK(judged == wanted);
}

template <class T>
void check_all_pairs() {
  constexpr std::size_t pairs = 340;  // of each of six kinds: more than 2000
  using plain = dense<T, dynamic, dynamic, relu>;
  using bare = dense<T, dynamic, dynamic, relu, no_bias>;
  using leaky = dense<T, dynamic, dynamic, leaky_relu<std::ratio<1, 4>>>;
  using bare_leaky = dense<T, dynamic, dynamic, leaky_relu<std::ratio<1, 8>>, no_bias>;
  using linear = dense<T, dynamic, dynamic, identity>;
  using bare_linear = dense<T, dynamic, dynamic, identity, no_bias>;
  check_pairs<network<linear>, network<bare_linear>>(pairs, 1);
  check_pairs<network<plain, linear>, network<plain, linear>>(pairs, 2);
  check_pairs<network<bare, bare, bare_linear>, network<bare_leaky, bare, bare_linear>>(pairs, 3);
  check_pairs<network<plain, plain, plain, linear>, network<plain, plain, plain, linear>>(pairs, 4);
  check_pairs<network<leaky, leaky, leaky, leaky, linear>,
              network<plain, linear, bare, leaky, linear>>(pairs, 5);
  check_pairs<network<plain, bare, plain, plain, plain, linear>,
              network<plain, plain, plain, plain, bare, bare_linear>>(pairs, 6);
}

}  // namespace test
