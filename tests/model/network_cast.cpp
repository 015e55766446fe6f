#include <complex>
#include <type_traits>

#include <tutelage/model/network_cast.hpp>

#include "support/close_to.hpp"
#include "support/random.hpp"

using namespace test;

TEST_CASE("weights and gates in another scalar") {
  auto random = random_stream(7);
  using type = network<dense<double, 3, dynamic, leaky_relu<dynamic_slope>>,
                       dense<double, dynamic, 2, relu, no_bias>, dense<double, 2, 2, identity>>;
  type net({3, 5, 2, 2}, leaky_relu<dynamic_slope>(0.4));
  randomize(net, random);
  const auto wide = network_cast<long double>(net);
  static_assert(std::is_same_v<std::remove_cv_t<decltype(wide)>, type::rebind<long double>>);
  const auto narrow = network_cast<float>(net);
  const auto complex = network_cast<std::complex<double>>(net);
  const auto back = network_cast<double>(wide);
  CHECK(wide.layer<1>().gate().slope() == 0.4);
  CHECK(narrow.layer<1>().gate().slope() == 0.4);
  for_each_number<3>([&](auto l) {
    const auto W = net.layer<l>().weights();
    for (std::size_t i = 0; i < W.rows(); ++i) {
      for (std::size_t k = 0; k < W.cols(); ++k) {
        CHECK(wide.layer<l>().weights()(i, k) == W(i, k));
        CHECK(narrow.layer<l>().weights()(i, k) == static_cast<float>(W(i, k)));
        CHECK(complex.layer<l>().weights()(i, k) == std::complex<double>(W(i, k)));
        CHECK(back.layer<l>().weights()(i, k) == W(i, k));
      }
    }
  });
  const auto x = random_matrix<double>(7, 3, random);
  CHECK(back(x) == net(x));
}
