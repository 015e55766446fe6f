// A student that is exactly its teacher: every teacher node split over several students, groups of
// students that cancel, and constants.
#pragma once

#include <cstddef>
#include <vector>

#include <tutelage/data/teacher.hpp>
#include <tutelage/model/network.hpp>

#include "support/random.hpp"

namespace test {

using namespace tutelage;

using any_mlp = mlp<double, relu, dynamic, dynamic, dynamic>;

struct split_student {
  any_mlp teacher, student;
  std::vector<std::vector<std::size_t>> copies;  // [m], the students of each teacher
  std::vector<std::size_t> null;                 // two students that cancel
  std::size_t constant;                          // a student without weights
};

/// Teacher j has `split` students, scaled by powers of two so that all is exact; nodes are mixed.
inline split_student make_split_student(std::size_t d, std::size_t m, std::size_t split,
                                        std::size_t C, std::uint64_t seed) {
  const std::size_t n = m * split + 3;
  split_student s{any_mlp({d, m, C}), any_mlp({d, n, C}), {}, {}, 0};
  construct_teacher(s.teacher, {.seed = seed}, uniform_bias{0.5});
  stream random = random_stream(seed);
  const auto place = random.permutation(n);
  auto W = s.student.layer<1>().weights();
  auto V = s.student.layer<2>().weights();
  const auto W_star = s.teacher.layer<1>().weights();
  const auto V_star = s.teacher.layer<2>().weights();
  for (std::size_t c = 0; c < C; ++c) V(n, c) = V_star(m, c);
  std::size_t next = 0;
  s.copies.resize(m);
  for (std::size_t j = 0; j < m; ++j) {
    double share = 1;
    for (std::size_t i = 0; i < split; ++i) {
      const std::size_t k = place[next++];
      s.copies[j].push_back(k);
      // Shares 1/2, 1/4, ..., the last one twice.
      if (i + 1 < split) share /= 2;
      const double scale = std::ldexp(1.0, static_cast<int>(random.below(7)) - 3);
      for (std::size_t u = 0; u <= d; ++u) W(u, k) = scale * W_star(u, j);
      for (std::size_t c = 0; c < C; ++c) V(k, c) = V_star(j, c) * share / scale;
    }
    std::sort(s.copies[j].begin(), s.copies[j].end());
  }
  s.null = {place[next], place[next + 1]};
  std::sort(s.null.begin(), s.null.end());
  for (std::size_t u = 0; u <= d; ++u) {
    W(u, s.null[0]) = random.normal();
    W(u, s.null[1]) = 2 * W(u, s.null[0]);
  }
  for (std::size_t c = 0; c < C; ++c) {
    V(s.null[0], c) = 2 * random.normal();
    V(s.null[1], c) = -V(s.null[0], c) / 2;
  }
  // A constant 2 whose fan-out the output's bias takes back.
  s.constant = place[next + 2];
  W(d, s.constant) = 2;
  for (std::size_t c = 0; c < C; ++c) {
    V(s.constant, c) = 0.25 * static_cast<double>(c + 1);
    V(n, c) -= 2 * V(s.constant, c);
  }
  return s;
}

}  // namespace test
