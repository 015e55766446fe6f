// Do a teacher and a student fit? One call at the head of every function that takes two networks:
//
//   detail::require_pair("balance_groups", teacher, student);
//   detail::require_pair<same_depth, same_scalar>("align", teacher, student);
//   detail::require_same_inputs("align_weights", teacher, student);  // two layers
//
// Static widths are compared by the compiler, dynamic ones when the call is made, in the same words.
// The numbers are template arguments of the function that fails, so that compilers print them below
// the sentence. `dynamic` never is among them: it may be equal to anything.
#pragma once

#include <concepts>
#include <cstddef>

#include <tutelage/core/errors.hpp>
#include <tutelage/core/extents.hpp>
#include <tutelage/core/numbers.hpp>

namespace tutelage::inline TUTELAGE_TARGET::detail {

template <std::size_t Teacher, std::size_t Student>
constexpr void check_inputs() {
  static_assert(may_be_equal<Teacher, Student>,
                "teacher and student take different inputs; see "
                "check_inputs<teacher takes, student takes>");
}

template <std::size_t Teacher, std::size_t Student>
constexpr void check_outputs() {
  static_assert(may_be_equal<Teacher, Student>,
                "teacher and student give different outputs; see "
                "check_outputs<teacher gives, student gives>");
}

template <std::size_t Teacher, std::size_t Student>
constexpr void check_depths() {
  static_assert(Teacher == Student,
                "teacher and student have different depths; see deepen and "
                "check_depths<teacher's layers, student's layers>");
}

/// What a function may want of a pair beside inputs and outputs: as many layers ...
struct same_depth {
  template <class Teacher, class Student>
  static constexpr void check() {
    check_depths<Teacher::depth, Student::depth>();
  }
};

/// ... and one scalar.
struct same_scalar {
  template <class Teacher, class Student>
  static constexpr void check() {
    static_assert(std::same_as<typename Teacher::value_type, typename Student::value_type>,
                  "teacher and student have different scalars; see network_cast");
  }
};

/// Do data fit a network's scalar?
template <class Data, class Network>
constexpr void check_data_scalar() {
  static_assert(std::same_as<Data, Network>,
                "data and network have different scalars; see network_cast");
}

/// What the compiler can know of a pair; for functions that hold no teacher, but know its type.
template <class Teacher, class Student, class... Also>
constexpr void check_pair() {
  check_inputs<Teacher::in_extent, Student::in_extent>();
  check_outputs<Teacher::out_extent, Student::out_extent>();
  (Also::template check<Teacher, Student>(), ...);
}

/// Throws shape_error unless two networks, or two layers, take as many inputs.
template <class Teacher, class Student>
constexpr void require_same_inputs(const char* function, const Teacher& teacher,
                                   const Student& student) {
  check_inputs<Teacher::in_extent, Student::in_extent>();
  if (teacher.in_width() != student.in_width()) {
    throw shape_error(text(function, ": teacher and student take different inputs; the teacher ",
                           teacher.in_width(), ", the student ", student.in_width()));
  }
}

/// Throws shape_error unless they give as many outputs.
template <class Teacher, class Student>
constexpr void require_same_outputs(const char* function, const Teacher& teacher,
                                    const Student& student) {
  check_outputs<Teacher::out_extent, Student::out_extent>();
  if (teacher.out_width() != student.out_width()) {
    throw shape_error(text(function, ": teacher and student give different outputs; the teacher ",
                           teacher.out_width(), ", the student ", student.out_width()));
  }
}

/// Throws shape_error unless they do both; the compiler sees to what else is wanted.
template <class... Also, class Teacher, class Student>
constexpr void require_pair(const char* function, const Teacher& teacher, const Student& student) {
  check_pair<Teacher, Student, Also...>();
  require_same_inputs(function, teacher, student);
  require_same_outputs(function, teacher, student);
}

template <std::size_t Layer, std::size_t Teacher, std::size_t Student>
constexpr void check_nodes() {
  static_assert(Teacher == dynamic || Student == dynamic || Student >= Teacher,
                "a hidden layer of the student has fewer nodes than the teacher's; see "
                "check_nodes<layer, teacher's nodes, student's nodes>");
}

/// Throws shape_error unless each hidden layer of a student that is as deep as its teacher has at
/// least as many nodes.
template <class Teacher, class Student>
constexpr void require_hidden_nodes(const char* function, const Teacher& teacher,
                                    const Student& student) {
  for_each_number<Teacher::depth - 1>([](auto l) {
    check_nodes<l, Teacher::template layer_type<l>::out_extent,
                Student::template layer_type<l>::out_extent>();
  });
  const auto m = teacher.widths();
  const auto n = student.widths();
  for (std::size_t l = 1; l < Teacher::depth; ++l) {
    if (n[l] < m[l]) {
      throw shape_error(
          text(function, ": width ", l, " of the student is ", n[l], ", expected at least ", m[l]));
    }
  }
}

}  // namespace tutelage::detail
