// Both objects say the same, have types of their own, and catch each other's exceptions.
#include <cmath>
#include <cstdio>
#include <limits>

#include "odr/targets/object.hpp"

int main() {
  const auto native = targets::native(), baseline = targets::baseline();
  std::printf("%s %.17g\n%s %.17g\n", native.target.c_str(), native.sum, baseline.target.c_str(),
              baseline.sum);
  // 20 terms a product, 100 x 7 squares, all of one sign.
  const double tolerance = 1000 * std::numeric_limits<double>::epsilon() * baseline.sum;
  bool right = std::abs(native.sum - baseline.sum) <= tolerance;
  right = right && (native.target == baseline.target) == (native.type == baseline.type);
  right = right && targets::native_catches(targets::baseline_throws) &&
          targets::baseline_catches(targets::native_throws);
  return right ? 0 : 1;
}
