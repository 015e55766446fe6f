// A convolution as loops over its formula: what the library's is judged by.
#pragma once

#include <cmath>
#include <cstddef>
#include <tutelage/model/conv2d.hpp>

namespace reference {

using namespace tutelage;

/// Calls visit(output's number, tap, filter, input's number) for all products of one image that are
/// not with a zero of the padding. (The library's shape arithmetic is not used.)
template <class Visit>
void for_each_product(const image_shape& image, const convolution_settings& s, const Visit& visit) {
  const auto positions = [](std::size_t n, std::size_t size, std::size_t stride,
                            std::size_t padding, std::size_t dilation) {
    return (n + 2 * padding - dilation * (size - 1) - 1) / stride + 1;
  };
  const std::size_t height =
      positions(image.height, s.size.height, s.stride.height, s.padding.height, s.dilation.height);
  const std::size_t width =
      positions(image.width, s.size.width, s.stride.width, s.padding.width, s.dilation.width);
  const std::size_t group = image.channels / s.groups;
  for (std::size_t k = 0; k < s.filters; ++k) {
    for (std::size_t y = 0; y < height; ++y) {
      for (std::size_t x = 0; x < width; ++x) {
        for (std::size_t c = 0; c < group; ++c) {
          for (std::size_t i = 0; i < s.size.height; ++i) {
            for (std::size_t j = 0; j < s.size.width; ++j) {
              const std::size_t padded_y = y * s.stride.height + i * s.dilation.height;
              const std::size_t padded_x = x * s.stride.width + j * s.dilation.width;
              if (padded_y < s.padding.height || padded_x < s.padding.width) continue;
              const std::size_t from_y = padded_y - s.padding.height;
              const std::size_t from_x = padded_x - s.padding.width;
              if (from_y >= image.height || from_x >= image.width) continue;
              const std::size_t channel = k / (s.filters / s.groups) * group + c;
              visit((k * height + y) * width + x, (c * s.size.height + i) * s.size.width + j, k,
                    (channel * image.height + from_y) * image.width + from_x);
            }
          }
        }
      }
    }
  }
}

/// Results and the sums of the absolute values of what is added in them.
template <class W>
struct convolution_result {
  matrix<W> value;
  matrix<real_t<W>> gauge;

  convolution_result(std::size_t rows, std::size_t cols)
      : value(make_matrix<W>(rows, cols)), gauge(make_matrix<real_t<W>>(rows, cols)) {}
  void add(std::size_t i, std::size_t j, const W& a, const W& b) {
    value(i, j) += a * b;
    gauge(i, j) += std::abs(a * b);
  }
};

/// Pre-activations; `biased`: the last row of weights is the bias.
template <class W>
convolution_result<W> convolve(const image_shape& image, const convolution_settings& s,
                               const matrix<W>& weights, bool biased, const matrix<W>& x,
                               std::size_t outputs) {
  convolution_result<W> a(x.shape(0), outputs);
  const std::size_t positions = outputs / s.filters, last = weights.shape(0) - 1;
  for (std::size_t n = 0; n < x.shape(0); ++n) {
    for (std::size_t o = 0; biased && o < outputs; ++o) {
      a.add(n, o, weights(last, o / positions), W(1));
    }
    for_each_product(image, s, [&](std::size_t o, std::size_t t, std::size_t k, std::size_t in) {
      a.add(n, o, weights(t, k), x(n, in));
    });
  }
  return a;
}

/// The gradient at x from that at the pre-activations.
template <class W>
convolution_result<W> input_gradient(const image_shape& image, const convolution_settings& s,
                                     const matrix<W>& weights, const matrix<W>& g) {
  convolution_result<W> h(g.shape(0), image.size());
  for (std::size_t n = 0; n < g.shape(0); ++n) {
    for_each_product(image, s, [&](std::size_t o, std::size_t t, std::size_t k, std::size_t in) {
      h.add(n, in, weights(t, k), g(n, o));
    });
  }
  return h;
}

/// The mean over samples of the gradient at the weights, times alpha, plus beta times `weights`.
template <class W>
convolution_result<W> weight_gradient(const image_shape& image, const convolution_settings& s,
                                      const matrix<W>& weights, bool biased, const matrix<W>& x,
                                      const matrix<W>& g, const W& alpha, const W& beta) {
  convolution_result<W> d(weights.shape(0), weights.shape(1));
  const W factor = alpha / static_cast<real_t<W>>(x.shape(0));
  const std::size_t positions = g.shape(1) / s.filters, last = weights.shape(0) - 1;
  for (std::size_t n = 0; n < x.shape(0); ++n) {
    for (std::size_t o = 0; biased && o < g.shape(1); ++o) {
      d.add(last, o / positions, factor, g(n, o));
    }
    for_each_product(image, s, [&](std::size_t o, std::size_t t, std::size_t k, std::size_t in) {
      d.add(t, k, factor * x(n, in), g(n, o));
    });
  }
  for (std::size_t t = 0; t < weights.shape(0); ++t) {
    for (std::size_t k = 0; k < weights.shape(1); ++k) d.add(t, k, beta, weights(t, k));
  }
  return d;
}

}  // namespace reference
