// Reads the models that round_trip.py writes, compares outputs, and writes the models back.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>

#include <tutelage/io.hpp>
#include <tutelage/model/batch_norm.hpp>
#include <tutelage/model/conv2d.hpp>
#include <tutelage/model/flatten.hpp>
#include <tutelage/model/gated.hpp>
#include <tutelage/model/residual.hpp>

namespace {

using namespace tutelage;

template <class T>
matrix<T> read_matrix(const std::string& path) {
  const array_file file(path);
  const auto& array = file.arrays().at(0);
  auto result = make_matrix<T>(array.shape.at(0), array.size() / array.shape.at(0));
  array.read(matrix_view(result), false);
  return result;
}

// |actual - expected| within `tolerance` of the largest expected number.
template <class T>
void compare(const std::string& what, const matrix<T>& actual, const matrix<T>& expected,
             double tolerance) {
  double largest = 0, error = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    largest = std::max(largest, static_cast<double>(std::abs(expected.data()[i])));
    error = std::max(error, static_cast<double>(std::abs(actual.data()[i] - expected.data()[i])));
  }
  std::printf("%s: outputs differ by %.2g of the largest\n", what.c_str(), error / largest);
  if (!(error <= tolerance * largest)) throw std::runtime_error(what + ": outputs differ");
}

template <class T, class Network>
void round_trip(const std::string& folder, const std::string& name, const std::string& ending,
                Network net) {
  const std::string stem = folder + "/" + name;
  load(stem + ending, net);
  const auto x = read_matrix<T>(stem + ".x.npy");
  const auto y = read_matrix<T>(stem + ".y.npy");
  compare(name, net(x), y, sizeof(T) == 4 ? 1e-6 : 1e-12);
  save(stem + ".back.safetensors", net);
}

template <class T, class Gate = relu>
dense<T, dynamic, dynamic, Gate> linear(std::size_t in, std::size_t out) {
  return {in, out};
}

template <class T>
auto conv_net() {
  return network(conv2d<T>({2, 7, 7}, {.filters = 4, .size = 3, .padding = 1}), batch_norm<T>(4),
                 gated<relu>(),
                 conv2d<T, dynamic, relu>({4, 7, 7}, {.filters = 3, .size = 3, .stride = 2}),
                 flatten<>(), linear<T, identity>(27, 5));
}

template <class T>
auto residual_net() {
  return network(linear<T>(12, 8),
                 residual{batch_norm<T>(8), gated<relu>(), linear<T, identity>(8, 8),
                          batch_norm<T>(8), gated<relu>(), linear<T, identity>(8, 8)},
                 residual{linear<T>(8, 8), linear<T, identity>(8, 8)}, linear<T, identity>(8, 4));
}

template <class T, std::size_t depth, class Gate = relu>
void round_trip(const std::string& folder, const std::string& name, const std::string& ending) {
  const std::string stem = folder + "/" + name;
  const auto net = load_mlp<T, depth, Gate>(stem + ending);
  const auto x = read_matrix<T>(stem + ".x.npy");
  const auto y = read_matrix<T>(stem + ".y.npy");
  compare(name, net(x), y, sizeof(T) == 4 ? 1e-6 : 1e-12);
  save(stem + ".back.safetensors", net);
}

void half(const std::string& folder, const std::string& name) {
  const auto net = load_mlp<double, 1>(folder + "/" + name + ".safetensors");
  const auto W = read_matrix<double>(folder + "/" + name + ".npy");
  for (std::size_t i = 0; i < 2; ++i) {
    for (std::size_t k = 0; k < 2; ++k) {
      if (net.layer<1>().weights()(k, i) != W(i, k)) {
        throw std::runtime_error(name + ": a weight is another");
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::string folder = argc == 2 ? argv[1] : throw std::runtime_error("takes a folder");
    round_trip<double, 3>(folder, "relu64", ".safetensors");
    round_trip<float, 3>(folder, "relu32", ".safetensors");
    round_trip<double, 3, leaky_relu<>>(folder, "leaky64", ".npz");
    round_trip<float>(folder, "conv32", ".npz", conv_net<float>());
    round_trip<double>(folder, "conv64", ".safetensors", conv_net<double>());
    round_trip<float>(folder, "residual32", ".safetensors", residual_net<float>());
    round_trip<double>(folder, "residual64", ".npz", residual_net<double>());
    round_trip<float, 11>(folder, "named32", ".safetensors");
    round_trip<double, 11>(folder, "named64", ".npz");
    const auto student = tutelage::load_mlp<double, 3>(folder + "/student.npz");  // the README's
    compare("student", student(read_matrix<double>(folder + "/relu64.x.npy")),
            read_matrix<double>(folder + "/relu64.y.npy"), 1e-12);
    half(folder, "half");
    half(folder, "brain");
  } catch (const std::exception& e) {
    std::fprintf(stderr, "round_trip: %s\n", e.what());
    return 1;
  }
  return 0;
}
