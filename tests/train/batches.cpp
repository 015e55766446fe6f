#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <tutelage/data/images.hpp>
#include <tutelage/train/batches.hpp>

#include "support/close_to.hpp"
#include "support/idx_content.hpp"
#include "support/random.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

using labelled = data_set<matrix<double>, std::vector<label>>;
using paired = data_set<matrix<double>, matrix<double>>;
using teacher_type = mlp<double, relu, 3, 5, 2>;

// Sample i is (i, -i); its label is i, its target (2 i, 3 i, 1).
matrix<double> numbered_inputs(std::size_t N) {
  auto x = make_matrix<double>(N, 2);
  for (std::size_t i = 0; i < N; ++i) {
    x(i, 0) = static_cast<double>(i);
    x(i, 1) = -static_cast<double>(i);
  }
  return x;
}
paired numbered(std::size_t N) {
  auto y = make_matrix<double>(N, 3);
  for (std::size_t i = 0; i < N; ++i) {
    y(i, 0) = 2 * static_cast<double>(i);
    y(i, 1) = 3 * static_cast<double>(i);
    y(i, 2) = 1;
  }
  return {numbered_inputs(N), y};
}
labelled numbered_labels(std::size_t N) {
  std::vector<label> labels(N);
  for (std::size_t i = 0; i < N; ++i) labels[i] = static_cast<label>(i);
  return {numbered_inputs(N), labels};
}

// The numbers of a batch's samples, whose targets must be their own.
template <class X, class Y>
std::vector<std::size_t> samples_of(const X& x, const Y& y) {
  std::vector<std::size_t> result;
  CHECK(x.cols() == 2);
  CHECK(y.rows() == x.rows());
  CHECK(y.cols() == 3);
  bool own = true;
  for (std::size_t i = 0; i < x.rows(); ++i) {
    own = own && x(i, 1) == -x(i, 0) && y(i, 0) == 2 * x(i, 0) && y(i, 1) == 3 * x(i, 0) &&
          y(i, 2) == 1;
    result.push_back(static_cast<std::size_t>(x(i, 0)));
  }
  CHECK(own);
  return result;
}
template <class X>
std::vector<std::size_t> samples_of(const X& x, const std::span<const label>& labels) {
  std::vector<std::size_t> result;
  CHECK(labels.size() == x.rows());
  for (std::size_t i = 0; i < x.rows(); ++i) {
    CHECK(labels[i] == x(i, 0));
    result.push_back(labels[i]);
  }
  return result;
}
template <class Source>
std::vector<std::size_t> samples_of(Source& source, std::size_t epoch, std::size_t step) {
  const auto b = source.next(epoch, step);
  return samples_of(b.x, b.y);
}

// A batch as numbers of its own.
struct kept_batch {
  matrix<double> x, y;
  bool operator==(const kept_batch&) const = default;
};
template <class Source>
kept_batch owned(Source& source, std::size_t epoch, std::size_t step) {
  const auto b = source.next(epoch, step);
  if constexpr (std::is_same_v<std::remove_const_t<decltype(b.y)>, std::span<const label>>) {
    auto y = make_matrix<double>(1, b.y.size());
    std::copy(b.y.begin(), b.y.end(), y.begin());
    return {to_matrix(b.x), y};
  } else {
    return {to_matrix(b.x), to_matrix(b.y)};
  }
}

// Batches asked for in any order are the same, from a source of the same seed.
template <class Make>
void check_order(const Make& make) {
  auto first = make(1), second = make(1), other = make(2);
  const std::size_t steps = first.steps(), epochs = 4;
  std::vector<kept_batch> forward;
  for (std::size_t e = 0; e < epochs; ++e) {
    for (std::size_t s = 0; s < steps; ++s) forward.push_back(owned(first, e, s));
  }
  CHECK(owned(second, 3, 2) == forward[3 * steps + 2]);  // the first thing it is asked
  for (std::size_t i = forward.size(); i-- > 0;) {
    CHECK(owned(second, i / steps, i % steps) == forward[i]);
    CHECK(owned(first, i / steps, i % steps) == forward[i]);
  }
  std::size_t differ = 0;
  for (std::size_t i = 0; i < forward.size(); ++i) {
    differ += owned(other, i / steps, i % steps) != forward[i];
    for (std::size_t j = 0; j < i; ++j) CHECK(forward[j] != forward[i]);
  }
  CHECK(differ == forward.size());
  CHECK(first.seed() == 1);
  CHECK(other.seed() == 2);
}

teacher_type make_teacher() {
  teacher_type teacher;
  stream random = random_stream(31);
  randomize(teacher, random);
  return teacher;
}

// Exceeded with probability 1e-4 or less: Wilson and Hilferty's approximation, z = 3.72.
double chi_square_limit(double degrees) {
  const double a = 2 / (9 * degrees);
  return degrees * std::pow(1 - a + 3.72 * std::sqrt(a), 3);
}

double chi_square(const std::vector<double>& count) {
  double n = 0, sum = 0;
  for (const double c : count) n += c;
  const double expected = n / static_cast<double>(count.size());
  for (const double c : count) sum += (c - expected) * (c - expected) / expected;
  return sum;
}

}  // namespace

TEST_CASE("what a source of batches is") {
  static_assert(batch_source<with_replacement<paired>> && batch_source<shuffled<labelled>> &&
                batch_source<full_batch<paired>> &&
                batch_source<fresh_each_step<teacher_type, gaussian_inputs>> &&
                batch_source<fresh_each_epoch<teacher_type, uniform_inputs>>);
  static_assert(batch_source<shuffled<paired>&>);
  static_assert(!batch_source<paired>);
  // A source that would outlive its data set or teacher is refused.
  static_assert(std::is_constructible_v<with_replacement<paired>, const paired&, batch_settings>);
  static_assert(!std::is_constructible_v<with_replacement<paired>, paired, batch_settings>);
  static_assert(!std::is_constructible_v<shuffled<paired>, paired, shuffle_settings>);
  static_assert(!std::is_constructible_v<full_batch<paired>, paired>);
  static_assert(!std::is_constructible_v<fresh_each_step<teacher_type, gaussian_inputs>,
                                         teacher_type, gaussian_inputs, batch_settings>);
  static_assert(
      !std::is_constructible_v<fresh_each_epoch<teacher_type, gaussian_inputs>, teacher_type,
                               gaussian_inputs, std::size_t, batch_settings>);
  CHECK(batch_settings{}.batch == 16);
  CHECK(batch_settings{}.steps == 1000);
  CHECK(batch_settings{}.seed == 1);
}

TEST_CASE("sources are functions of seed, epoch and step") {
  const auto data = numbered(50);
  const auto labels = numbered_labels(50);
  const auto teacher = make_teacher();
  check_order([&](std::uint64_t seed) {
    return with_replacement(data, {.batch = 16, .steps = 5, .seed = seed});
  });
  check_order([&](std::uint64_t seed) { return shuffled(labels, {.batch = 16, .seed = seed}); });
  check_order([&](std::uint64_t seed) {
    return fresh_each_step(teacher, gaussian_inputs{}, {.batch = 3, .steps = 5, .seed = seed});
  });
  check_order([&](std::uint64_t seed) {
    return fresh_each_epoch(teacher, gaussian_inputs{}, 20, {.batch = 6, .steps = 5, .seed = seed});
  });
}

TEST_CASE("with_replacement draws every sample equally often, any number of times") {
  for (const std::size_t N : {1U, 2U, 20U, 256U}) {
    const auto data = numbered(N);
    with_replacement source(data, {.batch = 10, .steps = 100, .seed = 3});
    CHECK(source.steps() == 100);
    std::vector<double> count(N), pairs(N);
    std::size_t repeats = 0;
    for (std::size_t epoch = 0; epoch < 10; ++epoch) {
      for (std::size_t step = 0; step < 100; ++step) {
        const auto samples = samples_of(source, epoch, step);
        CHECK(samples.size() == 10);
        for (const std::size_t i : samples) count.at(i) += 1;
        // Two draws of a step are independent: their difference is uniform as well.
        pairs[(samples[0] + N - samples[9]) % N] += 1;
        repeats += std::set(samples.begin(), samples.end()).size() < 10;
      }
    }
    if (N == 1) continue;
    CHECK(chi_square(count) < chi_square_limit(static_cast<double>(N - 1)));
    if (N <= 20) CHECK(chi_square(pairs) < chi_square_limit(static_cast<double>(N - 1)));
    CHECK(repeats > 0);
  }
}

TEST_CASE("shuffled visits each sample once an epoch; the last batch may be short") {
  for (const std::size_t N : {1U, 2U, 16U, 50U, 255U, 256U, 257U, 1000U}) {
    const auto data = numbered_labels(N);
    for (const std::size_t size : {std::size_t{1}, std::size_t{16}, N, N + 1, std::size_t{5000}}) {
      shuffled source(data, {.batch = size, .seed = 4});
      CHECK(source.steps() == (N - 1) / size + 1);
      std::vector<std::size_t> first_epoch;
      for (std::size_t epoch = 0; epoch < 2; ++epoch) {
        std::vector<std::size_t> seen;
        for (std::size_t step = 0; step < source.steps(); ++step) {
          const auto samples = samples_of(source, epoch, step);
          CHECK(samples.size() == std::min(size, N - step * size));
          seen.insert(seen.end(), samples.begin(), samples.end());
        }
        if (epoch == 0) {
          first_epoch = seen;
        } else if (N > 2) {
          CHECK(seen != first_epoch);
        }
        std::ranges::sort(seen);
        CHECK(seen.size() == N);
        CHECK(seen.front() == 0);
        CHECK(seen.back() == N - 1);
        CHECK(std::ranges::adjacent_find(seen) == seen.end());
      }
    }
  }
}

// Where the next step's rows lie, as this step's batch knows it.
template <class Source>
void check_ahead(Source& source, std::size_t step) {
  const auto ahead = [](const auto& rows) {
    CHECK(rows.ahead() != nullptr);
    return std::vector(rows.ahead(), rows.ahead() + rows.rows());
  };
  const auto pointers = [](const auto& rows) {
    return std::vector(rows.pointers().begin(), rows.pointers().end());
  };
  const auto now = source.next(0, step);
  const auto x = ahead(now.x), y = ahead(now.y);
  const auto then = source.next(0, step + 1);
  CHECK(pointers(then.x) == x);
  CHECK(pointers(then.y) == y);
}

TEST_CASE("a batch knows where the next one lies") {
  const auto data = numbered(11);
  with_replacement drawn(data, {.batch = 4, .steps = 3});
  for (const std::size_t step : {0U, 1U}) check_ahead(drawn, step);
  shuffled visited(data, {.batch = 4, .seed = 1});
  check_ahead(visited, 0);
  // The next one is shorter, or another epoch's.
  for (const std::size_t step : {1U, 2U}) {
    CHECK(visited.next(0, step).x.ahead() == nullptr);
    CHECK(visited.next(0, step).y.ahead() == nullptr);
  }
}

TEST_CASE("shuffled: every sample is as likely at every place") {
  const std::size_t N = 7, epochs = 5000;
  const auto data = numbered(N);
  shuffled source(data, {.batch = 3, .seed = 8});
  std::vector<double> count(N * N);
  for (std::size_t epoch = 0; epoch < epochs; ++epoch) {
    for (std::size_t step = 0; step < source.steps(); ++step) {
      const auto samples = samples_of(source, epoch, step);
      for (std::size_t i = 0; i < samples.size(); ++i) count[(3 * step + i) * N + samples[i]] += 1;
    }
  }
  // Rows and columns have fixed sums.
  CHECK(chi_square(count) < chi_square_limit(static_cast<double>((N - 1) * (N - 1))));
}

TEST_CASE("full_batch is the data set itself") {
  const auto data = numbered(300);
  full_batch source(data);
  CHECK(source.steps() == 1);
  CHECK(source.seed() == 0);
  for (const std::size_t epoch : {0U, 7U}) {
    const auto b = source.next(epoch, 0);
    CHECK(b.x.data() == data.inputs().data());
    CHECK(b.y.data() == data.targets().data());
    CHECK(b.x.rows() == 300);
    CHECK(samples_of(b.x, b.y).back() == 299);
  }
  const auto labels = numbered_labels(300);
  full_batch three(labels, 3);
  CHECK(three.steps() == 3);
  const auto b = three.next(0, 2);
  CHECK(b.y.data() == labels.targets().data());
  CHECK(b.x.data() == labels.inputs().data());
  CHECK(samples_of(b.x, b.y).size() == 300);
}

TEST_CASE("fresh_each_step: inputs are never seen twice, targets are the teacher's") {
  const auto teacher = make_teacher();
  const batch_settings settings{.batch = 7, .steps = 4, .seed = 9};
  fresh_each_step source(teacher, gaussian_inputs{2}, settings);
  CHECK(source.steps() == 4);
  // Sample after sample of one long sequence.
  const auto all = draw_inputs<double>(gaussian_inputs{2}, 3 * 4 * 7, 3, 9);
  for (std::size_t epoch = 0; epoch < 3; ++epoch) {
    for (std::size_t step = 0; step < 4; ++step) {
      const auto b = owned(source, epoch, step);
      const std::size_t first = (epoch * 4 + step) * 7;
      CHECK(b.x == to_matrix(matrix_view<const double>(all).middle_rows(first, 7)));
      CHECK(b.y == teacher(b.x));
    }
  }
  std::vector<double> numbers(all.begin(), all.end());
  std::ranges::sort(numbers);
  CHECK(std::ranges::adjacent_find(numbers) == numbers.end());
}

TEST_CASE("fresh_each_epoch: a new set for each epoch, drawn from with replacement") {
  const auto teacher = make_teacher();
  const std::size_t samples = 300, batch = 10, steps = 200;
  // The numbers of an epoch's samples, step after step.
  const auto chosen = [&](std::uint64_t seed, std::size_t epoch, auto& source) {
    auto x = make_matrix<double>(samples, 3);
    draw_inputs(uniform_inputs{3}, matrix_view(x), seed, purpose::inputs, epoch * samples);
    const auto y = outputs(teacher, x);
    std::vector<std::size_t> numbers;
    for (std::size_t step = 0; step < steps; ++step) {
      const auto b = source.next(epoch, step);
      CHECK(b.x.rows() == batch);
      CHECK(b.y.rows() == batch);
      for (std::size_t i = 0; i < batch; ++i) {
        std::size_t number = 0;
        while (number < samples && x(number, 0) != b.x(i, 0)) ++number;
        REQUIRE(number < samples);
        CHECK(std::ranges::equal(b.x.row(i), matrix_view(x).row(number)));
        CHECK(std::ranges::equal(b.y.row(i), matrix_view(y).row(number)));
        numbers.push_back(number);
      }
    }
    return numbers;
  };
  const auto of_seed = [&](std::uint64_t seed) {
    fresh_each_epoch source(teacher, uniform_inputs{3}, samples,
                            {.batch = batch, .steps = steps, .seed = seed});
    CHECK(source.steps() == steps);
    std::vector<std::vector<std::size_t>> result;
    for (const std::size_t epoch : {0U, 2U, 1U, 0U}) {
      result.push_back(chosen(seed, epoch, source));
      std::vector<double> count(samples);
      for (const std::size_t number : result.back()) count[number] += 1;
      CHECK(chi_square(count) < chi_square_limit(samples - 1));
    }
    CHECK(result[3] == result[0]);
    CHECK(result[2] != result[0]);
    CHECK(result[1] != result[0]);
    return result[0];
  };
  CHECK(of_seed(5) != of_seed(6));
}

TEST_CASE("a source may be copied and moved between steps") {
  const auto teacher = make_teacher();
  const batch_settings settings{.batch = 4, .steps = 3, .seed = 6};
  const auto check = [](const auto& make) {
    auto fresh = make();
    const auto expected = owned(fresh, 1, 2), later = owned(fresh, 5, 0);
    auto source = make();
    owned(source, 1, 0);
    auto copy = source;
    CHECK(owned(source, 5, 0) == later);
    CHECK(owned(copy, 1, 2) == expected);
    auto moved = std::move(copy);
    CHECK(owned(moved, 1, 2) == expected);
    source = moved;
    moved = make();
    CHECK(owned(source, 1, 2) == expected);
  };
  const auto data = numbered(20);
  check([&] { return fresh_each_epoch(teacher, gaussian_inputs{}, 30, settings); });
  check([&] { return fresh_each_step(teacher, gaussian_inputs{}, settings); });
  check([&] { return with_replacement(data, settings); });
  check([&] { return shuffled(data, {.batch = 5, .seed = 1}); });
}

TEST_CASE("batches of images") {
  const temporary_folder folder;
  std::vector<std::uint8_t> pixels(40);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(3 * i);
  std::vector<label> labels(20);
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<label>(i);
  const image_rows<float> images(folder.write("images", idx_content({20, 1, 2}, pixels)));
  const auto x = read_all(images);
  const data_set data(images, labels);
  const auto check = [&](auto source) {
    for (std::size_t step = 0; step < source.steps(); ++step) {
      const auto b = source.next(0, step);
      for (std::size_t i = 0; i < b.x.rows(); ++i) {
        CHECK(std::ranges::equal(b.x.row(i), matrix_view(x).row(b.y[i])));
      }
    }
  };
  check(with_replacement(data, {.batch = 3, .steps = 4}));
  check(shuffled(data, {.batch = 6, .seed = 1}));
  check(full_batch(data));
}

TEST_CASE("sources of nothing") {
  const auto data = numbered(5);
  const auto teacher = make_teacher();
  const auto refused = [](const auto& make) { return message_of<argument_error>(make); };
  CHECK(refused([&] { with_replacement(data, {.batch = 0}); }) ==
        "with_replacement: batch is 0, expected at least 1");
  CHECK(refused([&] { with_replacement(data, {.steps = 0}); }) ==
        "with_replacement: steps is 0, expected at least 1");
  CHECK(refused([&] { shuffled(data, {.batch = 0, .seed = 1}); }) ==
        "shuffled: batch is 0, expected at least 1");
  CHECK(refused([&] { full_batch(data, 0); }) == "full_batch: steps is 0, expected at least 1");
  CHECK(refused([&] { fresh_each_step(teacher, gaussian_inputs{}, {.batch = 0}); }) ==
        "fresh_each_step: batch is 0, expected at least 1");
  CHECK(refused([&] { fresh_each_step(teacher, gaussian_inputs{}, {.steps = 0}); }) ==
        "fresh_each_step: steps is 0, expected at least 1");
  CHECK(refused([&] { fresh_each_epoch(teacher, gaussian_inputs{}, 0, {}); }) ==
        "fresh_each_epoch: samples is 0, expected at least 1");
  CHECK(refused([&] { fresh_each_epoch(teacher, gaussian_inputs{}, 5, {.batch = 0}); }) ==
        "fresh_each_epoch: batch is 0, expected at least 1");
  CHECK(refused([&] { fresh_each_epoch(teacher, gaussian_inputs{}, 5, {.steps = 0}); }) ==
        "fresh_each_epoch: steps is 0, expected at least 1");
}

TEST_CASE("shuffled has as many steps as it says") {
  const auto data = numbered(5);
  shuffled source(data, {.batch = 2, .seed = 1});
  CHECK(source.next(0, 2).x.rows() == 1);
  CHECK(message_of<argument_error>([&] { source.next(0, 3); }) ==
        "shuffled: step 3, an epoch has 3");
}

TEST_CASE("sources and data sets that were moved from") {
  auto data = numbered(20);
  with_replacement drawn(data, {.batch = 4, .steps = 3, .seed = 6});
  shuffled visited(data, {.batch = 5, .seed = 1});
  full_batch whole(data);
  // The same epoch and step after a move: of a source that is asked on, and of what it became.
  const auto second = owned(drawn, 0, 1), first_visit = owned(visited, 0, 0);
  auto drawn_on = std::move(drawn);
  auto visited_on = std::move(visited);
  CHECK(owned(drawn_on, 0, 1) == second);
  CHECK(owned(drawn, 0, 1) == second);
  CHECK(owned(visited_on, 0, 0) == first_visit);
  CHECK(owned(visited, 0, 0) == first_visit);
  const auto taken = std::move(data);
  const auto refused = [](auto& source) {
    return message_of<shape_error>([&] { source.next(0, 0); });
  };
  CHECK(refused(drawn_on) == "with_replacement: the data set has no samples: it was moved from");
  CHECK(refused(visited_on) == "shuffled: the data set has no samples: it was moved from");
  CHECK(refused(whole) == "full_batch: the data set has no samples: it was moved from");
}

TEST_CASE("a teacher that is asked for") {
  const auto teacher = make_teacher();
  CHECK(&fresh_each_step(teacher, gaussian_inputs{}, {}).teacher() == &teacher);
  CHECK(&fresh_each_epoch(teacher, gaussian_inputs{}, 9, {}).teacher() == &teacher);
}

TEST_CASE("an epoch's data that are not finite are named") {
  auto teacher = make_teacher();
  teacher.layer<2>().bias()[1] = std::numeric_limits<double>::infinity();
  fresh_each_epoch source(teacher, gaussian_inputs{}, 9, {});
  CHECK(message_of<argument_error>([&] { source.next(0, 0); }) ==
        "data_set: targets has inf at row 0, column 1, expected finite numbers");
}
