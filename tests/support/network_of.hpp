// Networks with random weights, and those of PyTorch's reference files.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <tutelage/model/network.hpp>

#include "support/oracle.hpp"
#include "support/random.hpp"

namespace test {

template <class Network>
Network random_network(const std::array<std::size_t, Network::depth + 1>& widths,
                       std::uint64_t seed) {
  Network net(widths);
  stream random = random_stream(seed);
  randomize(net, random);
  return net;
}

/// `which` is teacher or student.
template <class Network>
Network network_of(const oracle& o, const std::string& which) {
  std::array<std::size_t, Network::depth + 1> widths{};
  for (std::size_t l = 0; l <= Network::depth; ++l) {
    widths[l] = static_cast<std::size_t>(o.number("/" + which + "_sizes/" + std::to_string(l)));
  }
  Network net(widths);
  net.for_each_layer([&](auto& layer, std::size_t l) {
    const auto W = o.matrix("/W_" + which + "/" + std::to_string(l - 1));
    copy(matrix_view(W), layer.weights());
  });
  return net;
}

}  // namespace test
