// Data whose global minima are disconnected, for every number h >= 2 of nodes, with a proof.
//
//   p_i = (cos a_i, sin a_i, 1, 0)                label 1      a_i = 2 pi i / h
//   q_i = (cos(a_i + pi/h), sin(...), 1, 1)       label 0      i = 0, ..., h-1
//   e   = (0, 0, 0, -1)                           label 0
//
//   teacher   r(x_3) - r(x_4)
//   other     sum_i r(w_i.x),  w_i = (cos a_i, sin a_i, -c, 0) / (1 - c),  c = cos(pi/h)
//
// The minima with all v_k > 0 are open among the minima. They are closed too: labels 0 and v >= 0 make
// every node inactive at e and all q_i, so w_4 >= 0 and R cos(a - phi) + w_3 <= 0 at all angles of the q_i,
// for the node's R and phi. Its angles of positive R cos(a - phi) + w_3 are one arc, and between two p_i
// lies a q_i: a node is active at one p_i at most. So h nodes are active at one each, and none has
// v_k = 0, nor in a limit. The teacher has a v_k < 0: no path of minima leads from it to the other.
#pragma once

#include <cmath>
#include <cstddef>
#include <numbers>

#include <tutelage/theory/population/two_layer.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

struct disconnected_family {
  using network_type = two_layer<double, relu, dynamic, dynamic, dynamic>;
  matrix<double> x;             // [2 h + 1, 4]
  matrix<double> y;             // [2 h + 1, 1]
  network_type teacher, other;  // h nodes, those that the teacher does not need are 0
};

/// Throws argument_error when h is below 2.
inline disconnected_family make_disconnected_family(std::size_t h) {
  if (h < 2) {
    throw argument_error(
        detail::text("make_disconnected_family: h is ", h, ", expected at least 2"));
  }
  const disconnected_family::network_type zero({4, h, 1});
  disconnected_family made{make_matrix<double>(2 * h + 1, 4), make_matrix<double>(2 * h + 1, 1),
                           zero, zero};
  const double step = std::numbers::pi / static_cast<double>(h), c = std::cos(step);
  auto W = made.other.layer<1>().weights();
  for (std::size_t i = 0; i < h; ++i) {
    for (const std::size_t row : {2 * i, 2 * i + 1}) {
      const double angle = step * static_cast<double>(row);
      made.x(row, 0) = std::cos(angle);
      made.x(row, 1) = std::sin(angle);
      made.x(row, 2) = 1;
    }
    made.y(2 * i, 0) = 1;
    made.x(2 * i + 1, 3) = 1;
    for (std::size_t k = 0; k < 2; ++k) W(k, i) = made.x(2 * i, k) / (1 - c);
    W(2, i) = -c / (1 - c);
    made.other.layer<2>().weights()(i, 0) = 1;
  }
  made.x(2 * h, 3) = -1;
  for (const std::size_t k : {std::size_t{0}, std::size_t{1}}) {
    made.teacher.layer<1>().weights()(2 + k, k) = 1;
    made.teacher.layer<2>().weights()(k, 0) = k == 0 ? 1 : -1;
  }
  return made;
}

}  // namespace tutelage
