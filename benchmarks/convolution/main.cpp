// One pass of a convolution: forward with bias and ReLU's gate left out, the gradient at the weights
// and bias, the gradient at the images. Sizes are CxHxW-KfS: filters K of S x S, stride 1 and padding
// S/2, on a batch of 16 and 64. Against im2col and BLAS, and oneDNN where it is installed: with images
// as ours (it reorders them) and in its own order.
#include <memory>

#include <tutelage/model/conv2d.hpp>

#include "../support.hpp"

#ifdef BENCH_ONEDNN
#include "with_onednn.hpp"
#endif

namespace {

using namespace bench;

double flops(const convolution& c, std::size_t N) {
  const auto& s = c.settings;
  const double taps = static_cast<double>(c.image.channels * s.size.height * s.size.width);
  return 2 * taps * static_cast<double>(N * out_image(c).size());
}

template <class L>
struct our_passes {
  using T = typename L::value_type;

  our_passes(const convolution& c, std::size_t N)
      : l(c.image, c.settings),
        x(random_matrix<T>(N, l.in_width(), 0)),
        g(random_matrix<T>(N, l.out_width(), 1)),
        below(x),
        dW(make_matrix<T>(l.weights().rows(), l.weights().cols())) {
    copy(matrix_view(random_matrix<T>(dW.shape(0), dW.shape(1), 2)), l.weights());
    forward();
  }
  void forward() { l.forward(matrix_view<const T, dynamic, L::in_extent>(x), kept); }
  void input() {
    l.backward_input(matrix_view<const T, dynamic, L::in_extent>(x), kept,
                     matrix_view<const T, dynamic, L::out_extent>(g),
                     matrix_view<T, dynamic, L::in_extent>(below));
  }
  void weights() {
    l.backward_weights(
        matrix_view<const T, dynamic, L::in_extent>(x), kept,
        matrix_view<const T, dynamic, L::out_extent>(g),
        [&](std::size_t, std::size_t, const auto& set) { set(matrix_view(dW), T(1), T(0)); });
  }

  L l;
  typename L::tape kept;
  matrix<T> x, g, below, dW;
};

// What the taps of one image see, as a matrix [taps, P], and a call of gemm on it.
template <class T>
struct im2col_passes {
  im2col_passes(const convolution& of, std::size_t batch)
      : c(of),
        out(out_image(of)),
        N(batch),
        P(out.height * out.width),
        taps(c.image.channels * c.settings.size.height * c.settings.size.width),
        x(random_matrix<T>(N, c.image.size(), 0)),
        f(random_matrix<T>(N, out.size(), 1)),
        W(random_matrix<T>(c.settings.filters, taps, 2)),
        b(random_matrix<T>(1, c.settings.filters, 3)),
        columns(make_matrix<T>(taps, P)) {}

  // visit(columns, image, positions, stride): so many numbers of a line of columns, from the first on,
  // are those of a line of the image that are `stride` apart. What is padding is left out.
  template <class Visit>
  void for_each_line(std::size_t n, const Visit& visit) {
    const auto& s = c.settings;
    T* line = columns.data();
    for (std::size_t channel = 0; channel < c.image.channels; ++channel) {
      T* const image = &x(n, channel * c.image.height * c.image.width);
      for (std::size_t i = 0; i < s.size.height; ++i) {
        for (std::size_t j = 0; j < s.size.width; ++j) {
          const std::size_t left = s.padding.width, step = s.stride.width;
          const std::size_t begin = j < left ? (left - j + step - 1) / step : 0;
          const std::size_t end = std::min(out.width, (c.image.width - 1 + left - j) / step + 1);
          for (std::size_t y = 0; y < out.height; ++y, line += out.width) {
            const std::size_t from = y * s.stride.height + i - s.padding.height;
            if (from >= c.image.height) continue;  // large where negative
            visit(line + begin, image + from * c.image.width + begin * step + j - left, end - begin,
                  step);
          }
        }
      }
    }
  }
  void gather(std::size_t n) {
    std::fill_n(columns.data(), columns.size(), T(0));
    for_each_line(n, [](T* to, const T* image, std::size_t count, std::size_t step) {
      if (step == 1) {
        std::copy_n(image, count, to);
      } else {
        for (std::size_t o = 0; o < count; ++o) to[o] = image[o * step];
      }
    });
  }
  void scatter(std::size_t n) {
    std::fill_n(&x(n, 0), x.shape(1), T(0));
    for_each_line(n, [](const T* from, T* image, std::size_t count, std::size_t step) {
      if (step == 1) {
        for (std::size_t o = 0; o < count; ++o) image[o] += from[o];
      } else {
        for (std::size_t o = 0; o < count; ++o) image[o * step] += from[o];
      }
    });
  }

  void gemm(bool a_transposed, bool b_transposed, std::size_t rows, std::size_t cols,
            std::size_t inner, const T* A, std::size_t lda, const T* B, std::size_t ldb, T beta,
            T* C, std::size_t ldc) {
    const auto operation = [](bool is) { return is ? cxxblas::Trans : cxxblas::NoTrans; };
    const auto index = [](std::size_t n) { return static_cast<int>(n); };
    cxxblas::gemm<int>(cxxblas::RowMajor, operation(a_transposed), operation(b_transposed),
                       index(rows), index(cols), index(inner), T(1), A, index(lda), B, index(ldb),
                       beta, C, index(ldc));
  }

  void forward() {
    const std::size_t K = W.shape(0);
    for (std::size_t n = 0; n < N; ++n) {
      gather(n);
      for (std::size_t k = 0; k < K; ++k) std::fill_n(&f(n, k * P), P, b(0, k));
      gemm(false, false, K, P, taps, W.data(), taps, columns.data(), P, T(1), &f(n, 0), P);
    }
  }
  void weights() {
    const std::size_t K = W.shape(0);
    for (std::size_t n = 0; n < N; ++n) {
      gather(n);
      for (std::size_t k = 0; k < K; ++k) {
        T sum = n == 0 ? T(0) : b(0, k);
        for (std::size_t p = 0; p < P; ++p) sum += f(n, k * P + p);
        b(0, k) = sum;
      }
      gemm(false, true, K, taps, P, &f(n, 0), P, columns.data(), P, n == 0 ? T(0) : T(1), W.data(),
           taps);
    }
  }
  void input() {
    const std::size_t K = W.shape(0);
    for (std::size_t n = 0; n < N; ++n) {
      gemm(true, false, taps, P, K, W.data(), taps, &f(n, 0), P, T(0), columns.data(), P);
      scatter(n);
    }
  }

  convolution c;
  image_shape out;
  std::size_t N, P, taps;
  matrix<T> x, f, W, b, columns;
};

// The three passes of one implementation.
template <class Make>
void add_passes(const char* scalar, const std::string& size, const std::string& implementation,
                double operations, const Make& make) {
  const auto add_one = [&](const char* question, auto pass) {
    add(name(question, scalar, size, implementation), operations, [=] {
      return [p = make(), pass] {
        pass(*p);
        benchmark::ClobberMemory();
      };
    });
  };
  add_one("convolution_forward", [](auto& p) { p.forward(); });
  add_one("convolution_weights", [](auto& p) { p.weights(); });
  add_one("convolution_input", [](auto& p) { p.input(); });
}

template <class T, class L>
void add_shape(const convolution& c, std::size_t N) {
  const auto& s = c.settings;
  const std::string size = shape_text(c.image) + "-" + number(s.filters) + "f" +
                           number(s.size.height) + (s.stride.height == 1 ? "" : "s2") + " N" +
                           number(N);
  const double operations = flops(c, N);
  const auto add_one = [&](const std::string& implementation, const auto& make) {
    add_passes(scalar_name<T>, size, implementation, operations, make);
  };
  add_one("tutelage", [=] { return std::make_shared<our_passes<L>>(c, N); });
  add_one("im2col cblas", [=] { return std::make_shared<im2col_passes<T>>(c, N); });
#ifdef BENCH_ONEDNN
  if constexpr (std::same_as<T, float>) {
    add_one("oneDNN", [=] { return std::make_shared<onednn_convolution>(c, N, false); });
    add_one("oneDNN own order", [=] { return std::make_shared<onednn_convolution>(c, N, true); });
  }
#endif
}

template <class T>
void add_scalar() {
  add_peak<T>();
  for (const image_shape& image : {image_shape{1, 28, 28}, {3, 32, 32}, {64, 16, 16}}) {
    for (const std::size_t filters : {16, 32, 64, 128}) {
      for (const std::size_t N : {16, 64}) {
        add_shape<T, conv2d<T>>({image, {.filters = filters, .size = 3, .padding = 1}}, N);
      }
    }
    add_shape<T, conv2d<T>>({image, {.filters = 64, .size = 5, .padding = 2}}, 16);
    add_shape<T, conv2d<T>>({image, {.filters = 64, .size = 3, .stride = 2, .padding = 1}}, 16);
  }
}

}  // namespace

int main(int argc, char** argv) {
#ifdef BENCH_ONEDNN
  omp_set_num_threads(1);
#endif
  add_scalar<float>();
  return bench::run(argc, argv);
}
