#include <cstdio>

#include <tutelage/analysis.hpp>
#include <tutelage/tutelage.hpp>

int main(int argc, char** argv) {
  if (argc > 1) return std::fprintf(stderr, "quickstart: takes no arguments, got %s\n", argv[1]), 2;
  using namespace tutelage;
  const std::uint64_t seed = 1;
  mlp<double, relu, 100, 10, 50> teacher;
  construct_teacher(teacher, {.polarity = 1, .seed = seed}, constant_bias{-0.1});
  mlp<double, relu, 100, 50, 50> student;  // 5 times over-realized
  initialize(student, gaussian_start{0.005}, seed);

  const auto x = draw_inputs<double>(gaussian_inputs{1.5}, 10'000, 100, seed);
  const data_set data(x, outputs(teacher, x));
  train(student, with_replacement(data, {.batch = 16, .steps = 1000, .seed = seed}),
        mean_squared_error{}, sgd{.rate = 0.01}, {.epochs = 20});

  const auto fresh =
      draw_inputs<double>(gaussian_inputs{1.5}, 10'000, 100, seed, purpose::evaluation);
  const alignment matches = align(teacher, student, fresh)[0];
  for (std::size_t j = 0; j < matches.teacher_nodes(); ++j)
    std::printf("teacher %zu: student %zu, rho %.3f\n", j, matches.best_student(j),
                matches.best_rho(j));
  std::printf("rho_mean %.3f\n", matches.rho_mean());
}
