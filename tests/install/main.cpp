#include <cstdio>
#include <string>
#include <tutelage/analysis.hpp>
#include <tutelage/data/images.hpp>
#include <tutelage/io.hpp>
#include <tutelage/theory.hpp>
#include <tutelage/tutelage.hpp>

int main(int, char** argv) {
  using namespace tutelage;
  mlp<double, relu, 4, 3, 2> teacher;
  construct_teacher(teacher, {}, constant_bias{0.1}, stream(1, purpose::teacher));
  const auto x = draw_inputs<double>(gaussian_inputs{}, 100, 4, 1);
  const double rho = align(teacher, teacher, x)[0].rho_mean();
  std::printf("%g\n", rho);
  two_layer<double, relu, 4, 3, 2> plain;
  initialize(plain, gaussian_start{1}, stream(1, purpose::student));
  population loss(plain);
  const double J = flow_of(loss, plain).loss();
  const std::string file = std::string(argv[0]) + ".safetensors";
  save(file, teacher);
  const auto loaded = load_mlp<double, 2>(file);
  const bool equal = loaded.layer<2>().weights()(3, 1) == teacher.layer<2>().weights()(3, 1);
  return rho > 0.999 && J < 1e-12 && equal ? 0 : 1;
}
