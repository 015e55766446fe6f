// The moments of one block of samples: what expectations over data are made of.
//
// Everything is bordered, so that biases and means need no formulas of their own:
//
//   f^ = [f; 1],  z^ = [z; 1],  V^ = [V r],  W^_l = [W~_l 0; b_l 1]
//   f_L = V^_l f^_l,  V^_{l-1} = V^_l D^_l W^_l^T,  D^ = diag(z^)
//
// No A or B of a sample is formed. With S the stack of all V^_l D^_l, one below the other,
//
//   E[D^ B^ D^] = S^T S / N,   E[D^ A^ D^*] = S^T S* / N,
//   E[B^_{l-1}] = W^_l E[D^ B^ D^]_l W^_l^T,   E[A^_{l-1}] = W^_l E[D^ A^ D^*]_l W^*_l^T,
//
// for weights do not depend on the sample. S is also what the next layer's product starts from. At
// the topmost hidden layer V is the same for all samples and E[D^ B^ D^] = B^ o E[z^ z^^T]. Samples
// of one gate pattern share V: they are one entry of the stack, times the root of their number.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <tutelage/core/gram.hpp>
#include <tutelage/gradient/patterns.hpp>
#include <tutelage/model/network.hpp>
#include <vector>

namespace tutelage::detail {

/// One network's weights and one block's activations and gates, bordered.
template <class T>
class bordered_pass {
 public:
  template <class Network>
  void read(const Network& net, const matrix_view<const T>& x, const activations<Network>& kept) {
    constexpr std::size_t L = Network::depth;
    W_.resize(L);
    f_.resize(L);
    z_.resize(L);
    fill_bordered(f_[0], x, [](const T& value) { return value; });
    net.for_each_layer([&](const auto& layer, std::size_t l) {
      using Layer = std::remove_cvref_t<decltype(layer)>;
      const auto W = layer.weights();
      const std::size_t in = layer.in_width(), out = layer.out_width();
      if (l == L) {  // V^_{L-1}, [C, n_{L-1}+1]
        const auto V = top_.reshape(out, in + 1);
        for (std::size_t c = 0; c < out; ++c) {
          for (std::size_t k = 0; k < in; ++k) V(c, k) = W(k, c);
          V(c, in) = Layer::has_bias() ? W(W.rows() - 1, c) : T(0);
        }
        return;
      }
      const auto bordered = W_[l].reshape(in + 1, out + 1);
      for (std::size_t i = 0; i <= in; ++i) {
        for (std::size_t k = 0; k < out; ++k) bordered(i, k) = i < W.rows() ? W(i, k) : T(0);
        bordered(i, out) = i == in ? T(1) : T(0);
      }
      const auto f = kept.f(l);
      fill_bordered(f_[l], f, [](const T& value) { return value; });
      fill_bordered(z_[l], f, [&](const T& value) { return layer.gate().factor(value); });
    });
  }

  [[nodiscard]] matrix_view<const T> W(std::size_t l) const { return W_[l].view(); }
  [[nodiscard]] matrix_view<const T> top() const { return top_.view(); }
  [[nodiscard]] matrix_view<const T> f(std::size_t l) const { return f_[l].view(); }
  [[nodiscard]] matrix_view<const T> z(std::size_t l) const { return z_[l].view(); }

  /// The stack V^_{L-1} D^_{L-1} of groups first, ..., first + count - 1.
  void begin(const pattern_groups& groups, std::size_t first, std::size_t count) {
    const auto V = top();
    const auto stack = stack_.reshape(count * V.rows(), V.cols());
    const auto gates = z(f_.size() - 1);
    const auto root = roots_.reshape(1, V.cols());
    for (std::size_t g = 0; g < count; ++g) {
      const auto weight = std::sqrt(static_cast<T>(groups.count(first + g)));
      for (std::size_t k = 0; k < V.cols(); ++k) {
        root(0, k) = weight * gates(groups.first(first + g), k);
      }
      for (std::size_t c = 0; c < V.rows(); ++c) {
        for (std::size_t k = 0; k < V.cols(); ++k)
          stack(g * V.rows() + c, k) = V(c, k) * root(0, k);
      }
    }
  }

  /// From layer l+1 to layer l.
  void descend(std::size_t l, const pattern_groups& groups, std::size_t first, std::size_t count) {
    const auto next = next_.reshape(stack_.view().rows(), W(l + 1).rows());
    multiply(stack_.view(), transposed(W(l + 1)), next);
    const std::size_t C = top().rows();
    for (std::size_t g = 0; g < count; ++g) {
      const T* const gates = z(l).row(groups.first(first + g)).data();
      for (std::size_t row = g * C; row < (g + 1) * C; ++row) {
        T* const v = next.row(row).data();
        for (std::size_t k = 0; k < next.cols(); ++k) v[k] *= gates[k];
      }
    }
    std::swap(stack_, next_);
  }

  [[nodiscard]] matrix_view<const T> stack() const { return stack_.view(); }

 private:
  template <class F, class Map>
  static void fill_bordered(workspace<T>& to, const F& from, const Map& map) {
    const auto rows = to.reshape(from.rows(), from.cols() + 1);
    for (std::size_t i = 0; i < from.rows(); ++i) {
      for (std::size_t k = 0; k < from.cols(); ++k) rows(i, k) = map(from(i, k));
      rows(i, from.cols()) = T(1);
    }
  }

  std::vector<workspace<T>> W_;      // at [l], 1 <= l < L: [n_{l-1}+1, n_l+1]
  std::vector<workspace<T>> f_, z_;  // at [l]: [N, n_l+1]
  workspace<T> top_;                 // [C, n_{L-1}+1]
  workspace<T> stack_, next_;        // [groups * C, n_l+1]
  workspace<T> roots_;
};

/// The means over one block that belong to a layer, [n_l+1, m_l+1] or [n_l+1, n_l+1].
template <class T>
struct layer_moments {
  workspace<T> A, B, gated_A, gated_B, zz_star, zz, ff_star, ff;
};

template <class T>
class moment_block {
 public:
  /// For layers lowest, ..., L-1, after forward passes over x. Holds the stacks of `chunk` patterns
  /// at a time.
  template <class Teacher, class Student>
  void compute(const Teacher& teacher, const activations<Teacher>& of_teacher,
               const Student& student, const activations<Student>& of_student,
               const matrix_view<const T>& x, std::size_t lowest, std::size_t chunk) {
    layers_.resize(Student::depth);
    teacher_.read(teacher, x, of_teacher);
    student_.read(student, x, of_student);
    patterns_.reset(x.rows(), hidden_nodes(teacher, lowest) + hidden_nodes(student, lowest));
    patterns_.append(teacher, of_teacher, lowest);
    patterns_.append(student, of_student, lowest);
    groups_.find(patterns_);
    scale_ = T(1) / static_cast<T>(x.rows());
    for (std::size_t l = lowest - 1; l < layers_.size(); ++l) {
      self(student_.f(l), layers_[l].ff, scale_);
      cross(student_.f(l), teacher_.f(l), layers_[l].ff_star, scale_);
      if (l < lowest) continue;
      self(student_.z(l), layers_[l].zz, scale_);
      cross(student_.z(l), teacher_.z(l), layers_[l].zz_star, scale_);
    }
    if (layers_.size() > lowest) descend(lowest, chunk);
  }

  /// What was computed of layer l. ff and ff_star begin at layer lowest - 1, the others at lowest.
  [[nodiscard]] const layer_moments<T>& operator[](std::size_t l) const { return layers_[l]; }

  /// The number of different patterns.
  [[nodiscard]] std::size_t patterns() const noexcept { return groups_.size(); }

 private:
  void descend(std::size_t lowest, std::size_t chunk) {
    const std::size_t top = layers_.size() - 1;
    auto& t = layers_[top];
    self(student_.top(), t.B, T(1));
    cross(student_.top(), teacher_.top(), t.A, T(1));
    entrywise(t.B.view(), t.zz.view(), t.gated_B);
    entrywise(t.A.view(), t.zz_star.view(), t.gated_A);
    if (top == lowest) return;
    for (std::size_t first = 0; first < groups_.size(); first += chunk) {
      const std::size_t count = std::min(chunk, groups_.size() - first);
      teacher_.begin(groups_, first, count);
      student_.begin(groups_, first, count);
      for (std::size_t l = top - 1; l >= lowest; --l) {
        teacher_.descend(l, groups_, first, count);
        student_.descend(l, groups_, first, count);
        const auto S = student_.stack(), S_star = teacher_.stack();
        const T beta = first == 0 ? T(0) : T(1);
        gram(S, layers_[l].gated_B.reshape(S.cols(), S.cols()), scale_, beta);
        multiply(transposed(S), S_star, layers_[l].gated_A.reshape(S.cols(), S_star.cols()), scale_,
                 beta);
      }
    }
    for (std::size_t l = top; l > lowest; --l) {
      if (l < top) symmetrize(layers_[l].gated_B.view());
      around(student_.W(l), layers_[l].gated_B.view(), student_.W(l), layers_[l - 1].B);
      around(student_.W(l), layers_[l].gated_A.view(), teacher_.W(l), layers_[l - 1].A);
    }
    symmetrize(layers_[lowest].gated_B.view());
  }

  static void self(const matrix_view<const T>& a, workspace<T>& out, T scale) {
    const auto result = out.reshape(a.cols(), a.cols());
    gram(a, result, scale);
    symmetrize(result);
  }
  static void cross(const matrix_view<const T>& a, const matrix_view<const T>& b, workspace<T>& out,
                    T scale) {
    multiply(transposed(a), b, out.reshape(a.cols(), b.cols()), scale);
  }
  // a o b
  static void entrywise(const matrix_view<T>& a, const matrix_view<T>& b, workspace<T>& out) {
    const auto result = out.reshape(a.rows(), a.cols());
    for (std::size_t i = 0; i < a.rows(); ++i) {
      for (std::size_t j = 0; j < a.cols(); ++j) result(i, j) = a(i, j) * b(i, j);
    }
  }
  // out = a M b^T
  void around(const matrix_view<const T>& a, const matrix_view<T>& M, const matrix_view<const T>& b,
              workspace<T>& out) {
    const auto half = half_.reshape(a.rows(), M.cols());
    multiply(a, M, half);
    multiply(half, transposed(b), out.reshape(a.rows(), b.rows()));
  }

  bordered_pass<T> teacher_, student_;
  gate_patterns patterns_;
  pattern_groups groups_;
  std::vector<layer_moments<T>> layers_;  // at [l]
  workspace<T> half_;
  T scale_ = 0;  // 1/N
};

}  // namespace tutelage::detail
