// The regions of input space that samples visit. Inside a region no gate of any network changes:
// the networks are affine there and V, A and B are constant (arXiv:1909.13458, Corollaries 1 and
// 2).
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <tuple>
#include <type_traits>
#include <unordered_map>

#include <tutelage/core/finite.hpp>
#include <tutelage/core/numbers.hpp>
#include <tutelage/gradient/patterns.hpp>
#include <tutelage/model/network.hpp>
#include <tutelage/model/pair.hpp>
#include <utility>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

/// Counts the regions of one network, or the common ones of several. Memory grows with the number
/// of regions, not with that of samples.
///
/// for_each_rule over representatives() gives V, A and B of every region, each computed once.
template <class... Networks>
class visited_regions {
  using T = typename std::tuple_element_t<0, std::tuple<Networks...>>::value_type;
  using word = gate_patterns::word;
  static_assert((std::same_as<T, typename Networks::value_type> && ...),
                "visited_regions: the networks have different scalars; see network_cast");
  static_assert((piecewise_linear_network<Networks> && ...),
                "visited_regions: needs dense layers with piecewise linear gates; see fold");

 public:
  /// The networks must outlive this and stay as they are: temporaries are refused. Throws shape_error
  /// unless the networks have the same inputs.
  template <class... Given>
    requires(std::same_as<std::tuple<std::remove_cvref_t<Given>...>, std::tuple<Networks...>> &&
             (std::is_lvalue_reference_v<Given> && ...))
  explicit visited_regions(Given&&... networks) : networks_(&networks...) {
    using first = std::tuple_element_t<0, std::tuple<Networks...>>;
    (detail::check_inputs<first::in_extent, Networks::in_extent>(), ...);
    const std::array<std::size_t, sizeof...(Networks)> widths{networks.in_width()...};
    for (const std::size_t width : widths) {
      if (width != widths[0]) {
        throw shape_error(detail::text("visited_regions: the networks take ", widths[0], " and ",
                                       width, " inputs"));
      }
    }
    inputs_ = widths[0];
    bits_ = (hidden_nodes(networks) + ...);
  }

  /// Adds samples x, [N, n_0]; returns the region of each. Regions are numbered from 0 in the order
  /// in which they are first visited. Throws shape_error when x has another width, argument_error when
  /// it has a number that is not finite.
  std::vector<std::size_t> add(matrix_view<const T> x) {
    detail::require_finite("visited_regions", "x", x);
    std::vector<std::size_t> result;
    result.reserve(x.rows());
    constexpr std::size_t chunk = 256;
    for (std::size_t first = 0; first < x.rows(); first += chunk) {
      const auto rows = x.middle_rows(first, std::min(chunk, x.rows() - first));
      read(rows);
      for (std::size_t i = 0; i < rows.rows(); ++i) {
        const auto pattern = patterns_[i];
        const auto [place, fresh] =
            numbers_.try_emplace(key(pattern.begin(), pattern.end()), size());
        if (fresh) {
          counts_.push_back(0);
          representatives_.insert(representatives_.end(), rows.row(i).begin(), rows.row(i).end());
        }
        ++counts_[place->second];
        result.push_back(place->second);
      }
    }
    return result;
  }

  /// The number of regions visited.
  [[nodiscard]] std::size_t size() const noexcept { return counts_.size(); }

  /// How many samples lie in region r. Throws argument_error when there is no such region.
  [[nodiscard]] std::size_t count(std::size_t r) const {
    if (r >= size()) {
      throw argument_error(
          detail::text("visited_regions: region ", r, ", expected one below ", size()));
    }
    return counts_[r];
  }

  /// The first sample seen of each region, [size(), n_0]; valid until add() is called.
  [[nodiscard]] matrix_view<const T> representatives() const {
    return {representatives_.data(), size(), inputs_, inputs_};
  }

  /// The region of one sample, [n_0], or nothing when it was not visited. Throws as add()
  /// does.
  [[nodiscard]] std::optional<std::size_t> find(std::span<const T> x) {
    const matrix_view<const T> row(x.data(), 1, x.size(), x.size());
    detail::require_finite("visited_regions", "x", row);
    read(row);
    const auto place = numbers_.find(key(patterns_[0].begin(), patterns_[0].end()));
    return place == numbers_.end() ? std::nullopt : std::optional(place->second);
  }

 private:
  using key = std::vector<word>;
  struct hash {
    std::size_t operator()(const key& words) const noexcept {
      word h = 0;
      for (const word w : words) {  // one step of the splitmix64 generator a word
        h += w + 0x9E3779B97F4A7C15;
        h = (h ^ (h >> 30)) * 0xBF58476D1CE4E5B9;
        h = (h ^ (h >> 27)) * 0x94D049BB133111EB;
        h ^= h >> 31;
      }
      return static_cast<std::size_t>(h);
    }
  };

  void read(const matrix_view<const T>& x) {
    patterns_.reset(x.rows(), bits_);
    for_each_number<sizeof...(Networks)>([&](auto i) {
      const auto& network = *std::get<i - 1>(networks_);
      auto& kept = std::get<i - 1>(kept_);
      network.forward(x, kept);
      patterns_.append(network, kept);
    });
  }

  std::tuple<const Networks*...> networks_;
  std::tuple<activations<Networks>...> kept_;
  gate_patterns patterns_;
  std::size_t inputs_ = 0, bits_ = 0;
  std::unordered_map<key, std::size_t, hash> numbers_;
  std::vector<std::size_t> counts_;
  std::vector<T> representatives_;
};

template <class... Given>
  requires(requires { std::remove_cvref_t<Given>::in_extent; } && ...)
visited_regions(Given&&...)
->visited_regions<std::remove_cvref_t<Given>...>;

}  // namespace tutelage
