// Correlations of activations in two passes over all samples, in long double.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include <tutelage/core/matrix.hpp>

namespace reference {

using namespace tutelage;

struct correlations {
  matrix<long double> rho;     // [m, n], 0 where a node has one value only
  matrix<long double> cosine;  // [m, n], 0 where a node is always 0
  matrix<long double> spread;  // [m, n], sum of both nodes' root mean square over deviation
};

struct moments {
  long double mean = 0;
  long double deviation = 0;  // root of the sum of squares of x - mean
  long double norm = 0;       // root of the sum of squares of x
};

template <class T>
std::vector<moments> node_moments(const matrix<T>& f) {
  std::vector<moments> result(f.shape(1));
  for (std::size_t k = 0; k < f.shape(1); ++k) {
    moments& node = result[k];
    for (std::size_t i = 0; i < f.shape(0); ++i) {
      node.mean += static_cast<long double>(f(i, k)) / static_cast<long double>(f.shape(0));
      node.norm += static_cast<long double>(f(i, k)) * static_cast<long double>(f(i, k));
    }
    bool varies = false;
    for (std::size_t i = 0; i < f.shape(0); ++i) {
      varies = varies || f(i, k) != f(0, k);
      node.deviation += (f(i, k) - node.mean) * (f(i, k) - node.mean);
    }
    node.norm = std::sqrt(node.norm);
    node.deviation = varies ? std::sqrt(node.deviation) : 0;
  }
  return result;
}

template <class T>
correlations correlate(const matrix<T>& f_star, const matrix<T>& f) {
  const std::size_t N = f.shape(0), m = f_star.shape(1), n = f.shape(1);
  const auto teacher = node_moments(f_star), student = node_moments(f);
  correlations c{make_matrix<long double>(m, n), make_matrix<long double>(m, n),
                 make_matrix<long double>(m, n)};
  for (std::size_t j = 0; j < m; ++j) {
    for (std::size_t k = 0; k < n; ++k) {
      const moments &t = teacher[j], &s = student[k];
      long double centered = 0, plain = 0;
      for (std::size_t i = 0; i < N; ++i) {
        centered += (f_star(i, j) - t.mean) * (f(i, k) - s.mean);
        plain += static_cast<long double>(f_star(i, j)) * static_cast<long double>(f(i, k));
      }
      if (t.deviation > 0 && s.deviation > 0) {
        c.rho(j, k) = centered / (t.deviation * s.deviation);
        c.spread(j, k) = t.norm / t.deviation + s.norm / s.deviation;
      }
      if (t.norm > 0 && s.norm > 0) c.cosine(j, k) = plain / (t.norm * s.norm);
    }
  }
  return c;
}

}  // namespace reference
