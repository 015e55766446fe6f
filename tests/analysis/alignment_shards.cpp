// Alignment over shards of the data, collected apart and merged.
#include <cmath>
#include <string>

#include <tutelage/analysis/alignment.hpp>
#include <tutelage/io/blocks.hpp>

#include "support/close_to.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"
#include "support/weights.hpp"

namespace {

using namespace test;

template <class T>
void fill(correlation_accumulator<T>& to, const matrix<T>& f_star, const matrix<T>& f,
          std::size_t first, std::size_t count) {
  to.add(matrix_view<const T>(f_star).middle_rows(first, count),
         matrix_view<const T>(f).middle_rows(first, count));
}

std::span<const unsigned char> bytes_of(const std::string& content) {
  return {reinterpret_cast<const unsigned char*>(content.data()), content.size()};
}

}  // namespace

TEST_CASE_TEMPLATE("merged shards are all samples but for rounding", T, float, double) {
  stream random = random_stream(4);
  auto f_star = random_matrix<T>(300, 4, random), f = random_matrix<T>(300, 6, random);
  for (std::size_t i = 0; i < 300; ++i) {
    f_star(i, 0) = T(0.1);                     // constant
    f_star(i, 1) = i < 150 ? T(0.1) : T(0.2);  // constant in each shard
    f(i, 0) = 0;                               // dead
    f(i, 1) += 1000;                           // far from 0
  }
  correlation_accumulator<T> whole(4, 6), merged(4, 6), bytes(4, 6);
  fill(whole, f_star, f, 0, 300);
  for (const std::size_t first : {0U, 150U}) {
    correlation_accumulator<T> part(4, 6), received(4, 6);
    fill(part, f_star, f, first, 50);
    fill(part, f_star, f, first + 50, 100);
    merged.merge(part);
    merged.merge(correlation_accumulator<T>(4, 6));  // without samples: nothing
    unpack_blocks(bytes_of(pack_blocks(part)), "shard", received);
    bytes.merge(received);
  }
  CHECK(pack_blocks(merged) == pack_blocks(bytes));
  const auto got = merged.result(), wanted = whole.result();
  CHECK(bytes.result().rho == got.rho);
  CHECK(got.samples == 300);
  CHECK(got.teacher_states == wanted.teacher_states);
  CHECK(got.student_states == wanted.student_states);
  CHECK(got.teacher_states[0] == node_state::constant);
  CHECK(got.teacher_states[1] == node_state::active);
  CHECK(got.student_states[0] == node_state::dead);
  // Deviations of 1 from a mean of 1000; products are T's.
  const double tolerance = 16 * static_cast<double>(epsilon<T>) + 300'000 * epsilon<double>;
  CHECK(close_to(got.rho, wanted.rho, tolerance));
  CHECK(close_to(got.cosine, wanted.cosine, tolerance));
}

TEST_CASE("alignments of networks merge layer by layer") {
  using net = mlp<double, relu, dynamic, dynamic, dynamic, dynamic>;
  stream random = random_stream(5);
  net teacher({4, 3, 4, 2}), student({4, 6, 5, 2});
  randomize(teacher, random);
  randomize(student, random);
  const auto x = draw_inputs<double>(gaussian_inputs{}, 90, 4, 3);
  alignment_accumulator<net, net> merged(teacher, student);
  for (const std::size_t first : {0U, 40U}) {
    alignment_accumulator<net, net> part(teacher, student), received(teacher, student);
    activations<net> of_teacher, of_student;
    const auto rows = matrix_view<const double>(x).middle_rows(first, first == 0 ? 40 : 50);
    teacher.forward(rows, of_teacher);
    student.forward(rows, of_student);
    part.add(of_teacher, of_student);
    unpack_blocks(bytes_of(pack_blocks(part)), "shard", received);
    merged.merge(received);
  }
  const auto got = merged.result(), wanted = align(teacher, student, x);
  for (std::size_t l = 0; l < 2; ++l) {
    CHECK(close_to(got[l].measured().rho, wanted[l].measured().rho, 300 * epsilon<double>));
  }
}

TEST_CASE("correlations of another number of nodes") {
  correlation_accumulator<double> here(2, 3);
  CHECK(message_of<shape_error>([&] { here.merge(correlation_accumulator<double>(2, 4)); }) ==
        "correlation: merged with (2x4) nodes, expected (2x3)");
  CHECK(message_of<shape_error>([&] { here.merge(correlation_accumulator<double>(1, 3)); }) ==
        "correlation: merged with (1x3) nodes, expected (2x3)");
}
