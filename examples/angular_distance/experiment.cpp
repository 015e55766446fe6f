#include "experiment.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <tutelage/core/parallel.hpp>
#include <tutelage/theory/angular/critical_directions.hpp>
#include <tutelage/theory/angular/direction_sets.hpp>

namespace angular {

namespace {

constexpr double two_pi = 2 * std::numbers::pi;

template <class T>
direction_verdict verdict_in(const std::vector<double>& theta) {
  const std::vector<T> set(theta.begin(), theta.end());
  return judge_critical_directions(std::span<const T>(set)).verdict;
}

// Sets that one call draws; results do not depend on who makes it.
constexpr std::size_t chunk = 4096;

random_result random_chunk(std::size_t m, std::size_t sets, stream random) {
  random_result r;
  r.m = m;
  r.sets = sets;
  auto theta = make_matrix<double>(sets, m), replaced = theta;
  std::vector<double> det(sets);
  random.fill_uniform(std::span(theta.data(), theta.size()), 0, two_pi);
  direction_set_determinants(arc_cosine<1>{}, theta, det, replaced);
  for (std::size_t n = 0; n < sets; ++n) {
    const std::vector<double> set(&theta(n, 0), &theta(n, 0) + m);
    const double least = *std::min_element(&replaced(n, 0), &replaced(n, 0) + m);
    if (r.theta.empty() || least > r.largest) {
      r.largest = least;
      r.theta = set;
    }
    if (least < 0) {
      const double place = (std::log10(-least) - histogram::lowest) / histogram::width;
      const double last = histogram::bins - 1;
      ++r.seen.counts[static_cast<std::size_t>(std::clamp(place, 0.0, last))];
    }
    if (verdict_in<double>(set) == direction_verdict::none_of_length) {
      ++r.decided_in_double;
      continue;
    }
    const direction_verdict exact = verdict_in<long double>(set);
    if (exact == direction_verdict::none_of_length) {
      ++r.decided_in_long_double;
    } else if (exact == direction_verdict::undecided) {
      r.undecided.push_back(set);
    } else {
      r.violations.push_back(set);
    }
  }
  return r;
}

template <class F>
found_directions best_climb(const F& f, std::size_t m, const determinant_search& settings,
                            std::size_t climbs, std::size_t threads) {
  const auto found = parallel_map(climbs, threads, [&](std::size_t k) {
    auto climb = settings;
    climb.climb = k;
    return maximize_min_determinant(f, m, climb);
  });
  return *std::max_element(found.begin(), found.end(),
                           [](const auto& a, const auto& b) { return a.score < b.score; });
}

// The directions at `places` vary, row by row and column by column.
matrix<double> sample_surface(std::vector<double> theta, std::array<std::size_t, 2> places,
                              std::size_t steps) {
  const std::size_t m = theta.size();
  auto z = make_matrix<double>(steps, steps);
  auto row = make_matrix<double>(steps, m), replaced = row;
  std::vector<double> det(steps);
  for (std::size_t i = 0; i < steps; ++i) {
    for (std::size_t j = 0; j < steps; ++j) {
      theta[places[0]] = two_pi * static_cast<double>(i) / static_cast<double>(steps);
      theta[places[1]] = two_pi * static_cast<double>(j) / static_cast<double>(steps);
      std::copy(theta.begin(), theta.end(), &row(j, 0));
    }
    direction_set_determinants(arc_cosine<1>{}, row, det, replaced);
    for (std::size_t j = 0; j < steps; ++j) {
      z(i, j) = *std::min_element(&replaced(j, 0), &replaced(j, 0) + m);
    }
  }
  return z;
}

}  // namespace

random_result random_sets(std::size_t m, std::size_t sets, std::uint64_t seed,
                          std::size_t threads) {
  const auto parts = parallel_map((sets + chunk - 1) / chunk, threads, [&](std::size_t k) {
    const std::uint64_t name = (std::uint64_t{m} << 40) + k;
    return random_chunk(m, std::min(chunk, sets - k * chunk),
                        stream(seed, purpose::analysis, name));
  });
  random_result all = parts.front();
  for (std::size_t k = 1; k < parts.size(); ++k) {
    const auto& p = parts[k];
    all.sets += p.sets;
    all.decided_in_double += p.decided_in_double;
    all.decided_in_long_double += p.decided_in_long_double;
    all.undecided.insert(all.undecided.end(), p.undecided.begin(), p.undecided.end());
    all.violations.insert(all.violations.end(), p.violations.begin(), p.violations.end());
    if (p.largest > all.largest) {
      all.largest = p.largest;
      all.theta = p.theta;
    }
    for (std::size_t b = 0; b < histogram::bins; ++b) all.seen.counts[b] += p.seen.counts[b];
  }
  return all;
}

search_result search(std::size_t m, double gap, std::size_t climbs, std::size_t evaluations,
                     std::uint64_t seed, std::size_t threads) {
  search_result r{m, gap, {}, false};
  r.best = best_climb(arc_cosine<1>{}, m, {.evaluations = evaluations, .gap = gap, .seed = seed},
                      climbs, threads);
  r.negative = verdict_in<long double>(r.best.theta) == direction_verdict::none_of_length;
  return r;
}

std::vector<surface> figure_2(std::size_t steps) {
  std::vector<surface> all;
  for (const int fixed : {1, 2, 3}) {
    all.push_back({"theta_1 = " + std::to_string(fixed),
                   sample_surface({static_cast<double>(fixed), 0, 0}, {1, 2}, steps)});
  }
  return all;
}

std::vector<surface> figure_3(std::size_t steps) {
  std::vector<surface> all;
  for (const auto& [first, last] : {std::array{1, 4}, std::array{1, 6}, std::array{2, 4}}) {
    all.push_back({"theta_1 = " + std::to_string(first) + ", theta_4 = " + std::to_string(last),
                   sample_surface({static_cast<double>(first), 0, 0, static_cast<double>(last)},
                                  {1, 2}, steps)});
  }
  return all;
}

}  // namespace angular
