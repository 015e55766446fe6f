// What a user would write on cblas for the expectations E[A], E[B], E[D A D*] and E[D B D] of all
// hidden layers. In a file of its own: <cblas.h> does not go together with the library's headers.
#pragma once

#include <cstddef>
#include <vector>

namespace bench {

/// One network over N samples: hidden layers 1, ..., L-1 at [l-1], matrices row-major and packed.
template <class T>
struct plain_pass {
  std::vector<std::size_t> widths;    // n_0, ..., n_L
  std::vector<std::vector<T>> W;      // W~_1, ..., W~_L: [n_{l-1}, n_l]
  std::vector<std::vector<T>> gates;  // [N, n_l]
};

/// Sums over samples, at [l-1] for hidden layer l.
template <class T>
struct plain_sums {
  std::vector<std::vector<T>> A, B, gated_A, gated_B;
};

/// The recursion as the papers write it (arXiv:1905.13405, Theorem 1): sample after sample,
/// carrying A and B down as matrices.
template <class T>
void carry_matrices(const plain_pass<T>& teacher, const plain_pass<T>& student, std::size_t samples,
                    plain_sums<T>& sums);

/// The batched way: V of `samples` samples, one below the other, by one product a layer, and each
/// expectation by another.
template <class T>
void stack_jacobians(const plain_pass<T>& teacher, const plain_pass<T>& student,
                     std::size_t samples, plain_sums<T>& sums);

}  // namespace bench
