// The global minima of a small two-layer network in the plane, exactly: their connected components
// modulo permutations of nodes, and the barriers between them.
//
//   f(x) = sum_{k=1..h} v_k r(w_k.x),   no biases,   residual max_i |f(x_i) - y_i|
//
// Each node is in one of the states of plane_units.hpp, so a network is in one cell, a multiset of h
// states, on which f is linear: f(X) = A c, c > 0, the columns of A being the rays' of the states. The
// least residual that a cell's closure reaches is its level, the value of
//
//   min t  subject to  |A c - y| <= t, c >= 0     =     max y.l  subject to  A^T l <= 0, |l|_1 <= 1
//
// The networks with residual at most t meet the closure of a cell in a convex set, which is empty where
// the level is above t. Two cells' closures share networks where one cell is below the other, state by
// state. So the components of {residual <= t} are those of the graph of the cells with levels up to t,
// joined along steps of one state (any two comparable cells are joined by such steps, and levels only
// fall upwards). Level 0 are the global minima; the level at which two components of these are joined
// is the least, over all paths between them, of the largest residual on the way. No numbers are
// rounded. There are C(S + h - 1, h) cells for S states, about 4 N of them: h is to be small.
//
// That minima are disconnected for some data, whatever the width: arXiv:1906.06247.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <numeric>
#include <utility>
#include <vector>

#include <tutelage/landscape/plane_units.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// The node sign r(w.x); sign is 0 for a node that does nothing.
struct exact_node {
  int sign = 0;
  std::array<rational, 2> w{};
};

struct minimum_component {
  /// Cells that hold a global minimum, with c > 0.
  std::size_t cells = 0;
  /// A minimum in a cell with the fewest columns, [h].
  std::vector<exact_node> representative;
};

struct minimum_landscape {
  std::size_t states = 0, cells = 0;  // S, C(S + h - 1, h)
  /// Of all networks; above 0 there are no components.
  rational least_residual;
  /// The largest first.
  std::vector<minimum_component> components;
  /// Residuals, [components, components]; 0 on the diagonal.
  std::vector<std::vector<rational>> barrier;
};

namespace detail {

class cell_graph {
 public:
  cell_graph(const plane_samples& samples, std::size_t h)
      : samples_(samples), units_(samples), h_(h) {
    std::vector<std::size_t> cell(h, 0);
    add_cells(cell, 0, 0);
    std::map<std::vector<std::size_t>, rational> known;  // by the signed rays that a cell has
    for (const auto& c : cells_) {
      auto key = columns_of(c);
      std::sort(key.begin(), key.end());
      key.erase(std::unique(key.begin(), key.end()), key.end());
      const auto [at, is_new] = known.try_emplace(std::move(key));
      if (is_new) at->second = fit(at->first).value;
      level_.push_back(at->second);
    }
  }

  minimum_landscape explore() {
    order_.resize(cells_.size());
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    std::stable_sort(order_.begin(), order_.end(),
                     [&](std::size_t i, std::size_t k) { return level_[i] < level_[k]; });
    minimum_landscape found{
        units_.states().size(), cells_.size(), level_[order_.front()] / samples_.y_scale, {}, {}};
    parent_.resize(cells_.size());
    std::iota(parent_.begin(), parent_.end(), std::size_t{0});
    std::size_t next = 0;
    while (next < order_.size() && level_[order_[next]] == 0) {
      join_upwards(order_[next++], [](std::size_t, std::size_t) {});
    }
    add_components(found, next);
    for (; next < order_.size() && joined_ + 1 < found.components.size(); ++next) {
      const std::size_t cell = order_[next];
      join_upwards(cell, [&](std::size_t low, std::size_t high) {
        for (const std::size_t i : members_[low]) {
          for (const std::size_t k : members_[high]) {
            found.barrier[i][k] = found.barrier[k][i] = level_[cell] / samples_.y_scale;
          }
        }
        if (!members_[low].empty() && !members_[high].empty()) ++joined_;
      });
    }
    return found;
  }

 private:
  void add_cells(std::vector<std::size_t>& cell, std::size_t place, std::size_t lowest) {
    if (place == h_) {
      place_.emplace(cell, cells_.size());
      cells_.push_back(cell);
      return;
    }
    for (std::size_t s = lowest; s < units_.states().size(); ++s) {
      cell[place] = s;
      add_cells(cell, place + 1, s);
    }
  }

  // 2 k for ray k with sign +, 2 k + 1 with sign -.
  [[nodiscard]] std::vector<std::size_t> columns_of(const std::vector<std::size_t>& cell) const {
    std::vector<std::size_t> columns;
    for (const std::size_t s : cell) {
      const unit_state& state = units_.states()[s];
      for (const std::size_t ray : state.rays)
        columns.push_back(2 * ray + (state.sign > 0 ? 0 : 1));
    }
    return columns;
  }

  // A^T l for l = p - q; p, q >= 0.
  [[nodiscard]] std::vector<std::vector<integer>> transposed_columns(
      const std::vector<std::size_t>& columns) const {
    const std::size_t N = samples_.y.size();
    std::vector<std::vector<integer>> rows;
    for (const std::size_t column : columns) {
      auto& row = rows.emplace_back(2 * N);
      for (std::size_t i = 0; i < N; ++i) {
        const integer& value = units_.columns()[column / 2][i];
        row[i] = column % 2 == 0 ? value : integer(-value);
        row[N + i] = -row[i];
      }
    }
    return rows;
  }

  // The level of cells with these columns; its multipliers are c, and t.
  [[nodiscard]] exact_optimum fit(const std::vector<std::size_t>& columns) const {
    const std::size_t N = samples_.y.size();
    exact_program program{transposed_columns(columns), std::vector<integer>(columns.size() + 1),
                          std::vector<integer>(2 * N)};
    program.A.emplace_back(2 * N, integer(1));
    program.b.back() = 1;
    for (std::size_t i = 0; i < N; ++i) {
      program.c[i] = samples_.y[i];
      program.c[N + i] = -samples_.y[i];
    }
    return *maximize(program);
  }

  // Does a cell of level 0 hold a minimum with c > 0? None exactly when an l has A^T l >= 0, not all
  // 0, and y.l <= 0 (Stiemke).
  [[nodiscard]] bool is_feasible(const std::vector<std::size_t>& columns) const {
    const std::size_t N = samples_.y.size();
    exact_program program{transposed_columns(columns), std::vector<integer>(columns.size() + 2),
                          std::vector<integer>(2 * N)};
    for (auto& row : program.A) {
      for (std::size_t i = 0; i < 2 * N; ++i) {
        program.c[i] += row[i];
        row[i] = -row[i];
      }
    }
    auto& of_y = program.A.emplace_back(2 * N);
    for (std::size_t i = 0; i < N; ++i) {
      of_y[i] = samples_.y[i];
      of_y[N + i] = -samples_.y[i];
    }
    program.A.emplace_back(2 * N, integer(1));
    program.b.back() = 1;
    return maximize(program)->value == 0;
  }

  std::size_t root(std::size_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }

  // Joins a cell with those next above it, whose levels are not higher.
  template <class OnJoin>
  void join_upwards(std::size_t cell, const OnJoin& on_join) {
    for (std::size_t k = 0; k < h_; ++k) {
      for (const std::size_t state : units_.above(cells_[cell][k])) {
        auto above = cells_[cell];
        above[k] = state;
        std::sort(above.begin(), above.end());
        const std::size_t low = root(cell), high = root(place_.at(above));
        if (low == high) continue;
        on_join(low, high);
        parent_[low] = high;
        if (!members_.empty()) {
          members_[high].insert(members_[high].end(), members_[low].begin(), members_[low].end());
        }
      }
    }
  }

  // The first `count` cells in order have level 0.
  void add_components(minimum_landscape& found, std::size_t count) {
    std::map<std::size_t, std::vector<std::size_t>> sets;
    for (std::size_t i = 0; i < count; ++i) sets[root(order_[i])].push_back(order_[i]);
    std::vector<std::pair<minimum_component, std::size_t>> all;
    for (const auto& [top, cells] : sets) {
      minimum_component component;
      std::size_t smallest = cells.front();
      for (const std::size_t cell : cells) {
        const auto columns = columns_of(cells_[cell]);
        if (columns.size() < columns_of(cells_[smallest]).size()) smallest = cell;
        if (is_feasible(columns)) ++component.cells;
      }
      component.representative = representative(cells_[smallest]);
      all.emplace_back(std::move(component), top);
    }
    std::stable_sort(all.begin(), all.end(),
                     [](const auto& a, const auto& b) { return a.first.cells > b.first.cells; });
    members_.resize(cells_.size());
    for (auto& [component, top] : all) {
      members_[top].push_back(found.components.size());
      found.components.push_back(std::move(component));
    }
    found.barrier.assign(all.size(), std::vector<rational>(all.size()));
  }

  // With the fewest columns of its component no c is 0: without that column a smaller cell would fit.
  [[nodiscard]] std::vector<exact_node> representative(const std::vector<std::size_t>& cell) const {
    const auto c = fit(columns_of(cell)).multipliers;
    std::vector<exact_node> nodes(h_);
    std::size_t column = 0;
    for (std::size_t k = 0; k < h_; ++k) {
      const unit_state& state = units_.states()[cell[k]];
      nodes[k].sign = state.sign;
      for (const std::size_t ray : state.rays) {
        const rational size = c[column++] * samples_.x_scale / samples_.y_scale;
        for (std::size_t i = 0; i < 2; ++i) nodes[k].w[i] += size * units_.rays()[ray][i];
      }
    }
    return nodes;
  }

  plane_samples samples_;
  plane_units units_;
  std::size_t h_;
  std::vector<std::vector<std::size_t>> cells_;  // states in increasing order, [h] each
  std::map<std::vector<std::size_t>, std::size_t> place_;
  std::vector<rational> level_;
  std::vector<std::size_t> order_, parent_;
  std::vector<std::vector<std::size_t>> members_;  // of a root: the components in its set
  std::size_t joined_ = 0;
};

}  // namespace detail

/// The components of the global minima of h nodes on x [N, 2], y [N, 1]. Numbers count as they are
/// stored: 0.1 is a fraction over 2^55. Throws like make_plane_samples, and argument_error when h is 0.
inline minimum_landscape global_minima(matrix_view<const double> x, matrix_view<const double> y,
                                       std::size_t h) {
  if (h == 0) throw argument_error("global_minima: h is 0, expected at least 1");
  return detail::cell_graph(make_plane_samples(x, y), h).explore();
}

}  // namespace tutelage
