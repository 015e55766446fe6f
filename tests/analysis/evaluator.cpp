#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <tutelage/analysis/evaluator.hpp>
#include <tutelage/data/student.hpp>
#include <tutelage/data/teacher.hpp>

#include "support/framed.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"
#include "support/weights.hpp"

namespace {

using namespace test;

using deep = mlp<double, relu, 6, 5, 4, 3>;
using wide = mlp<double, relu, dynamic, dynamic, dynamic, dynamic>;

deep make_teacher() {
  deep teacher;
  construct_teacher(teacher, {.seed = 3}, uniform_bias{});
  return teacher;
}

wide make_student(std::uint64_t seed) {
  wide student({6, 9, 12, 3});
  stream random = random_stream(seed);
  randomize(student, random);
  return student;
}

matrix<double> make_inputs(std::size_t N) {
  return draw_inputs<double>(gaussian_inputs{1.5}, N, 6, 3, purpose::evaluation);
}

using with_outputs = data_set<matrix<double>, matrix<double>>;
with_outputs outputs_of(const deep& teacher, std::size_t N) {
  auto x = make_inputs(N);
  auto y = outputs(teacher, x);
  return {std::move(x), std::move(y)};
}

template <class Found>
void check_equal(const Found& found, const std::vector<alignment>& expected) {
  REQUIRE(found.layers.size() == expected.size());
  for (std::size_t l = 0; l < expected.size(); ++l) {
    const auto &got = found.layers[l].measured(), &wanted = expected[l].measured();
    CHECK(got.samples == wanted.samples);
    CHECK(got.rho == wanted.rho);
    CHECK(got.cosine == wanted.cosine);
    CHECK(got.teacher_states == wanted.teacher_states);
    CHECK(got.student_states == wanted.student_states);
  }
}

}  // namespace

TEST_CASE("one pass gives the bits of mean_loss, align and accuracy, for any number of students") {
  const auto teacher = make_teacher();
  for (const std::size_t N : {2U, 256U, 257U, 700U}) {  // around the chunk of 256 rows
    const auto data = outputs_of(teacher, N);
    auto labels = argmax(data.targets());
    labels[N / 2] = (labels[N / 2] + 1) % 3;
    const data_set labelled(data.inputs(), labels);
    const evaluator judge(teacher, data), with_labels(teacher, data, labels);
    const evaluator of_labels(teacher, labelled);
    for (const std::uint64_t seed : {1U, 2U}) {
      const auto student = make_student(seed);
      const auto matches = align(teacher, student, data.inputs());
      const auto now = judge(student, mean_squared_error{});
      CHECK(now.loss == mean_loss(student, data, mean_squared_error{}));
      CHECK(!now.accuracy);
      check_equal(now, matches);
      const auto labelled_too = with_labels(student, mean_squared_error{});
      CHECK(labelled_too.loss == now.loss);
      CHECK(labelled_too.accuracy == accuracy(student, labelled));
      const auto entropy = of_labels(student, cross_entropy{});
      CHECK(entropy.loss == mean_loss(student, labelled, cross_entropy{}));
      check_equal(entropy, matches);
    }
    // Its own student is right but for one label.
    const auto itself = with_labels(teacher, mean_squared_error{});
    CHECK(itself.loss == 0);
    CHECK(itself.accuracy == static_cast<double>(N - 1) / static_cast<double>(N));
  }
}

TEST_CASE("rows that are padded, and a network without hidden layers") {
  const auto teacher = make_teacher();
  const auto x = make_inputs(300);
  framed<double> padded(x, 2, not_a_number<double>);
  const data_set data(padded.view(), outputs(teacher, x));
  const evaluator judge(teacher, data);
  const auto student = make_student(4);
  check_equal(judge(student, mean_squared_error{}), align(teacher, student, x));

  const mlp<double, relu, 6, 2> linear;
  const data_set of_linear(x, outputs(linear, x));
  const evaluator alone(linear, of_linear, std::vector<label>(300, 0));
  const auto now = alone(linear, mean_squared_error{});
  CHECK(now.layers.empty());
  CHECK(now.accuracy == 1);  // of equal outputs the first
}

TEST_CASE("what an evaluator refuses") {
  const auto teacher = make_teacher();
  auto data = outputs_of(teacher, 300);
  const auto made_with = [&](std::vector<label> labels) {
    return [&, labels] { evaluator(teacher, data, labels); };
  };
  CHECK(message_of<shape_error>(made_with(std::vector<label>(299))) ==
        "evaluator: 299 labels for 300 samples");
  std::vector<label> labels(300, 0);
  labels[280] = 3;
  CHECK(message_of<argument_error>(made_with(labels)) ==
        "evaluator: label 3 of sample 280, expected one below 3");
  const data_set narrow(make_matrix<double>(3, 5), make_matrix<double>(3, 3));
  CHECK(message_of<shape_error>([&] { evaluator(teacher, narrow); }) ==
        "forward: x is (3x5), expected (3x6)");

  const evaluator judge(teacher, data);
  const auto refused = [&](const wide& student) {
    return message_of<shape_error>([&] { (void)judge(student, mean_squared_error{}); });
  };
  CHECK(refused(wide({5, 5, 4, 3})) ==
        "align: teacher and student take different inputs; the teacher 6, the student 5");
  CHECK(refused(wide({6, 5, 4, 2})) ==
        "align: teacher and student give different outputs; the teacher 3, the student 2");
  auto student = make_student(5);
  student.layer<3>().weights()(0, 0) = std::numeric_limits<double>::infinity();
  CHECK(message_of<argument_error>([&] {
          (void)judge(student, mean_squared_error{});
        }).find("evaluator: the mean loss is ") == 0);
  const auto one = outputs_of(teacher, 1);
  const evaluator of_one(teacher, one);
  CHECK(message_of<argument_error>([&] { (void)of_one(teacher, mean_squared_error{}); }) ==
        "correlation: samples seen: 1, expected at least 2");

  // Data that are others than they were.
  const auto taken = std::move(data);
  CHECK(refused(make_student(6)) == "evaluator: the data set has 0 samples now, expected 300");
  CHECK(message_of<shape_error>([&] { evaluator(teacher, data); }) ==
        "evaluator: the data set has no samples: it was moved from");
}
