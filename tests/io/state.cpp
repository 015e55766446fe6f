#include <tutelage/io/state.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <vector>

#include "support/array_content.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;
using namespace tutelage;

using net = mlp<double, relu, dynamic, dynamic, dynamic>;

// An array of a file: its number i is first + i.
struct given {
  std::string name;
  std::vector<std::size_t> shape;
  double first = 0;
};

std::vector<double> values(const given& a) {
  std::size_t size = 1;
  for (const std::size_t n : a.shape) size *= n;
  std::vector<double> result(size);
  for (std::size_t i = 0; i < size; ++i) result[i] = a.first + static_cast<double>(i);
  return result;
}

std::string safetensors_with(const std::vector<given>& arrays) {
  if (arrays.empty()) return safetensors_of("{}", "");
  std::string header, data;
  for (const auto& a : arrays) {
    std::string shape;
    for (const std::size_t n : a.shape) shape += (shape.empty() ? "" : ",") + std::to_string(n);
    const std::size_t begin = data.size();
    data += bytes_of(values(a));
    header += (header.empty() ? "{\"" : ",\"") + a.name + R"(":{"dtype":"F64","shape":[)" + shape +
              "],\"data_offsets\":[" + std::to_string(begin) + "," + std::to_string(data.size()) +
              "]}";
  }
  return safetensors_of(header + "}", data);
}

std::string npz_with(const std::vector<given>& arrays) {
  std::vector<zip_entry> entries;
  for (const auto& a : arrays) {
    std::string shape = "(";
    for (const std::size_t n : a.shape) shape += std::to_string(n) + ",";
    entries.push_back({a.name + ".npy", npy_of("<f8", shape + ")", bytes_of(values(a)))});
  }
  return zip_of(entries);
}

// Does layer l have the [out, in] numbers from `first` on, as `transposed` or not?
template <class Layer>
void check_weights(const Layer& l, double first, bool reversed = false) {
  bool equal = true;
  for (std::size_t i = 0; i < l.in_width(); ++i) {
    for (std::size_t k = 0; k < l.out_width(); ++k) {
      const std::size_t place = reversed ? i * l.out_width() + k : k * l.in_width() + i;
      equal = equal && l.linear_weights()(i, k) == first + static_cast<double>(place);
    }
  }
  CHECK(equal);
}
template <class Layer>
void check_bias(const Layer& l, double first) {
  for (std::size_t k = 0; k < l.out_width(); ++k) {
    CHECK(l.bias()[k] == first + static_cast<double>(k));
  }
}

template <class Network>
std::vector<double> all(const Network& network) {
  std::vector<double> result;
  network.for_each_layer([&](const auto& l, std::size_t) {
    for (std::size_t i = 0; i < l.weights().rows(); ++i) {
      for (const double x : l.weights().row(i)) result.push_back(x);
    }
  });
  return result;
}

template <class Network>
void fill(Network& network) {
  double next = 1;
  network.for_each_parameter([&](const auto& W) {
    for (std::size_t i = 0; i < W.rows(); ++i) {
      for (auto& x : W.row(i)) x = static_cast<typename Network::value_type>(1 / next++);
    }
  });
}

// What load says, after the path.
template <class Network>
std::string problem(const std::string& path, Network& network,
                    const std::vector<std::string>& modules = {}) {
  const auto before = all(network);
  const auto e = thrown_by<format_error>([&] { load(path, network, modules); });
  CHECK(e.file().starts_with(path));
  CHECK(all(network) == before);
  const std::string what = e.what();
  return what.substr(what.find("byte "));
}

}  // namespace

TEST_CASE("state: what is saved is loaded, in the names of nn.Sequential") {
  const temporary_folder folder;
  const std::string path = folder / "net.safetensors";
  net saved({3, 4, 2});
  fill(saved);
  save(path, saved);
  const array_file file(path);
  std::vector<std::string> names;
  for (const auto& a : file.arrays()) names.push_back(a.name + shape_text(a.shape));
  CHECK(names ==
        std::vector<std::string>{"0.weight(4, 3)", "0.bias(4,)", "2.weight(2, 4)", "2.bias(2,)"});
  net loaded({3, 4, 2});
  load(path, loaded);
  CHECK(all(loaded) == all(saved));
  mlp<double, relu, 3, 4, 2> fixed;
  load(path, fixed);
  CHECK(all(fixed) == all(saved));
  CHECK(all(load_mlp<double, 2>(path)) == all(saved));
  const auto leaky = load_mlp<double, 2>(path, {}, leaky_relu<dynamic_slope>(0.25));
  CHECK(all(leaky) == all(saved));
  CHECK(leaky.layer<1>().gate().slope() == 0.25);
  mlp<float, relu, 3, 4, 2> narrow;
  load(path, narrow);
  CHECK(narrow.layer<1>().weights()(0, 1) == 0.5F);
  save(path, narrow);
  CHECK(array_file(path).arrays()[0].type == element_type::float32);
  load(path, fixed);
  CHECK(fixed.layer<1>().weights()(0, 2) == static_cast<double>(1 / 3.0F));
  // Layers without a gate are one module, not two.
  const network<dense<double, 2, 2, identity>, dense<double, 2, 2, identity, no_bias>> plain;
  save(path, plain);
  CHECK(array_file(path).arrays()[2].name == "1.weight");
  CHECK(array_file(path).arrays().size() == 3);
}

TEST_CASE("state: modules of other names, in their order") {
  const temporary_folder folder;
  const auto check = [&](const std::string& content, const std::vector<std::string>& order = {},
                         bool reversed = false) {
    const std::string path = folder.write("file", content);
    net loaded({3, 4, 2});
    load(path, loaded, order);
    check_weights(loaded.layer<1>(), 100, reversed);
    check_bias(loaded.layer<1>(), 200);
    check_weights(loaded.layer<2>(), 300, reversed);
    check_bias(loaded.layer<2>(), 400);
    CHECK(all(load_mlp<double, 2>(path, order)) == all(loaded));
    CHECK(mlp_widths(array_file(path), order) == std::vector<std::size_t>{3, 4, 2});
  };
  const auto named = [](const std::string& one, const std::string& two,
                        const std::string& weight = ".weight", const std::string& bias = ".bias",
                        bool reversed = false) {
    const auto shape = [&](std::size_t out, std::size_t in) {
      return reversed ? std::vector{in, out} : std::vector{out, in};
    };
    return std::vector<given>{{two + bias, {2}, 400},
                              {two + weight, shape(2, 4), 300},
                              {one + weight, shape(4, 3), 100},
                              {one + bias, {4}, 200}};
  };
  for (const auto& arrays :
       {named("0", "2"), named("0", "1"), named("fc1", "fc2"), named("fc9", "fc10"),
        named("net.layers.0", "net.layers.2"), named("hidden", "output"), named("z", "a")}) {
    CAPTURE(arrays[0].name);
    check(safetensors_with(arrays));
    check(npz_with(arrays));
    const auto module = [](const std::string& name) { return name.substr(0, name.rfind('.')); };
    check(npz_with(arrays), {module(arrays[2].name), module(arrays[0].name)});
  }
  check(npz_with(named("params/Dense_0", "params/Dense_1", "/kernel", "/bias", true)), {}, true);
  check(npz_with(named("dense", "dense_1", "/kernel:0", "/bias:0", true)), {}, true);
  auto counted = named("fc1", "fc2");
  counted.push_back({"fc1.num_batches_tracked", {}, 7});
  check(safetensors_with(counted));
}

TEST_CASE("state: layers of equal widths") {
  const temporary_folder folder;
  const auto arrays = [](const std::vector<std::string>& names) {
    std::vector<given> result;
    for (std::size_t i = 0; i < names.size(); ++i) {
      result.push_back({names[i] + ".weight", {2, 2}, 100.0 * static_cast<double>(i)});
      result.push_back({names[i] + ".bias", {2}, 0});
    }
    return result;
  };
  // Number i is in layer `layer_of[i]`.
  const auto check = [&](const std::string& content, const std::vector<std::size_t>& layer_of,
                         const std::vector<std::string>& order = {}) {
    const std::string path = folder.write("file", content);
    mlp<double, relu, 2, 2, 2, 2> loaded;
    load(path, loaded, order);
    const std::vector<double> got{loaded.layer<1>().weights()(0, 0),
                                  loaded.layer<2>().weights()(0, 0),
                                  loaded.layer<3>().weights()(0, 0)};
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(got[layer_of[i] - 1] == 100.0 * static_cast<double>(i));
    }
    CHECK(all(load_mlp<double, 3>(path, order)) == all(loaded));
  };
  check(safetensors_with(arrays({"fc1", "fc10", "fc2"})), {1, 3, 2});
  check(npz_with(arrays({"fc10", "fc2", "fc1"})), {3, 2, 1});
  check(npz_with(arrays({"dense_2", "dense", "dense_1"})), {3, 1, 2});
  check(npz_with(arrays({"in", "hidden", "out"})), {1, 2, 3});  // not the alphabet's
  check(safetensors_with(arrays({"hidden", "in", "out"})), {2, 1, 3}, {"in", "hidden", "out"});
  const std::string path = folder.write("file", safetensors_with(arrays({"hidden", "in", "out"})));
  mlp<double, relu, 2, 2, 2, 2> loaded;
  CHECK(problem(path, loaded) ==
        "byte 0: hidden: could change places with in; name the modules in the network's order: "
        "load(path, network, {\"hidden\", ...})");
  CHECK(thrown_by<format_error>([&] { load_mlp<double, 3>(path); }).field() == "hidden");
}

TEST_CASE("state: missing, surplus and misshapen blocks are named, and nothing is changed") {
  const temporary_folder folder;
  net kept({3, 4, 2});
  fill(kept);
  const std::vector<given> good{
      {"0.weight", {4, 3}}, {"0.bias", {4}}, {"2.weight", {2, 4}}, {"2.bias", {2}}};
  const auto with = [&](std::size_t place, const given& other) {
    auto arrays = good;
    arrays[place] = other;
    return folder.write("file", safetensors_with(arrays));
  };
  CHECK(problem(with(2, {"2.weight", {4, 2}}), kept) ==
        "byte 0: 2: has weight (4, 2), bias (2,), '2' of the network takes weight (2, 4), bias "
        "(2,)");
  CHECK(problem(with(3, {"2.bias", {2, 1}}), kept) ==
        "byte 0: 2: has weight (2, 4), bias (2, 1), '2' of the network takes weight (2, 4), bias "
        "(2,)");
  CHECK(problem(with(3, {"2.offset", {2}}), kept) ==
        "byte 0: 2: has weight (2, 4), offset (2,), '2' of the network takes weight (2, 4), bias "
        "(2,)");
  CHECK(problem(with(3, {"4.bias", {2}}), kept) ==
        "byte 0: 2: has weight (2, 4), '2' of the network takes weight (2, 4), bias (2,)");
  auto arrays = good;
  arrays.pop_back();
  arrays.pop_back();
  CHECK(problem(folder.write("file", safetensors_with(arrays)), kept) ==
        "byte 0: 2.weight: is missing: '2' of the network takes weight (2, 4), bias (2,), and the "
        "file has no more");
  arrays = good;
  arrays.push_back({"extra", {7}});
  CHECK(problem(folder.write("file", safetensors_with(arrays)), kept) ==
        "byte 0: extra: has extra (7,), the network has no place for it");
  arrays = good;
  arrays.push_back({"4.weight", {7, 2}});
  CHECK(problem(folder.write("file", safetensors_with(arrays)), kept) ==
        "byte 0: 4: has weight (7, 2), the network has no place for it");
  const std::string path = folder.write("file", safetensors_with(good));
  CHECK(problem(path, kept, {"0", "1"}) == "byte 0: 1: is no module of the file");
  CHECK(problem(path, kept, {"2", "0"}) ==
        "byte 0: 2: has weight (2, 4), bias (2,), '0' of the network takes weight (4, 3), bias "
        "(4,)");
  CHECK(message_of<argument_error>([&] { load(path, kept, {"0"}); }) ==
        "load: 1 modules are named, the network has 2");
  CHECK(problem(folder.write("file", npz_with({{"conv/kernel", {3, 3, 1, 8}}})), kept)
            .find("conv/kernel: a kernel of shape (3, 3, 1, 8) needs more than a new name") !=
        std::string::npos);
  CHECK(problem(folder.write("file", npy_of("<f8", "(2,)", bytes_of<double>({1, 2}))), kept)
            .find("has  (2,), '0' of the network takes weight (4, 3)") != std::string::npos);
}

TEST_CASE("state: a number that is not finite, in the last block, changes nothing") {
  const temporary_folder folder;
  net kept({3, 4, 2});
  fill(kept);
  const std::string path = folder.write("file", safetensors_with({{"0.weight", {4, 3}},
                                                                  {"0.bias", {4}},
                                                                  {"2.weight", {2, 4}},
                                                                  {"2.bias", {2}, INFINITY}}));
  CHECK(problem(path, kept).find("2.bias: element 0 is inf, expected finite numbers") !=
        std::string::npos);
  mlp<float, relu, 3, 4, 2> narrow;
  CHECK(thrown_by<format_error>([&] {
          load(folder.write("large", safetensors_with({{"0.weight", {4, 3}},
                                                       {"0.bias", {4}, 1e300},
                                                       {"2.weight", {2, 4}},
                                                       {"2.bias", {2}}})),
               narrow);
        }).field() == "0.bias");
}

TEST_CASE("state: load_mlp says what is no perceptron, and what depth there is") {
  const temporary_folder folder;
  const auto path = [&](const std::vector<given>& arrays) {
    return folder.write("file", safetensors_with(arrays));
  };
  const auto good =
      path({{"a1.weight", {4, 3}}, {"a1.bias", {4}}, {"a2.weight", {2, 4}}, {"a2.bias", {2}}});
  CHECK(message_of<argument_error>([&] { load_mlp<double, 3>(good); }) ==
        "load_mlp: " + good + " has 2 layers, expected 3");
  const auto says = [&](const std::vector<given>& arrays) {
    const auto file = path(arrays);
    const std::string what = message_of<format_error>([&] { load_mlp<double, 2>(file); });
    return what.substr(what.find("byte "));
  };
  CHECK(says({{"a1.weight", {4, 3}}, {"a1.bias", {4}}, {"a2.weight", {2, 5}}, {"a2.bias", {2}}}) ==
        "byte 0: a2: takes 5 inputs, a1 gives 4");
  CHECK(
      says({{"a1.weight", {4, 3}}, {"a2.weight", {2, 4}}, {"a2.bias", {2}}}) ==
      "byte 0: a1: has weight (4, 3), expected the weight [out, in] and the bias [out] of a layer");
  CHECK(says({{"a1.weight", {4, 3, 1}}, {"a1.bias", {4}}}).find("expected the weight") !=
        std::string::npos);
  CHECK(says({}) == "byte 0: arrays: there are none");
}
