// Static, dynamic and mixed widths are one network.
#include <array>
#include <tutelage/model/network.hpp>

#include "support/network_case.hpp"
#include "support/widths.hpp"

namespace {

using namespace test;

template <class T>
using dynamic_mlp = mlp<T, relu, dynamic, dynamic, dynamic>;

// A network with all widths dynamic, and what it computes for some samples.
template <class T>
struct expectation {
  [[gnu::noinline]] expectation(const std::array<std::size_t, 3>& widths, std::size_t N,
                                stream& random)
      : net(widths) {
    randomize(net, random);
    x = random_matrix<T>(N, widths[0], random);
    y = random_matrix<T>(N, widths[2], random);
    CHECK(check_passes(net, x, y));
    passes = run_passes(net, x, y);
  }
  dynamic_mlp<T> net;
  matrix<T> x, y;
  computed_passes<T> passes;
};

// Another network with the same weights gives the same bits.
template <class Network>
void check_extents(const std::array<std::size_t, 3>& widths, std::size_t N, stream& random) {
  INFO("widths ", widths[0], " ", widths[1], " ", widths[2], ", batch ", N);
  const expectation<typename Network::value_type> expected(widths, N, random);
  Network net(widths);
  CHECK(net.widths() == widths);
  for_each_number<2>([&](auto l) {
    copy(expected.net.template layer<l>().weights(), net.template layer<l>().weights());
  });
  CHECK(run_passes(net, expected.x, expected.y) == expected.passes);
}

}  // namespace

TEST_CASE("network: static, dynamic and mixed widths give equal bits") {
  auto random = random_stream(1);
  for_each_static_width([&](auto w) {
    check_extents<mlp<double, relu, w, w, w>>({w, w, w}, 6, random);
  });
  for_each_width<3, 17>([&](auto w) {
    check_extents<mlp<double, relu, dynamic, w, dynamic>>({7, w, 3}, 17, random);
    check_extents<mlp<double, relu, w, dynamic, 10>>({w, 9, 10}, 5, random);
  });
  check_extents<mlp<float, relu, 100, 10, 50>>({100, 10, 50}, 16, random);
  // A width that only the upper or only the lower of two neighbours knows.
  check_extents<network<dense<double, dynamic, dynamic, relu>, dense<double, 5, 3>>>({7, 5, 3}, 9,
                                                                                     random);
  check_extents<network<dense<double, 7, 5, relu>, dense<double>>>({7, 5, 3}, 9, random);
}
