// Gate patterns: which gates of a network are open at a sample, as bits. Samples of equal pattern
// lie in one region, where the network is linear and V, A and B are constant (arXiv:1909.13458,
// Corollary 2).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>

#include <tutelage/model/network.hpp>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

/// The number of nodes in the hidden layers from `lowest` up.
template <class Network>
std::size_t hidden_nodes(const Network& net, std::size_t lowest = 1) {
  const auto widths = net.widths();
  std::size_t count = 0;
  for (std::size_t l = std::max<std::size_t>(lowest, 1); l < Network::depth; ++l) {
    count += widths[l];
  }
  return count;
}

/// The patterns of a batch: one bit a hidden node, of one network or of several.
class gate_patterns {
 public:
  using word = std::uint64_t;

  /// Makes room for `bits` gates of N samples, all closed. Allocates only for more than before.
  void reset(std::size_t N, std::size_t bits) {
    samples_ = N;
    words_ = (bits + 63) / 64;
    next_bit_ = 0;
    words_of_all_.assign(N * words_, 0);
  }

  /// Appends the gates of layers `lowest`, ..., L-1 to each sample's bits, layer by layer. A node
  /// without a kink counts as open. Throws shape_error unless `kept` holds N samples and there is
  /// room.
  template <class Network>
  void append(const Network& net, const activations<Network>& kept, std::size_t lowest = 1) {
    static_assert(piecewise_linear_network<Network>,
                  "gate_patterns: needs dense layers with piecewise linear gates; see fold");
    const std::size_t count = hidden_nodes(net, lowest);
    if (kept.batch() != samples_ || next_bit_ + count > 64 * words_) {
      throw shape_error(detail::text("gate_patterns: ", count, " gates of ", kept.batch(),
                                     " samples, room for ", 64 * words_ - next_bit_, " of ",
                                     samples_));
    }
    net.for_each_layer([&](const auto& layer, std::size_t l) {
      if (l < lowest || l == Network::depth) return;
      const auto f = kept.f(l);
      for (std::size_t i = 0; i < samples_; ++i) {
        word* const row = words_of_all_.data() + i * words_;
        for (std::size_t k = 0; k < f.cols(); ++k) {
          const std::size_t bit = next_bit_ + k;
          const word open = real_part(layer.gate().factor(f(i, k))) == 1 ? 1 : 0;
          row[bit / 64] |= open << (bit % 64);
        }
      }
      next_bit_ += f.cols();
    });
  }

  [[nodiscard]] std::size_t samples() const noexcept { return samples_; }

  /// The bits of sample i: gate b is bit b % 64 of word b / 64.
  [[nodiscard]] std::span<const word> operator[](std::size_t i) const noexcept {
    return {words_of_all_.data() + i * words_, words_};
  }

 private:
  std::size_t samples_ = 0, words_ = 0, next_bit_ = 0;
  std::vector<word> words_of_all_;  // [N, words]
};

/// The samples of a batch by pattern.
class pattern_groups {
 public:
  /// Allocates only for more samples than before.
  void find(const gate_patterns& patterns) {
    const std::size_t N = patterns.samples();
    order_.resize(N);
    group_.resize(N);
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    const auto less = [&](std::size_t a, std::size_t b) {
      const auto p = patterns[a], q = patterns[b];
      const auto [x, y] = std::mismatch(p.begin(), p.end(), q.begin());
      return x != p.end() ? *x < *y : a < b;
    };
    std::sort(order_.begin(), order_.end(), less);
    const auto equal = [&](std::size_t a, std::size_t b) {
      return std::equal(patterns[a].begin(), patterns[a].end(), patterns[b].begin());
    };
    // First the lowest sample of equal pattern, then the number of its group.
    for (std::size_t s = 0; s < N; ++s) {
      const std::size_t i = order_[s];
      group_[i] = s > 0 && equal(order_[s - 1], i) ? group_[order_[s - 1]] : i;
    }
    first_.clear();
    counts_.clear();
    for (std::size_t i = 0; i < N; ++i) {
      if (group_[i] == i) {
        first_.push_back(i);
        counts_.push_back(0);
        group_[i] = first_.size() - 1;
      } else {
        group_[i] = group_[group_[i]];
      }
      ++counts_[group_[i]];
    }
  }

  /// The number of samples.
  [[nodiscard]] std::size_t samples() const noexcept { return group_.size(); }
  /// The number of different patterns.
  [[nodiscard]] std::size_t size() const noexcept { return first_.size(); }
  /// The first sample of group g; groups are in the order of these.
  [[nodiscard]] std::size_t first(std::size_t g) const { return first_[g]; }
  /// How many samples group g has.
  [[nodiscard]] std::size_t count(std::size_t g) const { return counts_[g]; }
  /// The group of sample i.
  [[nodiscard]] std::size_t of(std::size_t i) const { return group_[i]; }

 private:
  std::vector<std::size_t> order_, group_;   // [N]
  std::vector<std::size_t> first_, counts_;  // [groups]
};

}  // namespace tutelage
