// Networks in files.
//
//   save("student.safetensors", student);
//   load("student.safetensors", student);                        // as PyTorch or we have written it
//   const auto net = load_mlp<double, 3>("trained.safetensors");  // three layers of its own widths
//
// Blocks are named as by PyTorch's nn.Sequential, where a gate is a module of its own: a network of
// dense layers with ReLU has "0.weight" [out, in], "0.bias", "2.weight", ... Numbers are written in
// the network's scalar and converted to it. What is read: io/array_file.hpp; whose names:
// io/state_order.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include <tutelage/core/files.hpp>
#include <tutelage/io/array_file.hpp>
#include <tutelage/io/safetensors_writer.hpp>
#include <tutelage/io/state_order.hpp>
#include <tutelage/model/network.hpp>
#include <type_traits>
#include <utility>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {

// Calls visit(block) for all blocks and buffers, lowest layer first.
template <class Network, class Visit>
void for_each_state(Network& network, const Visit& visit) {
  std::size_t module = 0;
  network.for_each_layer([&](auto& l, std::size_t) {
    using layer_type = std::remove_cvref_t<decltype(l)>;
    const std::string prefix = std::to_string(module) + ".";
    l.for_each_block(prefix, visit);
    if constexpr (moded_layer<layer_type>) l.for_each_buffer(prefix, visit);
    module += sequential_modules<layer_type>;
  });
}

}  // namespace detail

/// Writes all weights and buffers as a safetensors file, whole or not at all. Throws io_error.
template <class Network>
void save(const std::string& path, const Network& network) {
  using T = typename Network::value_type;
  safetensors_writer file;
  detail::for_each_state(network, [&](const block<const T>& b) { file.add(b); });
  write_pieces(
      path, [&](auto& out) { file.write_to([&](std::string_view piece) { out.write(piece); }); });
}

/// Sets all weights and buffers from a file; `modules` names the file's in the network's order where
/// names and shapes do not tell it. Throws format_error, naming what both sides have, unless the
/// file has exactly the network's blocks, and for a number that is not finite in the network's
/// scalar. A network that is not loaded is as it was.
template <class Network>
void load(const array_file& file, Network& network, const std::vector<std::string>& modules = {}) {
  using T = typename Network::value_type;
  std::vector<block<T>> blocks;
  detail::state_modules of_network;
  detail::for_each_state(network, [&](const block<T>& b) {
    const auto [module, role] = detail::module_and_role(b.name);
    of_network.add(module, {b.name, role, b.shape, blocks.size()});
    blocks.push_back(b);
  });
  const auto& arrays = file.arrays();
  const auto of_file = detail::modules_of(arrays);
  const auto matched = detail::match(of_network, of_file, modules, file.path());

  struct pairing {
    const named_array* from;
    const block<T>* to;
    bool transposed;
  };
  std::vector<pairing> pairs;
  for (std::size_t i = 0; i < matched.size(); ++i) {
    const detail::state_module& wanted = of_network.all()[i];
    for (std::size_t k = 0; k < wanted.entries.size(); ++k) {  // roles and shapes agree
      const auto& entry = matched[i]->entries[k];
      const auto& b = blocks[wanted.entries[k].place];
      pairs.push_back({&arrays[entry.place], &b, b.transposed != entry.reversed});
    }
    if (wanted.count && matched[i]->count) {
      pairs.push_back({&arrays[*matched[i]->count], &blocks[*wanted.count], false});
    }
  }
  for (const auto& p : pairs) p.from->template require_finite<T>();
  for (const auto& p : pairs) p.from->read(p.to->values, p.transposed);
}

/// The same from a path. Throws io_error, too.
template <class Network>
void load(const std::string& path, Network& network, const std::vector<std::string>& modules = {}) {
  load(array_file(path), network, modules);
}

namespace detail {
template <std::size_t>
inline constexpr std::size_t any_width = dynamic;
template <class T, class Gate, class Widths>
struct dynamic_mlp;
template <class T, class Gate, std::size_t... I>
struct dynamic_mlp<T, Gate, std::index_sequence<I...>> {
  using type = mlp<T, Gate, any_width<I>...>;
};
}  // namespace detail

/// The widths n_0, ..., n_L of the multilayer perceptron in a file. Throws format_error where the
/// file has anything but weights and biases of layers of which each takes what the one below gives.
inline std::vector<std::size_t> mlp_widths(const array_file& file,
                                           const std::vector<std::string>& modules = {}) {
  const auto of_file = detail::modules_of(file.arrays());
  std::vector<std::size_t> widths;
  for (const auto* m : detail::mlp_modules(of_file, modules, file.path())) {
    const auto& shape = m->entries[0].shape;
    if (widths.empty()) widths.push_back(shape[1]);
    widths.push_back(shape[0]);
  }
  return widths;
}

/// The multilayer perceptron of `depth` layers in a file, gated by `gate` below the top, with the
/// file's widths. `modules` as in load. Throws as mlp_widths, and argument_error when the file has
/// another depth.
template <scalar T, std::size_t depth, class Gate = relu>
auto load_mlp(const array_file& file, const std::vector<std::string>& modules = {},
              const Gate& gate = {}) {
  using network_type =
      typename detail::dynamic_mlp<T, Gate, std::make_index_sequence<depth + 1>>::type;
  const auto of_file = detail::modules_of(file.arrays());
  std::vector<std::string> order;
  for (const auto* m : detail::mlp_modules(of_file, modules, file.path())) order.push_back(m->name);
  if (order.size() != depth) {
    throw argument_error(detail::text("load_mlp: ", file.path(), " has ", order.size(),
                                      " layers, expected ", depth));
  }
  const auto found = mlp_widths(file, order);
  std::array<std::size_t, depth + 1> widths;
  std::copy(found.begin(), found.end(), widths.begin());
  network_type result(widths, gate);
  load(file, result, order);
  return result;
}

template <scalar T, std::size_t depth, class Gate = relu>
auto load_mlp(const std::string& path, const std::vector<std::string>& modules = {},
              const Gate& gate = {}) {
  return load_mlp<T, depth, Gate>(array_file(path), modules, gate);
}

}  // namespace tutelage
