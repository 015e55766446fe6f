#include <tutelage/core/random.hpp>

#include <Random123/threefry.h>
#include <doctest/doctest.h>

#include <array>
#include <limits>
#include <set>
#include <tutelage/core/parallel.hpp>
#include <vector>

namespace {

using namespace tutelage;

constexpr std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();

template <class T>
std::vector<T> normals(stream random, std::size_t n) {
  std::vector<T> result(n);
  for (T& x : result) x = static_cast<T>(random.normal());
  return result;
}

template <class T>
std::vector<T> filled_normals(stream random, std::size_t n) {
  std::vector<T> result(n);
  random.fill_normal(std::span<T>(result));
  return result;
}

}  // namespace

TEST_CASE("stream: words that never change") {
  // Random123's known answer for a key and a counter of zeros.
  stream zero(0, purpose{0}, 0);
  for (const std::uint64_t word :
       {0x09218ebde6c85537U, 0x55941f5266d86105U, 0x4bd25e16282434dcU, 0xee29ec846bd2e40bU}) {
    CHECK(zero.bits() == word);
  }
  stream teacher(1, purpose::teacher);
  for (const std::uint64_t word : {0x626646b2d0f316f2U, 0xdc2e53a1a48c5849U, 0x6e487265cf67af29U,
                                   0x8301952746e310dfU, 0x8e3b9108a4ac0380U, 0x44ba257ed4d7b492U}) {
    CHECK(teacher.bits() == word);
  }
  stream last(largest, purpose::analysis, 12345);
  for (const std::uint64_t word : {0x20622d330cb81994U, 0x16c6f9284c779827U, 0xfe7a80ad7481f427U}) {
    CHECK(last.bits() == word);
  }
}

TEST_CASE("stream: draws that never change, on any processor") {
  stream uniforms(20, purpose::student, 3);
  for (const double u :
       {0x1.d9edd4fbd11e8p-3, 0x1.882fdc53f7048p-2, 0x1.c3232a05471d8p-2, 0x1.aa7dd3a6ee934p-1}) {
    CHECK(uniforms.uniform() == u);
  }
  const stream inputs(20, purpose::inputs, 7);
  CHECK(normals<double>(inputs, 8) == std::vector{-0x1.a5888ca164f58p-1, 0x1.019fde3011659p-3,
                                                  -0x1.a0802ac31beabp-2, 0x1.6d47b61e6bdf1p-3,
                                                  0x1.1dc2e583eccdp-5, -0x1.07b8c1c5adbep-3,
                                                  0x1.05e7bdd3c3572p-1, 0x1.e2ac1f506ab8bp-2});
  std::vector<float> scaled(5);
  stream(inputs).fill_normal(std::span<float>(scaled), 0.5, 2);
  CHECK(scaled == std::vector{-0x1.25888cp+0F, 0x1.80cffp-1F, -0x1.410056p-2F, 0x1.b6a3dcp-1F,
                              0x1.23b85cp-1F});
  std::vector<double> between(3);
  stream(inputs).fill_uniform(std::span<double>(between), -1, 3);
  CHECK(between == std::vector{0x1.d3e45dfbb5956p+0, 0x1.ce94938079028p-1, 0x1.4fea1ddc9c50cp+1});
  stream below(7, purpose::batches);
  for (const std::uint64_t k : {1U, 4U, 8U, 7U, 8U, 7U, 9U, 2U, 6U, 2U})
    CHECK(below.below(10) == k);
  CHECK(stream(7, purpose::batches, 1).permutation(8) ==
        std::vector<std::size_t>{5, 0, 6, 4, 2, 7, 3, 1});
}

TEST_CASE("stream: the words are Threefry's of its name and its position") {
  for (const std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{20}, largest}) {
    for (const auto what : {purpose::teacher, purpose::student, purpose::inputs,
                            purpose::evaluation, purpose::batches, purpose::analysis}) {
      for (const std::uint64_t index : {std::uint64_t{0}, std::uint64_t{1}, largest}) {
        stream random(seed, what, index);
        for (std::uint64_t number = 0; number < 3; ++number) {
          const auto words = r123::Threefry4x64{}(
              {{number, 0, 0, 0}}, {{seed, static_cast<std::uint64_t>(what), index, 0}});
          for (std::size_t i = 0; i < 4; ++i) CHECK(random.bits() == words[i]);
        }
      }
    }
  }
  // The purposes' numbers are part of what a seed means.
  static_assert(static_cast<int>(purpose::teacher) == 1 && static_cast<int>(purpose::student) == 2);
  static_assert(static_cast<int>(purpose::inputs) == 3);
  static_assert(static_cast<int>(purpose::evaluation) == 4);
  static_assert(static_cast<int>(purpose::batches) == 5);
  static_assert(static_cast<int>(purpose::analysis) == 6);
}

TEST_CASE("stream: other names, other numbers") {
  std::set<std::uint64_t> seen;
  std::size_t drawn = 0;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    for (const auto what : {purpose::teacher, purpose::student, purpose::inputs,
                            purpose::evaluation, purpose::batches, purpose::analysis}) {
      for (std::uint64_t index = 0; index < 10; ++index) {
        stream random(seed, what, index);
        for (int i = 0; i < 8; ++i) seen.insert(random.bits());
        drawn += 8;
      }
    }
  }
  CHECK(seen.size() == drawn);
}

TEST_CASE("stream: a copy goes on from the same place") {
  for (int before = 0; before < 10; ++before) {
    stream original(3, purpose::inputs);
    for (int i = 0; i < before; ++i) original.normal();
    stream copied = original;
    for (int i = 0; i < 5; ++i) CHECK(original.normal() == copied.normal());
    CHECK(original.bits() == copied.bits());
  }
}

TEST_CASE("stream: uniform is the upper 53 bits of a word") {
  stream random(4, purpose::analysis);
  for (int i = 0; i < 1000; ++i) {
    stream words = random;
    const double u = random.uniform();
    CHECK(u == static_cast<double>(words.bits() >> 11) / 9007199254740992.0);
    CHECK((u >= 0 && u < 1));
  }
}

TEST_CASE_TEMPLATE("stream: filling draws the numbers of as many single calls", T, float, double,
                   long double) {
  for (std::size_t n = 0; n <= 200; ++n) {
    for (int before = 0; before < 3; ++before) {
      stream one(5, purpose::inputs, n);
      for (int i = 0; i < before; ++i) one.normal();
      stream all = one;
      std::vector<T> filled(n);
      all.fill_normal(std::span<T>(filled), 0.25, 3);
      std::vector<T> single(n);
      for (T& x : single) x = static_cast<T>(std::fma(3.0, one.normal(), 0.25));
      CHECK(filled == single);
      // And both go on alike.
      CHECK(all.normal() == one.normal());
      CHECK(all.normal() == one.normal());
      CHECK(all.bits() == one.bits());
    }
  }
  stream one(6, purpose::inputs), all(6, purpose::inputs);
  std::vector<T> filled(33), single(33);
  all.fill_uniform(std::span<T>(filled), -2, 5);
  for (T& x : single) x = static_cast<T>(std::fma(7.0, one.uniform(), -2.0));
  CHECK(filled == single);
  CHECK(all.bits() == one.bits());
}

TEST_CASE("stream: filling in parts is filling at once") {
  const stream start(7, purpose::inputs);
  const auto at_once = filled_normals<double>(start, 100);
  for (std::size_t first = 0; first <= 100; ++first) {
    stream random = start;
    std::vector<double> parts(100);
    const std::span<double> span(parts);
    random.fill_normal(span.first(first));
    random.fill_normal(span.subspan(first));
    CHECK(parts == at_once);
  }
}

TEST_CASE("stream: degenerate distributions") {
  stream random(8, purpose::inputs);
  std::vector<double> x(5);
  random.fill_normal(std::span<double>(x), 1.5, 0);
  CHECK(x == std::vector<double>(5, 1.5));
  random.fill_uniform(std::span<double>(x), -2, -2);
  CHECK(x == std::vector<double>(5, -2));
}

TEST_CASE("stream: errors, after which nothing was drawn") {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  constexpr double huge = std::numeric_limits<double>::max();
  stream random(9, purpose::inputs);
  random.normal();
  stream untouched = random;
  std::vector<float> x(3, 7);
  const std::span<float> out(x);
  CHECK_THROWS_WITH_AS(random.below(0), "stream::below: n is 0, expected at least 1",
                       argument_error);
  const auto normal_text = [](const char* got) {
    return detail::text("stream::fill_normal: ", got, ", expected finite and std not negative");
  };
  CHECK_THROWS_WITH_AS(random.fill_normal(out, nan, 1), normal_text("mean nan, std 1").c_str(),
                       argument_error);
  CHECK_THROWS_WITH_AS(random.fill_normal(out, -infinity, 1),
                       normal_text("mean -inf, std 1").c_str(), argument_error);
  CHECK_THROWS_WITH_AS(random.fill_normal(out, 0, nan), normal_text("mean 0, std nan").c_str(),
                       argument_error);
  CHECK_THROWS_WITH_AS(random.fill_normal(out, 0, infinity), normal_text("mean 0, std inf").c_str(),
                       argument_error);
  CHECK_THROWS_WITH_AS(random.fill_normal(out, 0, -0.5), normal_text("mean 0, std -0.5").c_str(),
                       argument_error);
  const auto uniform_text = [](const char* got) {
    return detail::text("stream::fill_uniform: ", got, ", expected finite ends in order");
  };
  CHECK_THROWS_WITH_AS(random.fill_uniform(out, 1, 0.5), uniform_text("[1, 0.5)").c_str(),
                       argument_error);
  CHECK_THROWS_WITH_AS(random.fill_uniform(out, nan, 1), uniform_text("[nan, 1)").c_str(),
                       argument_error);
  CHECK_THROWS_WITH_AS(random.fill_uniform(out, 0, nan), uniform_text("[0, nan)").c_str(),
                       argument_error);
  CHECK_THROWS_WITH_AS(random.fill_uniform(out, 0, infinity), uniform_text("[0, inf)").c_str(),
                       argument_error);
  CHECK_THROWS_WITH_AS(random.fill_uniform(out, -infinity, 0), uniform_text("[-inf, 0)").c_str(),
                       argument_error);
  CHECK_THROWS_WITH_AS(random.fill_uniform(out, -huge, huge),
                       uniform_text("[-1.79769313e+308, 1.79769313e+308)").c_str(), argument_error);
  CHECK(x == std::vector<float>(3, 7));
  CHECK(random.normal() == untouched.normal());
  CHECK(random.bits() == untouched.bits());
}

TEST_CASE("stream: the same bits on any thread") {
  const auto draw = [](std::size_t i) {
    return filled_normals<double>(stream(10, purpose::inputs, i), 1001);
  };
  const auto expected = parallel_map(32, 1, draw);
  for (const std::size_t threads : {2U, 3U, 8U}) CHECK(parallel_map(32, threads, draw) == expected);
}
