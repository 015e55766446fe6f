// Expectations over shards of the data, collected apart and merged.
#include <cmath>
#include <string>
#include <vector>

#include <tutelage/data/inputs.hpp>
#include <tutelage/gradient/expectations.hpp>
#include <tutelage/io/blocks.hpp>

#include "support/close_to.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"
#include "support/weights.hpp"

namespace {

using namespace test;

using net = mlp<double, relu, dynamic, dynamic, dynamic, dynamic>;
using sums = expectation_accumulator<net, net>;

net random_net(std::size_t hidden, std::uint64_t seed) {
  net result({4, hidden, 3, 2});
  stream random = random_stream(seed);
  randomize(result, random);
  return result;
}

std::vector<const expectation<double>*> all(const layer_expectations<double>& e) {
  return {&e.A, &e.B, &e.gated_A, &e.gated_B, &e.zz_star, &e.zz, &e.ff_star, &e.ff};
}

matrix<double> squares(matrix<double> m) {
  for (double& value : m) value *= value;
  return m;
}

// Means, and the variances that their errors and those of covariances are.
template <class Compare>
void compare(const sums& got, const sums& wanted, const Compare& equal) {
  CHECK(got.samples() == wanted.samples());
  for (std::size_t l = 0; l < net::depth; ++l) {
    const auto a = got.result(l), b = wanted.result(l);
    for (std::size_t e = 0; e < all(a).size(); ++e) {
      equal(all(a)[e]->mean, all(b)[e]->mean);
      equal(squares(all(a)[e]->standard_error), squares(all(b)[e]->standard_error));
    }
    equal(squares(a.zz.covariance_error), squares(b.zz.covariance_error));
    equal(squares(a.ff_star.covariance_error), squares(b.ff_star.covariance_error));
  }
}

std::span<const unsigned char> bytes_of(const std::string& content) {
  return {reinterpret_cast<const unsigned char*>(content.data()), content.size()};
}

}  // namespace

TEST_CASE("shards of whole blocks, merged in order, are all samples but for rounding") {
  const net teacher = random_net(3, 1), student = random_net(5, 2);
  const auto x = draw_inputs<double>(gaussian_inputs{}, 80, 4, 3);
  const matrix_view<const double> rows(x);
  for (const std::size_t lowest : {1U, 2U}) {
    const expectation_settings settings{.lowest = lowest, .block = 8};
    sums whole(teacher, student, settings), merged = whole, bytes = whole;
    whole.add(rows);
    const std::size_t begins[] = {0, 24, 24, 64, 80};  // one shard has none
    for (std::size_t shard = 0; shard < 4; ++shard) {
      sums part(teacher, student, settings);
      part.add(rows.middle_rows(begins[shard], begins[shard + 1] - begins[shard]));
      merged.merge(part);
      // The same by way of bytes, as from another machine.
      sums received(teacher, student, settings);
      unpack_blocks(bytes_of(pack_blocks(part)), "shard", received);
      bytes.merge(received);
    }
    compare(bytes, merged, [](const auto& a, const auto& b) { CHECK(a == b); });
    CHECK(pack_blocks(bytes) == pack_blocks(merged));
    compare(merged, whole, [](const auto& a, const auto& b) {
      double gauge = 1;
      for (const double value : b) gauge = std::max(gauge, std::abs(value));
      CHECK(close_to(a, b, 200 * epsilon<double> * gauge));
    });
  }
}

TEST_CASE("merged into an accumulator without samples, the bits are the other's") {
  const net teacher = random_net(3, 1), student = random_net(5, 2);
  sums part(teacher, student, {.block = 8}), fresh(teacher, student, {.block = 8});
  part.add(draw_inputs<double>(gaussian_inputs{}, 30, 4, 3));
  fresh.merge(part);
  CHECK(pack_blocks(fresh) == pack_blocks(part));
}

TEST_CASE("expectations that are not of the same") {
  const net teacher = random_net(3, 1), student = random_net(5, 2), wide = random_net(6, 2);
  sums here(teacher, student);
  CHECK(message_of<argument_error>([&] { here.merge(sums(teacher, student, {.lowest = 2})); }) ==
        "expectations: merged with lowest layer 2, expected 1");
  CHECK(message_of<shape_error>([&] { here.merge(sums(teacher, wide)); }) ==
        "expectations: merged with those of networks of other widths");
  sums other(teacher, wide);
  CHECK(thrown_by<format_error>([&] {
          unpack_blocks(bytes_of(pack_blocks(here)), "shard", other);
        }).field() == "1.A.mean");
}
