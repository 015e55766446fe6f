// A training step of an mlp (ReLU, biases, mean squared error, SGD) as a user would write it
// without the library: plain loops, calls to BLAS, Eigen. All take a gathered batch.
#pragma once

#define EIGEN_STACK_ALLOCATION_LIMIT 0  // fixed sizes up to the largest here
#include <Eigen/Core>

#include "support.hpp"

namespace bench {

/// Weights start where gradients neither vanish nor explode.
inline constexpr double start = 0.05;

/// Loops over rows, in the order in which memory lies.
template <class T>
class plain_mlp {
 public:
  plain_mlp(std::vector<std::size_t> widths, std::size_t batch)
      : widths_(std::move(widths)), N_(batch) {
    for (std::size_t l = 0; l < widths_.size(); ++l) f_.push_back(make_matrix<T>(N_, widths_[l]));
    g_ = f_;
    for (std::size_t l = 1; l < widths_.size(); ++l) {
      W_.push_back(random_matrix<T>(widths_[l - 1] + 1, widths_[l], l));
      W_.back() *= T(start);
    }
  }

  /// Where the batch goes: [N, d] and [N, C].
  T* x() { return f_.front().data(); }
  T* y() { return g_.back().data(); }
  [[nodiscard]] std::size_t x_stride() const { return widths_.front(); }

  void step(T rate) {
    const std::size_t L = W_.size();
    for (std::size_t l = 0; l < L; ++l) {
      const std::size_t m = widths_[l], n = widths_[l + 1];
      for (std::size_t i = 0; i < N_; ++i) {
        const T* const in = f_[l].data() + i * m;
        T* const out = f_[l + 1].data() + i * n;
        const T* w = W_[l].data();
        for (std::size_t k = 0; k < n; ++k) out[k] = w[m * n + k];
        for (std::size_t j = 0; j < m; ++j, w += n) {
          for (std::size_t k = 0; k < n; ++k) out[k] += in[j] * w[k];
        }
        if (l + 1 == L) continue;
        for (std::size_t k = 0; k < n; ++k) out[k] = out[k] > 0 ? out[k] : T(0);
      }
    }
    g_[L] -= f_[L];
    const T scale = rate / static_cast<T>(N_);
    for (std::size_t l = L; l-- > 0;) {
      const std::size_t m = widths_[l], n = widths_[l + 1];
      for (std::size_t i = 0; i < N_; ++i) {
        const T* const in = f_[l].data() + i * m;
        const T* const g = g_[l + 1].data() + i * n;
        T* const g_in = g_[l].data() + i * m;
        const T* w = W_[l].data();
        for (std::size_t j = 0; l > 0 && j < m; ++j, w += n) {
          T sum = 0;
          for (std::size_t k = 0; k < n; ++k) sum += g[k] * w[k];
          g_in[j] = in[j] > 0 ? sum : T(0);
        }
      }
      for (std::size_t i = 0; i < N_; ++i) {
        const T* const in = f_[l].data() + i * m;
        const T* const g = g_[l + 1].data() + i * n;
        T* w = W_[l].data();
        for (std::size_t j = 0; j <= m; ++j, w += n) {
          const T factor = scale * (j < m ? in[j] : T(1));
          for (std::size_t k = 0; k < n; ++k) w[k] += factor * g[k];
        }
      }
    }
  }

 private:
  std::vector<std::size_t> widths_;
  std::size_t N_;
  std::vector<matrix<T>> f_, g_, W_;
};

inline void gemm(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, double alpha,
                 const double* a, int lda, const double* b, int ldb, double beta, double* c,
                 int ldc) {
  cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
inline void gemm(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, float alpha,
                 const float* a, int lda, const float* b, int ldb, float beta, float* c, int ldc) {
  cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

/// Calls to BLAS. Inputs and hidden activations carry a column of ones, so that biases are a row of
/// every product.
template <class T>
class cblas_mlp {
 public:
  cblas_mlp(const std::vector<std::size_t>& widths, std::size_t batch)
      : N_(static_cast<int>(batch)) {
    for (std::size_t l = 0; l < widths.size(); ++l) {
      widths_.push_back(static_cast<int>(widths[l]));
      const bool last = l + 1 == widths.size();
      f_.push_back(make_matrix<T>(batch, widths[l] + (last ? 0 : 1)));
      g_.push_back(make_matrix<T>(batch, widths[l]));
      if (!last) {
        for (std::size_t i = 0; i < batch; ++i) f_[l](i, widths[l]) = T(1);
        W_.push_back(random_matrix<T>(widths[l] + 1, widths[l + 1], l + 1));
        W_.back() *= T(start);
      }
    }
  }

  T* x() { return f_.front().data(); }
  T* y() { return g_.back().data(); }
  [[nodiscard]] std::size_t x_stride() const {
    return static_cast<std::size_t>(widths_.front()) + 1;
  }

  void step(T rate) {
    const std::size_t L = W_.size();
    for (std::size_t l = 0; l + 1 < L; ++l) {
      const int m = widths_[l], n = widths_[l + 1];
      T* const f = f_[l + 1].data();
      gemm(CblasNoTrans, CblasNoTrans, N_, n, m + 1, T(1), f_[l].data(), m + 1, W_[l].data(), n,
           T(0), f, n + 1);
      for (std::ptrdiff_t i = 0; i < N_; ++i) {
        T* const row = f + i * (n + 1);
        for (std::ptrdiff_t k = 0; k < n; ++k) row[k] = row[k] > 0 ? row[k] : T(0);
      }
    }
    const int m = widths_[L - 1], n = widths_[L];
    gemm(CblasNoTrans, CblasNoTrans, N_, n, m + 1, T(-1), f_[L - 1].data(), m + 1, W_[L - 1].data(),
         n, T(1), g_[L].data(), n);
    const T scale = rate / static_cast<T>(N_);
    for (std::size_t l = L; l-- > 0;) backward(l, scale);
  }

 private:
  void backward(std::size_t l, T scale) {
    const int m = widths_[l], n = widths_[l + 1];
    const T* const f = f_[l].data();
    if (l > 0) {
      T* const g = g_[l].data();
      gemm(CblasNoTrans, CblasTrans, N_, m, n, T(1), g_[l + 1].data(), n, W_[l].data(), n, T(0), g,
           m);
      for (std::ptrdiff_t i = 0; i < N_; ++i) {
        const T* const row = f + i * (m + 1);
        T* const g_row = g + i * m;
        for (std::ptrdiff_t k = 0; k < m; ++k) g_row[k] = row[k] > 0 ? g_row[k] : T(0);
      }
    }
    gemm(CblasTrans, CblasNoTrans, m + 1, n, N_, scale, f, m + 1, g_[l + 1].data(), n, T(1),
         W_[l].data(), n);
  }

  std::vector<int> widths_;
  int N_;
  std::vector<matrix<T>> f_, g_, W_;
};

/// Eigen with sizes known at run time.
template <class T>
class eigen_mlp {
  using M = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using R = Eigen::Matrix<T, 1, Eigen::Dynamic>;

 public:
  eigen_mlp(const std::vector<std::size_t>& widths, std::size_t batch) {
    const auto size = [](std::size_t n) { return static_cast<Eigen::Index>(n); };
    for (std::size_t l = 0; l < widths.size(); ++l) {
      f_.push_back(M::Zero(size(batch), size(widths[l])));
      if (l == 0) continue;
      W_.push_back(M::Random(size(widths[l - 1]), size(widths[l])) * T(start));
      b_.push_back(R::Zero(size(widths[l])));
    }
    g_ = f_;
  }

  T* x() { return f_.front().data(); }
  T* y() { return g_.back().data(); }
  [[nodiscard]] std::size_t x_stride() const { return static_cast<std::size_t>(f_[0].cols()); }

  void step(T rate) {
    const std::size_t L = W_.size();
    for (std::size_t l = 0; l < L; ++l) {
      f_[l + 1].noalias() = f_[l] * W_[l];
      f_[l + 1].rowwise() += b_[l];
      if (l + 1 < L) f_[l + 1] = f_[l + 1].cwiseMax(T(0));
    }
    g_[L] -= f_[L];
    const T scale = rate / static_cast<T>(f_[0].rows());
    for (std::size_t l = L; l-- > 0;) {
      if (l > 0) {
        g_[l].noalias() = g_[l + 1] * W_[l].transpose();
        g_[l] = (f_[l].array() > T(0)).select(g_[l], T(0));
      }
      W_[l].noalias() += scale * f_[l].transpose() * g_[l + 1];
      b_[l] += scale * g_[l + 1].colwise().sum();
    }
  }

 private:
  std::vector<M> f_, g_, W_;
  std::vector<R> b_;
};

/// Eigen with all sizes of a two-layer network known to the compiler.
template <class T, int N, int d, int n, int C>
class eigen_two_layer {
 public:
  eigen_two_layer() : W1_(d, n), W2_(n, C) {
    W1_.setRandom();
    W2_.setRandom();
    W1_ *= T(start);
    W2_ *= T(start);
  }

  T* x() { return x_.data(); }
  T* y() { return g2_.data(); }
  [[nodiscard]] std::size_t x_stride() const { return d; }

  void step(T rate) {
    f1_.noalias() = x_ * W1_;
    f1_.rowwise() += b1_;
    f1_ = f1_.cwiseMax(T(0));
    g2_.noalias() -= f1_ * W2_;
    g2_.rowwise() -= b2_;
    g1_.noalias() = g2_ * W2_.transpose();
    g1_ = (f1_.array() > T(0)).select(g1_, T(0));
    const T scale = rate / T(N);
    W2_.noalias() += scale * f1_.transpose() * g2_;
    b2_ += scale * g2_.colwise().sum();
    W1_.noalias() += scale * x_.transpose() * g1_;
    b1_ += scale * g1_.colwise().sum();
  }

 private:
  template <int r, int c>
  using M = Eigen::Matrix<T, r, c, (r == 1 || c > 1) ? Eigen::RowMajor : Eigen::ColMajor>;
  M<N, d> x_ = M<N, d>::Zero();
  M<N, n> f1_ = M<N, n>::Zero(), g1_ = M<N, n>::Zero();
  M<N, C> g2_ = M<N, C>::Zero();
  M<d, n> W1_;
  M<n, C> W2_;
  M<1, n> b1_ = M<1, n>::Zero();
  M<1, C> b2_ = M<1, C>::Zero();
};

}  // namespace bench
