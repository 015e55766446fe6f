// The moments of one block of samples: what expectations over data are made of.
//
// Everything is bordered as in gradient/bordered.hpp. No A or B of a sample is formed over all
// nodes. With S the stack of all V^_l D^_l, one below the other,
//
//   E[D^ B^ D^] = S^T S / N,   E[D^ A^ D^*] = S^T S* / N,
//   E[B^_{l-1}] = W^_l E[D^ B^ D^]_l W^_l^T,   E[A^_{l-1}] = W^_l E[D^ A^ D^*]_l W^*_l^T,
//
// for weights do not depend on the sample. S is also what the next layer's product starts from. At
// the topmost hidden layer V is the same for all samples and E[D^ B^ D^] = B^ o E[z^ z^^T]. Samples
// of one gate pattern share V: they are one entry of the stack, times the root of their number.
//
// Columns of closed ReLU gates are 0. Where few gates are open and there are many outputs, it is
// cheaper to take the patterns one by one and leave those columns out; see stacks.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <tuple>

#include <tutelage/core/gram.hpp>
#include <tutelage/gradient/bordered.hpp>
#include <tutelage/gradient/patterns.hpp>
#include <tutelage/gradient/stacks.hpp>
#include <tutelage/model/network.hpp>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET::detail {

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
    reserve(chunk);
    for (std::size_t l = lowest; l < top; ++l) {
      const std::size_t n = student_.z(l).cols(), m = teacher_.z(l).cols();
      clear(layers_[l].gated_B.reshape(n, n));
      clear(layers_[l].gated_A.reshape(n, m));
    }
    if (closed_gates_pay(lowest)) {
      for (std::size_t g = 0; g < groups_.size(); ++g) add_open(lowest, g);
    } else {
      for (std::size_t first = 0; first < groups_.size(); first += chunk) {
        add_stack(lowest, first, std::min(chunk, groups_.size() - first));
      }
    }
    for (std::size_t l = top; l > lowest; --l) {
      if (l < top) symmetrize(layers_[l].gated_B.view());
      around(student_.W(l), layers_[l].gated_B.view(), student_.W(l), layers_[l - 1].B);
      around(student_.W(l), layers_[l].gated_A.view(), teacher_.W(l), layers_[l - 1].A);
    }
    symmetrize(layers_[lowest].gated_B.view());
  }

  // Which way is taken and how much room it needs depends on the gates of a block; all of it is
  // taken at once, so that later blocks need no more.
  void reserve(std::size_t chunk) {
    const std::size_t count = std::min(chunk, patterns_.samples());
    for (auto [net, stack, open] : {std::tuple(&teacher_, &teacher_stack_, &teacher_open_),
                                    std::tuple(&student_, &student_stack_, &student_open_)}) {
      stack->reserve(*net, count);
      open->reserve(*net);
    }
    for (std::size_t l = 1; l < layers_.size(); ++l) {
      half_.reshape(student_.z(l).cols(), student_.z(l).cols());
      half_.reshape(student_.z(l).cols(), teacher_.z(l).cols());
    }
  }

  // Do products over open gates only, with copies of the weights between them, cost less than those
  // over all? With a share p of open gates, p^2 of the multiplications are left; a copied number
  // costs as much as about 60 of C.
  [[nodiscard]] bool closed_gates_pay(std::size_t lowest) const {
    double open = 0, all = 0;
    for (std::size_t l = lowest; l < layers_.size(); ++l) {
      const auto z = student_.z(l);
      for (std::size_t i = 0; i < z.rows(); ++i) {
        for (const T& gate : z.row(i)) open += gate != T(0);
      }
      all += static_cast<double>(z.rows() * z.cols());
    }
    const double share = open / all;
    return share * share * (1 + 60 / static_cast<double>(student_.top().rows())) < 0.8;
  }

  // Patterns first, ..., first + count - 1 as one stack.
  void add_stack(std::size_t lowest, std::size_t first, std::size_t count) {
    teacher_stack_.begin(teacher_, groups_, first, count);
    student_stack_.begin(student_, groups_, first, count);
    for (std::size_t l = layers_.size() - 2; l >= lowest; --l) {
      teacher_stack_.descend(l, groups_, first);
      student_stack_.descend(l, groups_, first);
      const auto S = student_stack_.columns(), S_star = teacher_stack_.columns();
      gram(S, layers_[l].gated_B.view(), scale_, T(1));
      multiply(transposed(S), S_star, layers_[l].gated_A.view(), scale_, T(1));
    }
  }

  // Pattern g, its open gates only.
  void add_open(std::size_t lowest, std::size_t g) {
    teacher_open_.begin(teacher_, groups_, g);
    student_open_.begin(student_, groups_, g);
    for (std::size_t l = layers_.size() - 2; l >= lowest; --l) {
      teacher_open_.descend(l);
      student_open_.descend(l);
      const auto S = student_open_.columns(), S_star = teacher_open_.columns();
      const auto& rows = student_open_.open();
      const auto square = half_.reshape(S.cols(), S.cols());
      gram(S, square, scale_);
      for (std::size_t a = 0; a < rows.size(); ++a) {
        T* const to = layers_[l].gated_B.view().row(rows[a]).data();
        for (std::size_t b = a; b < rows.size(); ++b) to[rows[b]] += square(a, b);
      }
      const auto& cols = teacher_open_.open();
      const auto product = half_.reshape(S.cols(), S_star.cols());
      multiply(transposed(S), S_star, product, scale_);
      for (std::size_t a = 0; a < rows.size(); ++a) {
        T* const to = layers_[l].gated_A.view().row(rows[a]).data();
        for (std::size_t b = 0; b < cols.size(); ++b) to[cols[b]] += product(a, b);
      }
    }
  }

  static void clear(const matrix_view<T>& m) {
    for (std::size_t i = 0; i < m.rows(); ++i) std::fill(m.row(i).begin(), m.row(i).end(), T(0));
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
  gated_stack<T> teacher_stack_, student_stack_;
  open_columns<T> teacher_open_, student_open_;
  gate_patterns patterns_;
  pattern_groups groups_;
  std::vector<layer_moments<T>> layers_;  // at [l]
  workspace<T> half_;
  T scale_ = 0;  // 1/N
};

}  // namespace tutelage
