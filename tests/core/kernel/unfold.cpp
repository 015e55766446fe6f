#include <tutelage/core/kernel/unfold.hpp>

#include <doctest/doctest.h>

#include "support/framed.hpp"
#include "support/random.hpp"

namespace {

using namespace test;
using detail::axis;
using detail::window;

// The formula, apart from the library's.
std::ptrdiff_t place(const axis& a, std::size_t position, std::size_t tap) {
  return static_cast<std::ptrdiff_t>(position * a.stride + tap * a.dilation) - a.padding;
}

axis random_axis(stream& random) {
  const auto below = [&](std::uint64_t n) { return static_cast<std::size_t>(random.below(n)); };
  axis a{1 + below(40), 1, 1 + below(4), 1 + below(3), 1 + below(3), 0};
  a.padding = static_cast<std::ptrdiff_t>(below(6)) - 2;  // negative ones cut off
  const auto room = static_cast<std::ptrdiff_t>(a.in + 4);
  while (place(a, a.out, a.taps - 1) < room) ++a.out;
  return a;
}

}  // namespace

TEST_CASE_TEMPLATE("unfold: what taps see, and its transpose", T, float, double, long double) {
  auto random = random_stream(1);
  for (int repetition = 0; repetition < 30; ++repetition) {
    const window w{1 + static_cast<std::size_t>(random.below(3)), random_axis(random),
                   random_axis(random)};
    const auto number = [&](const T* image, std::size_t c, std::ptrdiff_t y, std::ptrdiff_t x) {
      const auto height = static_cast<std::ptrdiff_t>(w.y.in);
      const auto width = static_cast<std::ptrdiff_t>(w.x.in);
      const bool inside = y >= 0 && y < height && x >= 0 && x < width;
      return inside ? image + (static_cast<std::ptrdiff_t>(c) * height + y) * width + x : nullptr;
    };
    framed<T> image(random_matrix<T>(1, w.image_size(), random), 0, not_a_number<T>);
    framed<T> unfolded(make_matrix<T>(1, w.unfolded_size()), 0, T(-7));
    const T* const from = image.view().data();
    detail::unfold(w, from, unfolded.view().data());
    CHECK(unfolded.intact());
    std::vector<std::size_t> offsets;
    detail::tap_offsets(w, offsets);
    REQUIRE(offsets.size() == w.taps());

    const auto rows = random_matrix<T>(w.taps(), w.positions() + 1, random);
    framed<T> folded(1, w.image_size(), 0, T(-7));
    detail::fold(w, rows.data(), rows.shape(1), folded.view().data());
    CHECK(folded.intact());
    auto expected = make_matrix<T>(1, w.image_size());
    std::size_t t = 0, wrong = 0;
    for (std::size_t c = 0; c < w.channels; ++c) {
      for (std::size_t i = 0; i < w.y.taps; ++i) {
        for (std::size_t j = 0; j < w.x.taps; ++j, ++t) {
          for (std::size_t p = 0; p < w.positions(); ++p) {
            const T* const seen =
                number(from, c, place(w.y, p / w.x.out, i), place(w.x, p % w.x.out, j));
            wrong += unfolded.view()(0, offsets[t] + p) != (seen == nullptr ? T(0) : *seen);
            if (seen != nullptr) expected(0, static_cast<std::size_t>(seen - from)) += rows(t, p);
          }
        }
      }
    }
    INFO("lines ", w.y.in, " to ", w.y.out, ", taps ", w.y.taps, ", stride ", w.y.stride,
         ", dilation ", w.y.dilation, ", padding ", w.y.padding);
    CHECK(wrong == 0);
    CHECK(to_matrix(folded.view()) == expected);  // the order of taps too
  }
}

TEST_CASE_TEMPLATE("unfold: lines that are spread leave what lies between them", T, float, double) {
  for (std::size_t width = 1; width <= 40; ++width) {
    for (const std::size_t step : {1U, 2U, 3U}) {
      auto random = random_stream(width);
      const auto from = random_matrix<T>(3, width, random);
      framed<T> to(3, (width - 1) * step + 1, 2, T(-7));
      copy(matrix_view(random_matrix<T>(3, (width - 1) * step + 1, random)), to.view());
      auto expected = to_matrix(to.view());
      for (std::size_t i = 0; i < 3; ++i) {
        for (std::size_t x = 0; x < width; ++x) expected(i, x * step) = from(i, x);
      }
      detail::spread_lines(from.data(), to.view().data(), to.view().stride(), step, width, 3);
      CHECK(to_matrix(to.view()) == expected);
      CHECK(to.intact());
    }
  }
}
