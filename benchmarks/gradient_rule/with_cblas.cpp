#include "with_cblas.hpp"

#include <cblas.h>

#include <algorithm>

namespace bench {

namespace {

// C = op(A) op(B) + beta C, packed rows.
void product(bool transpose_a, bool transpose_b, std::size_t m, std::size_t n, std::size_t k,
             const double* a, const double* b, double beta, double* c) {
  const auto size = [](std::size_t s) { return static_cast<int>(s); };
  cblas_dgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans,
              transpose_b ? CblasTrans : CblasNoTrans, size(m), size(n), size(k), 1, a,
              size(transpose_a ? m : k), b, size(transpose_b ? k : n), beta, c, size(n));
}
void product(bool transpose_a, bool transpose_b, std::size_t m, std::size_t n, std::size_t k,
             const float* a, const float* b, float beta, float* c) {
  const auto size = [](std::size_t s) { return static_cast<int>(s); };
  cblas_sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans,
              transpose_b ? CblasTrans : CblasNoTrans, size(m), size(n), size(k), 1, a,
              size(transpose_a ? m : k), b, size(transpose_b ? k : n), beta, c, size(n));
}

template <class T>
void reset(const plain_pass<T>& teacher, const plain_pass<T>& student, plain_sums<T>& sums) {
  const std::size_t hidden = student.widths.size() - 2;
  for (auto* of_layers : {&sums.A, &sums.B, &sums.gated_A, &sums.gated_B}) {
    of_layers->resize(hidden);
    const bool with_teacher = of_layers == &sums.A || of_layers == &sums.gated_A;
    for (std::size_t l = 1; l <= hidden; ++l) {
      const std::size_t m = (with_teacher ? teacher : student).widths[l];
      (*of_layers)[l - 1].assign(student.widths[l] * m, T(0));
    }
  }
}

template <class T>
void add(const std::vector<T>& from, std::vector<T>& to) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i];
}

// M = diag(left) M diag(right)
template <class T>
void scale(const T* left, std::size_t rows, const T* right, std::size_t cols, std::vector<T>& M) {
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < cols; ++j) M[i * cols + j] *= left[i] * right[j];
  }
}

// One of A and B, down all layers.
template <class T>
void carry(const plain_pass<T>& left, const plain_pass<T>& right, std::size_t sample,
           std::vector<T>& M, std::vector<T>& half, std::vector<std::vector<T>>& sums,
           std::vector<std::vector<T>>& gated_sums) {
  const std::size_t L = left.widths.size() - 1, C = left.widths[L];
  M.resize(left.widths[L - 1] * right.widths[L - 1]);
  product(false, true, left.widths[L - 1], right.widths[L - 1], C, left.W[L - 1].data(),
          right.W[L - 1].data(), T(0), M.data());
  for (std::size_t l = L - 1; l >= 1; --l) {
    const std::size_t n = left.widths[l], m = right.widths[l];
    add(M, sums[l - 1]);
    scale(left.gates[l - 1].data() + sample * n, n, right.gates[l - 1].data() + sample * m, m, M);
    add(M, gated_sums[l - 1]);
    if (l == 1) return;
    const std::size_t n_below = left.widths[l - 1], m_below = right.widths[l - 1];
    half.resize(n_below * m);
    product(false, false, n_below, m, n, left.W[l - 1].data(), M.data(), T(0), half.data());
    M.resize(n_below * m_below);
    product(false, true, n_below, m_below, m, half.data(), right.W[l - 1].data(), T(0), M.data());
  }
}

// V of the topmost hidden layer, for every sample.
template <class T>
void begin_stack(const plain_pass<T>& net, std::size_t samples, std::vector<T>& V) {
  const std::size_t L = net.widths.size() - 1, C = net.widths[L], n = net.widths[L - 1];
  V.resize(samples * C * n);
  for (std::size_t row = 0; row < samples * C; ++row) {
    for (std::size_t k = 0; k < n; ++k) V[row * n + k] = net.W[L - 1][k * C + row % C];
  }
}

// V = V D
template <class T>
void gate_stack(const plain_pass<T>& net, std::size_t l, std::size_t samples, std::vector<T>& V) {
  const std::size_t C = net.widths.back(), n = net.widths[l];
  for (std::size_t row = 0; row < samples * C; ++row) {
    const T* const z = net.gates[l - 1].data() + row / C * n;
    for (std::size_t k = 0; k < n; ++k) V[row * n + k] *= z[k];
  }
}

}  // namespace

template <class T>
void carry_matrices(const plain_pass<T>& teacher, const plain_pass<T>& student, std::size_t samples,
                    plain_sums<T>& sums) {
  reset(teacher, student, sums);
  static std::vector<T> M, half;
  for (std::size_t i = 0; i < samples; ++i) {
    carry(student, teacher, i, M, half, sums.A, sums.gated_A);
    carry(student, student, i, M, half, sums.B, sums.gated_B);
  }
}

template <class T>
void stack_jacobians(const plain_pass<T>& teacher, const plain_pass<T>& student,
                     std::size_t samples, plain_sums<T>& sums) {
  reset(teacher, student, sums);
  static std::vector<T> V, V_star, next;
  const std::size_t L = student.widths.size() - 1, rows = samples * student.widths[L];
  begin_stack(teacher, samples, V_star);
  begin_stack(student, samples, V);
  for (std::size_t l = L - 1; l >= 1; --l) {
    const std::size_t n = student.widths[l], m = teacher.widths[l];
    product(true, false, n, m, rows, V.data(), V_star.data(), T(0), sums.A[l - 1].data());
    product(true, false, n, n, rows, V.data(), V.data(), T(0), sums.B[l - 1].data());
    gate_stack(teacher, l, samples, V_star);
    gate_stack(student, l, samples, V);
    product(true, false, n, m, rows, V.data(), V_star.data(), T(0), sums.gated_A[l - 1].data());
    product(true, false, n, n, rows, V.data(), V.data(), T(0), sums.gated_B[l - 1].data());
    if (l == 1) return;
    const auto down = [&](const plain_pass<T>& net, std::vector<T>& stack) {
      next.resize(rows * net.widths[l - 1]);
      product(false, true, rows, net.widths[l - 1], net.widths[l], stack.data(),
              net.W[l - 1].data(), T(0), next.data());
      std::swap(stack, next);
    };
    down(teacher, V_star);
    down(student, V);
  }
}

template void carry_matrices(const plain_pass<double>&, const plain_pass<double>&, std::size_t,
                             plain_sums<double>&);
template void carry_matrices(const plain_pass<float>&, const plain_pass<float>&, std::size_t,
                             plain_sums<float>&);
template void stack_jacobians(const plain_pass<double>&, const plain_pass<double>&, std::size_t,
                              plain_sums<double>&);
template void stack_jacobians(const plain_pass<float>&, const plain_pass<float>&, std::size_t,
                              plain_sums<float>&);

}  // namespace bench
