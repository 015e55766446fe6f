#include <tutelage/model/pool.hpp>

#include <algorithm>
#include <limits>

#include "support/close_to.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

// One pooled number by the definition: the image with its padding, place by place. `average` counts
// padding as zeros, the largest number does not count it.
struct plain {
  double average = 0, largest = -std::numeric_limits<double>::infinity();
};
plain pooled(const image_shape& in, const pool_settings& s, std::size_t stride, const double* image,
             std::size_t c, std::size_t y, std::size_t x) {
  plain result;
  for (std::size_t i = 0; i < s.size; ++i) {
    for (std::size_t j = 0; j < s.size; ++j) {
      const std::size_t py = y * stride + i, px = x * stride + j;
      if (py < s.padding || px < s.padding) continue;
      if (py - s.padding >= in.height || px - s.padding >= in.width) continue;
      const double value = image[(c * in.height + py - s.padding) * in.width + px - s.padding];
      result.average += value / static_cast<double>(s.size * s.size);
      result.largest = std::max(result.largest, value);
    }
  }
  return result;
}

template <class Pool>
matrix<double> forward(const Pool& pool, const matrix<double>& x) {
  typename Pool::tape kept;
  return to_matrix(pool.forward(x, kept));
}

// <g, J x'> = <J^T g, x'> for x' near x: a pool is linear there.
template <class Pool>
void check_backward(const Pool& pool, const matrix<double>& x, stream& random) {
  typename Pool::tape kept;
  const auto f = to_matrix(pool.forward(x, kept));
  const auto g = random_matrix<double>(f.shape(0), f.shape(1), random);
  auto below = make_matrix<double>(x.shape(0), x.shape(1));
  pool.backward_input(x, kept, g, matrix_view(below));
  const double h = 1e-7;
  auto moved = random_matrix<double>(x.shape(0), x.shape(1), random);
  double through = 0, gauge = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    through += below.data()[i] * moved.data()[i];
    gauge += std::abs(below.data()[i] * moved.data()[i]);
    moved.data()[i] = x.data()[i] + h * moved.data()[i];
  }
  const auto f_moved = forward(pool, moved);
  double direct = 0;
  for (std::size_t i = 0; i < f.size(); ++i) {
    direct += g.data()[i] * (f_moved.data()[i] - f.data()[i]) / h;
  }
  CHECK(close_to(direct, through, 1e-7 * (1 + gauge)));
}

}  // namespace

TEST_CASE("pools of random images, sizes, strides and paddings, by the definition") {
  stream random = random_stream(1);
  const auto between = [&](std::size_t least, std::size_t most) {
    return least + random.below(static_cast<std::uint32_t>(most - least + 1));
  };
  for (int repeat = 0; repeat < 150; ++repeat) {
    const image_shape in{between(1, 3), between(3, 7), between(3, 7)};
    pool_settings s{between(1, 3), between(0, 4), 0};
    s.padding = between(0, s.size / 2);
    const std::size_t stride = s.stride == 0 ? s.size : s.stride;
    const average_pool<double, image_shape> average(in, s);
    const max_pool<double, image_shape> largest(in, s);
    INFO(shape_text(in), ", size ", s.size, ", stride ", s.stride, ", padding ", s.padding);
    const image_shape out = average.out_image();
    CHECK(out == largest.out_image());
    CHECK(out.height == (in.height + 2 * s.padding - s.size) / stride + 1);
    CHECK(out.width == (in.width + 2 * s.padding - s.size) / stride + 1);
    const auto x = random_matrix<double>(2, in.size(), random);
    const auto f = forward(average, x), m = forward(largest, x);
    double worst = 0;
    for (std::size_t i = 0; i < 2; ++i) {
      for (std::size_t k = 0; k < out.size(); ++k) {
        const plain p =
            pooled(in, s, stride, x.data() + i * in.size(), k / (out.height * out.width),
                   k / out.width % out.height, k % out.width);
        worst = std::max({worst, std::abs(f(i, k) - p.average), std::abs(m(i, k) - p.largest)});
      }
    }
    CHECK(worst < 64 * epsilon<double>);
    check_backward(average, x, random);
    check_backward(largest, x, random);
  }
}

TEST_CASE("max_pool: of equal numbers the first, and a NaN before all") {
  const max_pool<double, image_shape> pool({1, 1, 2}, {.size = 1, .stride = 2});
  const max_pool<double, image_shape> wide({1, 2, 2}, {.size = 2});
  max_pool<double, image_shape>::tape kept;
  auto x = make_matrix<double>(1, 4), below = make_matrix<double>(1, 4);
  auto g = make_matrix<double>(1, 1);
  g(0, 0) = 3;
  wide.forward(x, kept);
  wide.backward_input(x, kept, g, matrix_view(below));
  CHECK(below(0, 0) == 3);
  CHECK(below(0, 3) == 0);
  x(0, 2) = std::numeric_limits<double>::quiet_NaN();
  x(0, 3) = 5;
  CHECK(std::isnan(wide.forward(x, kept)(0, 0)));
  CHECK(pool.out_image() == image_shape{1, 1, 1});
}

TEST_CASE("pools: errors") {
  using pool = average_pool<float, image_shape>;
  CHECK(message_of<shape_error>([] {
          pool({0, 3, 3}, {});
        }) == "pool: images of 0x3x3, expected at least 1 each");
  CHECK(message_of<shape_error>([] {
          pool({2, 3, 3}, {.size = 4});
        }) == "pool: windows of 4 on images of 2x3x3 with padding 0");
  CHECK(message_of<argument_error>([] {
          pool({2, 3, 3}, {.size = 3, .padding = 2});
        }) ==
        "pool: size 3 with padding 2, expected a size of at least 1 and a padding of at most half");
  pool::tape kept;
  CHECK(message_of<shape_error>([&] {
          pool({2, 4, 4}, {}).forward(make_matrix<float>(3, 31), kept);
        }) == "forward: x is (3x31), expected (3x32)");
}
