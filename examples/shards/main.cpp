// Expectations of the gradient rule and alignment over data in shards, on any number of machines:
//
//   shards --shards 64                      // alone
//   mpirun -n 16 shards --shards 64         // the same bits
//
// Each shard has accumulators of its own. Rank r takes shards r, r + R, ..., and rank 0 merges them in
// the order of their numbers, so that the result does not depend on R.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include <tutelage/analysis/alignment.hpp>
#include <tutelage/io/blocks.hpp>
#include <tutelage/tutelage.hpp>

#include "common/program.hpp"
#include "shards/ranks.hpp"

namespace {

using namespace tutelage;
using net = mlp<double, relu, 20, dynamic, dynamic, 10>;

struct settings {
  std::size_t samples = 100'000, shards = 8;
  double over_realization = 3;
  std::uint64_t seed = 1;
};

struct pair {
  net teacher{{20, 10, 15, 10}}, student;

  explicit pair(const settings& s)
      : student({20, static_cast<std::size_t>(10 * s.over_realization),
                 static_cast<std::size_t>(15 * s.over_realization), 10}) {
    construct_teacher(teacher, {.seed = s.seed}, uniform_bias{0.5});
    initialize(student, linear_default_start{}, s.seed);
  }
};

// All that is collected of a shard.
struct sums {
  expectation_accumulator<net, net> rule;
  alignment_accumulator<net, net> matches;

  explicit sums(const pair& p) : rule(p.teacher, p.student), matches(p.teacher, p.student) {}

  void merge(const sums& later) {
    rule.merge(later.rule);
    matches.merge(later.matches);
  }
  template <class Visit>
  void for_each_block(const std::string& prefix, const Visit& visit) {
    rule.for_each_block(prefix + "rule.", visit);
    matches.for_each_block(prefix + "matches.", visit);
  }
  template <class Visit>
  void for_each_block(const std::string& prefix, const Visit& visit) const {
    rule.for_each_block(prefix + "rule.", visit);
    matches.for_each_block(prefix + "matches.", visit);
  }
};

// The samples of shard number `shard`, a block of the rule's at a time.
sums collect(const pair& p, const settings& s, std::size_t shard) {
  sums result(p);
  const std::size_t begin = s.samples / s.shards * shard + std::min(shard, s.samples % s.shards);
  const std::size_t end = begin + s.samples / s.shards + (shard < s.samples % s.shards ? 1 : 0);
  activations<net> of_teacher, of_student;
  workspace<double> room;
  for (std::size_t first = begin; first < end; first += chunk_rows) {
    const auto x = room.reshape(std::min(chunk_rows, end - first), 20);
    draw_inputs(gaussian_inputs{}, x, s.seed, purpose::inputs, first);
    result.rule.add(x);
    p.teacher.forward(x, of_teacher);
    p.student.forward(x, of_student);
    result.matches.add(of_teacher, of_student);
  }
  return result;
}

void print(const sums& all) {
  const auto matches = all.matches.result();
  for (std::size_t l = 1; l < net::depth; ++l) {
    const auto& B = all.rule.result(l).B;
    const std::size_t n = B.mean.shape(0) - 1;
    double beta = 0, error = 0;
    for (std::size_t k = 0; k < n; ++k) {
      beta += B.mean(k, k) / static_cast<double>(n);
      error = std::max(error, B.standard_error(k, k));
    }
    std::printf("layer %zu: rho_mean %.17g, mean of E[beta_kk] %.17g, largest error %.17g\n", l,
                matches[l - 1].rho_mean(), beta, error);
  }
}

void run(const settings& s, const examples::ranks& all) {
  const pair p(s);
  const auto R = static_cast<std::size_t>(all.size());
  if (all.rank() != 0) {
    for (auto i = static_cast<std::size_t>(all.rank()); i < s.shards; i += R) {
      all.send_to_first(pack_blocks(collect(p, s, i)));
    }
    return;
  }
  std::fprintf(stderr, "%zu samples in %zu shards on %zu ranks\n", s.samples, s.shards, R);
  sums total(p);
  for (std::size_t i = 0; i < s.shards; ++i) {
    if (i % R == 0) {
      total.merge(collect(p, s, i));
      continue;
    }
    const std::string bytes = all.receive_from(static_cast<int>(i % R));
    sums shard(p);
    unpack_blocks({reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()},
                  "shard " + std::to_string(i), shard);
    total.merge(shard);
  }
  print(total);
}

}  // namespace

int main(int argc, char** argv) {
  settings s;
  CLI::App app(
      "Expectations of the gradient rule and alignment over data in shards, with MPI or without.",
      "shards");
  app.add_option("--samples", s.samples, "inputs")->check(CLI::Range(2, 1'000'000'000));
  app.add_option("--shards", s.shards, "parts of them")->check(CLI::Range(1, 1'000'000));
  app.add_option("--over-realization", s.over_realization,
                 "student's hidden widths over the teacher's")
      ->check(CLI::Range(0.1, 100.0));
  app.add_option("--seed", s.seed, "seed");
  if (const auto code = examples::parse_command_line(app, argc, argv)) return *code;
  const examples::ranks all;
  return all.end(examples::run_guarded("shards", [&] { run(s, all); }));
}
