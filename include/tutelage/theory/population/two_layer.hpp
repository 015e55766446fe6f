// Two-layer networks f = V^T relu(W^T x), the ones whose expectations are closed forms.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>

#include <tutelage/model/network.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// Hidden layer of `Gate`, linear outputs; Bias is with_bias or no_bias, for both layers.
template <scalar T, gate Gate, std::size_t In, std::size_t Hidden, std::size_t Out,
          class Bias = no_bias>
using two_layer = network<dense<T, In, Hidden, Gate, Bias>, dense<T, Hidden, Out, identity, Bias>>;

namespace detail {
template <class N>
inline constexpr bool is_two_layer = false;
template <scalar T, std::size_t In, std::size_t Gives, piecewise_linear_gate Gate, class LowerBias,
          std::size_t Takes, std::size_t Out, class UpperBias>
inline constexpr bool is_two_layer<
    network<dense<T, In, Gives, Gate, LowerBias>, dense<T, Takes, Out, identity, UpperBias>>> =
    true;
}  // namespace detail

/// Satisfied by networks of two dense layers, the upper one linear.
template <class N>
concept two_layer_network = detail::is_two_layer<N>;

/// Satisfied by those without biases.
template <class N>
concept unbiased_network = two_layer_network<N> && !N::template layer_type<1>::has_bias() &&
                           !N::template layer_type<2>::has_bias();

namespace detail {

/// c of the hidden gates.
template <two_layer_network N>
auto hidden_slope(const N& net) {
  using R = real_t<typename N::value_type>;
  return net.template layer<1>().gate().factor(R(-1));
}

/// Throws shape_error unless the student takes `inputs` inputs and gives `outputs` outputs.
template <two_layer_network N>
void require_fit(const char* function, const N& student, std::size_t inputs, std::size_t outputs) {
  if (student.in_width() != inputs || student.out_width() != outputs) {
    throw shape_error(text(function, ": the student maps ", student.in_width(), " inputs to ",
                           student.out_width(), " outputs, the teacher ", inputs, " to ", outputs));
  }
}

/// `to` = `from` within a larger matrix, from column `first` on.
template <class T, std::size_t R, std::size_t C>
void copy_columns(const matrix_view<const T, R, C>& from, const matrix_view<T>& to,
                  std::size_t first) {
  for (std::size_t i = 0; i < from.rows(); ++i) {
    std::copy_n(from.row(i).data(), from.cols(), to.row(i).data() + first);
  }
}

}  // namespace detail

}  // namespace tutelage
