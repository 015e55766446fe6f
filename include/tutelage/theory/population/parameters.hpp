// What of a two-layer network moves, as one vector: W row by row (with its bias row, where there is
// one), then, where the fan-out is trained, V row by row.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include <tutelage/theory/population/two_layer.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// Only the lower layer moves.
struct fixed_fan_out {
  static constexpr std::size_t layers = 1;
};
/// Both layers move.
struct trained_fan_out {
  static constexpr std::size_t layers = 2;
};

/// The number of parameters that move.
template <class FanOut, two_layer_network Student>
std::size_t parameter_count(const Student& student) {
  const auto size = [](const auto& view) { return view.rows() * view.cols(); };
  const std::size_t lower = size(student.template layer<1>().weights());
  return FanOut::layers == 1 ? lower : lower + size(student.template layer<2>().weights());
}

namespace detail {

// Calls visit(row of a layer, its place in the vector) for both layers, or the lower one.
template <class FanOut, class Lower, class Upper, class Visit>
void for_each_parameter_row(const Lower& lower, const Upper& upper, const Visit& visit) {
  std::size_t first = 0;
  const auto rows_of = [&](const auto& layer) {
    for (std::size_t i = 0; i < layer.rows(); ++i, first += layer.cols()) {
      visit(layer.row(i), first);
    }
  };
  rows_of(lower);
  if constexpr (FanOut::layers == 2) rows_of(upper);
}

}  // namespace detail

/// The parameters of a network, [parameter_count]. Throws shape_error when `to` has another size.
template <class FanOut, two_layer_network Student, class T>
void read_parameters(const Student& student, std::span<T> to) {
  if (to.size() != parameter_count<FanOut>(student)) {
    throw shape_error(detail::text("read_parameters: room for ", to.size(), ", expected ",
                                   parameter_count<FanOut>(student)));
  }
  detail::for_each_parameter_row<FanOut>(
      student.template layer<1>().weights(), student.template layer<2>().weights(),
      [&](const auto& row, std::size_t first) { std::copy(row.begin(), row.end(), &to[first]); });
}

/// The other way. Throws shape_error when `from` has another size.
template <class FanOut, two_layer_network Student, class T>
void write_parameters(std::span<const T> from, Student& student) {
  if (from.size() != parameter_count<FanOut>(student)) {
    throw shape_error(detail::text("write_parameters: got ", from.size(), ", expected ",
                                   parameter_count<FanOut>(student)));
  }
  detail::for_each_parameter_row<FanOut>(student.template layer<1>().weights(),
                                         student.template layer<2>().weights(),
                                         [&](const auto& row, std::size_t first) {
                                           std::copy_n(&from[first], row.size(), row.begin());
                                         });
}

/// A gradient as a vector in the same order, [parameter_count]. Throws shape_error when `to` has
/// another size, or no gradient was computed.
template <class FanOut, two_layer_network Student, class T>
void read_parameters(const gradients<Student>& gradient, std::span<T> to) {
  const auto size = [](const auto& dW) { return dW.rows() * dW.cols(); };
  const std::size_t lower = size(gradient.template dW<1>()),
                    upper = size(gradient.template dW<2>());
  const std::size_t expected = FanOut::layers == 1 ? lower : lower + upper;
  if (lower == 0 || upper == 0 || to.size() != expected) {
    throw shape_error(
        detail::text("read_parameters: room for ", to.size(), ", the gradient has ", expected));
  }
  detail::for_each_parameter_row<FanOut>(
      gradient.template dW<1>(), gradient.template dW<2>(),
      [&](const auto& row, std::size_t first) { std::copy(row.begin(), row.end(), &to[first]); });
}

}  // namespace tutelage
