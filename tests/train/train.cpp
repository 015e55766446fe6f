#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <stop_token>
#include <string>
#include <vector>

#include <tutelage/core/parallel.hpp>
#include <tutelage/data/student.hpp>
#include <tutelage/data/teacher.hpp>
#include <tutelage/train/train.hpp>

#include "reference/network.hpp"
#include "support/close_to.hpp"
#include "support/gauge.hpp"
#include "support/random.hpp"
#include "support/scattered.hpp"
#include "support/thrown.hpp"
#include "support/weights.hpp"

namespace {

using namespace test;

constexpr std::array<std::size_t, 3> widths{4, 6, 3};
template <class T>
using static_net = mlp<T, relu, 4, 6, 3>;
template <class T>
using dynamic_net = mlp<T, relu, dynamic, dynamic, dynamic>;
template <class T>
using mixed_net = mlp<T, relu, dynamic, 6, dynamic>;
using net = static_net<double>;

constexpr double not_finite = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

template <class Network>
Network random_net(std::uint64_t seed) {
  Network result(widths);
  stream random = random_stream(seed);
  randomize(result, random);
  return result;
}

// Inputs and what a teacher says of them.
template <class T>
struct lesson {
  matrix<T> x, y;

  explicit lesson(std::size_t N, std::uint64_t seed = 1)
      : x(draw_inputs<T>(gaussian_inputs{1.5}, N, 4, seed)),
        y(outputs(random_net<static_net<T>>(50), x)) {}
};

// One step of a network, in long double whatever its scalar.
struct taken_step {
  std::vector<matrix<long double>> before, after;  // weights
  reference::network<long double> plain;           // before
  matrix<long double> x, y;
  long double loss, rate;
  double unit;  // epsilon; the reference rounds as well where it is no wider

  template <class Network>
  taken_step(Network student, std::size_t N, double of_rate) {
    using T = typename Network::value_type;
    const lesson<T> data(N);
    x = widen(data.x);
    y = widen(data.y);
    before = weights_of(student);
    plain = reference::plain(network_cast<long double>(student));
    trainer<Network, mean_squared_error, sgd> learning(student);
    loss = learning.step(matrix_view<const T>(data.x), matrix_view<const T>(data.y), of_rate);
    after = weights_of(student);
    rate = static_cast<T>(of_rate);
    unit = static_cast<double>(epsilon<T>) * (sizeof(T) == sizeof(long double) ? 2 : 1);
  }
};

// It goes down the gradient that plain loops find.
void check_step(const taken_step& step) {
  const std::size_t N = step.x.shape(0);
  const auto samples = static_cast<long double>(N);
  const auto p = reference::forward(step.plain, step.x);
  auto g_top = step.y;
  long double expected_loss = 0;
  for (std::size_t i = 0; i < N; ++i) {
    for (std::size_t k = 0; k < 3; ++k) {
      g_top(i, k) -= p.f.back()(i, k);
      expected_loss += g_top(i, k) * g_top(i, k) / (2 * samples);
    }
  }
  const auto back = reference::backward(step.plain, p, g_top);
  // The same sums of absolute values: activations from below, gradients from above.
  const auto f = activation_gauges(step.before, step.x);
  auto g = f.back();
  long double loss_gauge = 0;
  for (std::size_t i = 0; i < N; ++i) {
    for (std::size_t k = 0; k < 3; ++k) {
      g(i, k) += std::abs(step.y(i, k));
      loss_gauge += g(i, k) * g(i, k) / samples;
    }
  }
  const double tolerance =
      step.unit * (2 * output_roundings(step.before) + static_cast<double>(N) + 8);
  CHECK(close_to(static_cast<double>(step.loss), static_cast<double>(expected_loss),
                 tolerance * static_cast<double>(loss_gauge)));
  comparison result;
  for (std::size_t l = 2; l >= 1; --l) {
    const auto &W = step.before[l - 1], &W_after = step.after[l - 1];
    const std::size_t in = W.shape(0) - 1;
    for (std::size_t j = 0; j < W.shape(0); ++j) {
      for (std::size_t k = 0; k < W.shape(1); ++k) {
        long double gauge = std::abs(W(j, k));
        for (std::size_t i = 0; i < N; ++i) {
          gauge += step.rate * (j < in ? f[l - 1](i, j) : 1) * g(i, k) / samples;
        }
        const long double expected = W(j, k) + step.rate * back.dW[l - 1](j, k);
        result.add(static_cast<double>(std::abs(W_after(j, k) - expected)),
                   tolerance * static_cast<double>(gauge), detail::text("layer ", l, " row ", j),
                   static_cast<double>(W_after(j, k)), static_cast<double>(expected));
      }
    }
    auto below = make_matrix<long double>(N, in);
    for (std::size_t i = 0; i < N; ++i) {
      for (std::size_t j = 0; j < in; ++j) {
        for (std::size_t k = 0; k < W.shape(1); ++k) below(i, j) += std::abs(W(j, k)) * g(i, k);
      }
    }
    g = below;
  }
  CHECK(result);
}

// A hook that writes down everything.
struct log_hook {
  std::string name;
  std::vector<std::string>* lines;
  template <class Network>
  void on_step(const step_report<Network>& r) {
    lines->push_back(detail::text(name, " step ", r.step, " of epoch ", r.epoch));
  }
  template <class Network>
  void on_epoch(const epoch_report<Network>& r) {
    lines->push_back(detail::text(name, " epoch ", r.epoch, " after ", r.step, " at ", r.rate));
  }
};

// Hooks of any kind as one type, for fewer kinds of training to compile.
struct told {
  std::function<void(const step_report<net>&)> step;
  std::function<void(const epoch_report<net>&)> epoch;
  void on_step(const step_report<net>& r) const {
    if (step) step(r);
  }
  void on_epoch(const epoch_report<net>& r) const {
    if (epoch) epoch(r);
  }
};

// train() of `net` for the squared error, with any rates.
template <class Batches, class Optimizer = sgd>
std::uint64_t learn(net& student, Batches&& batches, const std::function<double(std::size_t)>& rate,
                    const train_settings& settings, const told& hook = {},
                    const Optimizer& optimizer = {}) {
  return train(student, batches, mean_squared_error{}, optimizer, rate, settings, hook);
}

// Appends each epoch's loss to `losses`.
told note_losses(std::vector<double>& losses) {
  return {{}, [&](const epoch_report<net>& r) { losses.push_back(r.train_loss); }};
}

// The weights, the loss and the number of the last step.
struct last_step {
  std::vector<matrix<long double>> weights;
  double loss = infinity;
  std::uint64_t step = 0;
  told hook() {
    return {[this](const step_report<net>& r) {
              weights = weights_of(r.student);
              loss = r.loss;
              step = r.step;
            },
            {}};
  }
};

// Gives one batch again and again.
template <class T, class Targets>
struct repeated {
  using value_type = T;
  matrix<T> x;
  Targets y;
  std::size_t count = 1;
  [[nodiscard]] static std::uint64_t seed() { return 77; }
  [[nodiscard]] std::size_t steps() const { return count; }
  auto next(std::size_t /*epoch*/, std::size_t /*step*/) const {
    if constexpr (std::is_same_v<Targets, matrix<T>>) {
      return batch{matrix_view<const T>(x), matrix_view<const T>(y)};
    } else {
      return batch{matrix_view<const T>(x), std::span<const label>(y)};
    }
  }
};

}  // namespace

TEST_CASE("a step goes down the gradient that plain loops find") {
  for (const std::size_t N : {1U, 2U, 16U, 257U}) {
    for (const double rate : {0.1, 0.003}) {
      check_step(taken_step(random_net<static_net<double>>(2), N, rate));
      check_step(taken_step(random_net<dynamic_net<float>>(3), N, rate));
      check_step(taken_step(random_net<mixed_net<long double>>(4), N, rate));
    }
  }
}

namespace {
// A user's loss, which knows matrices only.
struct own_loss {
  template <scalar T>
  T evaluate(matrix_view<const T> f, std::type_identity_t<matrix_view<const T>> y,
             std::type_identity_t<matrix_view<T>> g) const {
    return 2 * mean_squared_error{}.evaluate(f, y, g);
  }
};

template <class Loss, class Network>
void check_scattered(const Network& start, std::size_t N, std::size_t d, std::size_t C) {
  using T = typename Network::value_type;
  auto random = random_stream(N + d);
  const auto x = random_matrix<T>(N, d, random), y = random_matrix<T>(N, C, random);
  const scattered<T> x_rows(x), y_rows(y);
  auto together = start, apart = start;
  trainer<Network, Loss, sgd> first(together), second(apart);
  for (int step = 0; step < 3; ++step) {
    const T loss = first.step(matrix_view<const T>(x), matrix_view<const T>(y), 0.01);
    CHECK(second.step(x_rows.view(), y_rows.view(), 0.01) == loss);
    CHECK(weights_of(apart) == weights_of(together));
  }
  CHECK(weights_of(apart) != weights_of(start));
}
}  // namespace

TEST_CASE("a step on rows that lie anywhere is the step on a matrix of them, bit by bit") {
  for (const std::size_t N : {1U, 7U, 16U, 33U}) {
    check_scattered<mean_squared_error>(random_net<static_net<double>>(1), N, 4, 3);
    check_scattered<mean_squared_error>(random_net<dynamic_net<float>>(2), N, 4, 3);
    check_scattered<mean_squared_error>(random_net<mixed_net<long double>>(3), N, 4, 3);
    check_scattered<own_loss>(random_net<static_net<double>>(4), N, 4, 3);
  }
  // Nothing is copied, whatever the extents.
  CHECK(detail::reads_scattered_rows<static_net<double>>);
  CHECK(detail::reads_scattered_rows<dynamic_net<double>>);
  // Too large for tiles.
  mlp<float, relu, dynamic, dynamic, dynamic> large({700, 300, 2});
  initialize(large, gaussian_start{0.1}, random_stream(5));
  check_scattered<mean_squared_error>(large, 9, 700, 2);
}

TEST_CASE("training is the trainer's steps on the source's batches") {
  const lesson<double> data(40);
  const data_set samples(data.x, data.y);
  const momentum_sgd optimizer{.momentum = 0.8, .weight_decay = 0.01};
  auto expected = random_net<net>(1), student = expected;
  trainer<net, mean_squared_error, momentum_sgd> learning(expected, {}, optimizer);
  std::vector<double> losses;
  shuffled batches(samples, 16, 5);
  for (std::size_t epoch = 0; epoch < 3; ++epoch) {
    for (std::size_t s = 0; s < 3; ++s) {
      const auto b = batches.next(epoch, s);
      losses.push_back(learning.step(b.x, b.y, epoch == 2 ? 0.05 : 0.1));
      CHECK(learning.steps() == losses.size());
    }
  }
  std::vector<double> epoch_losses;
  on_epoch_end note([&](const auto& r) { epoch_losses.push_back(r.train_loss); });
  const step_rates rates({{0, 0.1}, {2, 0.05}});
  CHECK(train(student, batches, mean_squared_error{}, optimizer, rates, {.epochs = 3}, note) == 9);
  CHECK(weights_of(student) == weights_of(expected));
  REQUIRE(epoch_losses.size() == 3);
  for (std::size_t epoch = 0; epoch < 3; ++epoch) {
    CHECK(epoch_losses[epoch] ==
          (losses[3 * epoch] + losses[3 * epoch + 1] + losses[3 * epoch + 2]) / 3);
  }
}

TEST_CASE("what an optimizer keeps outlives a step") {
  const lesson<double> data(8);
  auto student = random_net<net>(1);
  const auto W0 = weights_of(student);
  trainer<net, mean_squared_error, momentum_sgd> learning(student, {}, {.momentum = 0.5});
  const auto x = as_rows(data.x);
  learning.step(x, as_rows(data.y), 0.1);
  const auto W1 = weights_of(student);
  // No gradient is left: the step is half of the one before.
  const auto own = student(x);
  CHECK(learning.step(x, as_rows(own), 0.1) == 0);
  const auto W2 = weights_of(student);
  comparison result;
  for (std::size_t l = 0; l < 2; ++l) {
    for (std::size_t i = 0; i < W0[l].size(); ++i) {
      const auto *w0 = W0[l].data() + i, *w1 = W1[l].data() + i, *w2 = W2[l].data() + i;
      result.add(static_cast<double>(std::abs((*w2 - *w1) - (*w1 - *w0) / 2)),
                 4 * epsilon<double> * static_cast<double>(std::abs(*w0) + std::abs(*w1)), "weight",
                 static_cast<double>(*w2), static_cast<double>(*w1));
    }
  }
  CHECK(result);
}

TEST_CASE("small steps over the whole set make the loss smaller every time") {
  const lesson<double> data(100);
  const data_set samples(data.x, data.y);
  auto student = random_net<net>(6);
  std::vector<double> losses;
  learn(student, full_batch(samples), constant_rate{0.02}, {.epochs = 300}, note_losses(losses));
  REQUIRE(losses.size() == 300);
  CHECK(std::ranges::is_sorted(losses, std::greater{}));
  CHECK(losses.back() < 0.1 * losses.front());
  CHECK(mean_loss(student, samples, mean_squared_error{}) < losses.back());
}

TEST_CASE("every optimizer and source learns from a teacher") {
  const auto teacher = random_net<net>(50);
  const lesson<double> data(300, 3), other(200, 4);
  const data_set samples(data.x, data.y), evaluation(other.x, other.y);
  const batch_settings settings{.batch = 16, .steps = 100};
  const auto check = [&](auto&& batches, const auto& optimizer, double rate) {
    auto student = random_net<net>(7);
    const double before = mean_loss(student, evaluation, mean_squared_error{});
    learn(student, batches, constant_rate{rate}, {.epochs = 8}, {}, optimizer);
    CHECK(mean_loss(student, evaluation, mean_squared_error{}) < 0.1 * before);
  };
  check(with_replacement(samples, settings), sgd{}, 0.05);
  check(shuffled(samples, 4, 1), momentum_sgd{}, 0.005);
  check(fresh_each_step(teacher, gaussian_inputs{}, settings), adam{}, 0.01);
  check(fresh_each_epoch(teacher, gaussian_inputs{}, 200, settings), sgd{1e-4}, 0.05);
}

TEST_CASE("labels: a student learns the teacher's answers") {
  const lesson<double> data(300);
  const data_set samples(data.x, argmax(data.y));
  auto student = random_net<net>(7);
  const double before = mean_loss(student, samples, cross_entropy{});
  CHECK(accuracy(student, samples) < 0.7);
  std::vector<double> losses;
  train(student, shuffled(samples, 16, 1), cross_entropy{}, sgd{}, constant_rate{0.1},
        {.epochs = 40}, note_losses(losses));
  CHECK(accuracy(student, samples) > 0.9);
  CHECK(mean_loss(student, samples, cross_entropy{}) < 0.3 * before);
  CHECK(losses.back() < losses.front());
}

TEST_CASE("hooks are told after each step and epoch, in their order") {
  const lesson<double> data(40);
  const data_set samples(data.x, data.y);
  auto student = random_net<net>(1);
  std::vector<std::string> lines;
  std::vector<double> step_losses, epoch_losses;
  struct only_steps {
    std::vector<double>* losses;
    net* student;
    void on_step(const step_report<net>& r) const {
      losses->push_back(r.loss);
      CHECK(&r.student == student);
    }
  };
  struct only_epochs {
    std::vector<double>* losses;
    net* student;
    void on_epoch(const epoch_report<net>& r) const {
      losses->push_back(r.train_loss);
      CHECK(&r.student == student);
    }
  };
  static_assert(train_hook<log_hook, net> && train_hook<only_steps, net> &&
                train_hook<only_epochs, net> && train_hook<const only_epochs&, net> &&
                !train_hook<int, net>);
  log_hook first{"first", &lines};
  CHECK(train(student, shuffled(samples, 30, 1), mean_squared_error{}, sgd{},
              step_rates({{0, 0.5}, {1, 0.25}}), {.epochs = 2}, first,
              only_steps{&step_losses, &student}, log_hook{"second", &lines},
              only_epochs{&epoch_losses, &student}) == 4);
  CHECK(lines == std::vector<std::string>{
                     "first step 1 of epoch 0", "second step 1 of epoch 0",            //
                     "first step 2 of epoch 0", "second step 2 of epoch 0",            //
                     "first epoch 1 after 2 at 0.5", "second epoch 1 after 2 at 0.5",  //
                     "first step 3 of epoch 1", "second step 3 of epoch 1",            //
                     "first step 4 of epoch 1", "second step 4 of epoch 1",            //
                     "first epoch 2 after 4 at 0.25", "second epoch 2 after 4 at 0.25"});
  REQUIRE(step_losses.size() == 4);
  REQUIRE(epoch_losses.size() == 2);
  CHECK(epoch_losses[0] == (step_losses[0] + step_losses[1]) / 2);
  CHECK(epoch_losses[1] == (step_losses[2] + step_losses[3]) / 2);
  CHECK(train_settings{}.epochs == 20);
  CHECK(train_settings{}.frozen.empty());
  const auto before = weights_of(student);
  CHECK(train(student, full_batch(samples), mean_squared_error{}, sgd{}, constant_rate{},
              {.epochs = 0}, first) == 0);
  CHECK(lines.size() == 12);
  CHECK(weights_of(student) == before);
}

TEST_CASE("a step is told its loss before the step, and the student after it") {
  const lesson<double> data(20);
  const data_set samples(data.x, data.y);
  auto student = random_net<net>(1);
  double before = mean_loss(student, samples, mean_squared_error{});
  std::size_t steps = 0;
  const auto on_step = [&](const step_report<net>& r) {
    CHECK(r.loss == before);  // one chunk: the same batch, so the same bits
    before = mean_loss(r.student, samples, mean_squared_error{});
    CHECK(before != r.loss);
    ++steps;
  };
  learn(student, full_batch(samples, 3), constant_rate{0.1}, {.epochs = 2}, {on_step, {}});
  CHECK(steps == 6);
}

TEST_CASE("a stop token stops training after the step") {
  const lesson<double> data(40);
  const data_set samples(data.x, data.y);
  for (const std::uint64_t last : {1U, 3U, 4U, 5U}) {
    std::stop_source source;
    std::uint64_t steps_told = 0, epochs_told = 0;
    auto student = random_net<net>(1), expected = student;
    const told hook{[&](const step_report<net>& r) {
                      steps_told = r.step;
                      if (r.step == last) source.request_stop();
                    },
                    [&](const epoch_report<net>& r) { epochs_told = r.epoch; }};
    CHECK(learn(student, shuffled(samples, 10, 1), constant_rate{0.1},
                {.epochs = 5, .frozen = {}, .stop = source.get_token()}, hook) == last);
    // Hooks are told of the last step. An epoch that was stopped has not ended.
    CHECK(steps_told == last);
    CHECK(epochs_told == (last - 1) / 4);
    trainer<net, mean_squared_error, sgd> learning(expected);
    shuffled batches(samples, 10, 1);
    for (std::size_t s = 0; s < last; ++s) {
      const auto b = batches.next(s / 4, s % 4);
      learning.step(b.x, b.y, 0.1);
    }
    CHECK(weights_of(student) == weights_of(expected));
  }
  // Asked before every epoch: also before the first.
  std::stop_source source;
  source.request_stop();
  auto student = random_net<net>(1);
  CHECK(learn(student, shuffled(samples, 10, 1), constant_rate{0.1},
              {.epochs = 5, .frozen = {}, .stop = source.get_token()}) == 0);
  CHECK(weights_of(student) == weights_of(random_net<net>(1)));
}

TEST_CASE("frozen layers keep their bits, the others learn as before") {
  using deep = mlp<double, relu, 4, 6, 5, 3>;
  const lesson<double> data(40);
  const data_set samples(data.x, data.y);
  deep start;
  stream random = random_stream(1);
  randomize(start, random);
  const auto before = weights_of(start);
  const auto trained = [&](const std::vector<std::size_t>& frozen, std::size_t steps) {
    deep student = start;
    const std::uint64_t done = train(student, full_batch(samples, steps), mean_squared_error{},
                                     momentum_sgd{.momentum = 0.9, .weight_decay = 0.01},
                                     constant_rate{0.05}, {.epochs = 1, .frozen = frozen});
    CHECK(done == steps);
    return weights_of(student);
  };
  const auto free = trained({}, 1);
  const std::vector<std::vector<std::size_t>> choices{{},     {1},    {2},    {3},
                                                      {1, 2}, {1, 3}, {2, 3}, {2, 2}};
  for (const auto& frozen : choices) {
    const auto one = trained(frozen, 1), many = trained(frozen, 20);
    for (std::size_t l = 1; l <= 3; ++l) {
      if (std::ranges::count(frozen, l) > 0) {
        CHECK(one[l - 1] == before[l - 1]);
        CHECK(many[l - 1] == before[l - 1]);
      } else {
        // The first step of a layer does not know which others are frozen.
        CHECK(one[l - 1] == free[l - 1]);
        CHECK(many[l - 1] != one[l - 1]);
      }
    }
  }
  const auto refused = [&](std::size_t l) {
    return message_of<shape_error>([&] { trained({l}, 1); });
  };
  CHECK(refused(0) == "freeze: layer 0, expected 1 to 3");
  CHECK(refused(4) == "freeze: layer 4, expected 1 to 3");
  CHECK(message_of<argument_error>([&] {
          trained({1, 3, 2}, 1);
        }) == "freeze: layer 2 is the last one that learns");
  // A freeze that is refused freezes nothing.
  deep student = start;
  trainer<deep, mean_squared_error, sgd> learning(student);
  learning.freeze(1);
  learning.freeze(2);
  CHECK_THROWS_AS(learning.freeze(3), argument_error);
  learning.step(as_rows(data.x), as_rows(data.y), 0.1);
  CHECK(weights_of(student)[2] != before[2]);
}

TEST_CASE("normalize_after_step keeps a layer's columns at unit norm") {
  const lesson<double> data(40);
  const data_set samples(data.x, data.y);
  CHECK(normalize_after_step{}.layer == 1);
  for (const std::size_t layer : {1U, 2U}) {
    const auto check = [&](const step_report<net>& r) {
      const auto weights = weights_of(r.student);
      double farthest = 0;
      for (std::size_t l = 1; l <= 2; ++l) {
        const auto& W = weights[l - 1];
        const std::size_t in = W.shape(0) - 1;
        for (std::size_t k = 0; k < W.shape(1); ++k) {
          long double square = 0;
          for (std::size_t i = 0; i < in; ++i) square += W(i, k) * W(i, k);
          const auto length = static_cast<double>(std::sqrt(square));
          if (l == layer) {
            CHECK(close_to(length, 1, static_cast<double>(in) * epsilon<double>));
          } else {
            farthest = std::max(farthest, std::abs(length - 1));
          }
        }
      }
      CHECK(farthest > 0.01);  // the other layer is left alone
    };
    auto student = random_net<net>(1);
    std::size_t steps = 0;
    const told hook{[&](const step_report<net>& r) {
                      check(r);
                      ++steps;
                    },
                    {}};
    train(student, full_batch(samples, 10), mean_squared_error{}, sgd{}, constant_rate{0.1},
          {.epochs = 2}, normalize_after_step{layer}, hook);
    CHECK(steps == 20);
  }
}

TEST_CASE("divergence is reported, and leaves the weights of the step before") {
  const auto teacher = random_net<net>(50);
  for (const double rate : {3.0, 100.0, 1e200}) {
    fresh_each_step batches(teacher, gaussian_inputs{5}, {.batch = 8, .steps = 50, .seed = 12});
    auto student = random_net<net>(1);
    last_step last;
    last.weights = weights_of(student);
    const auto e = thrown_by<diverged_error>(
        [&] { learn(student, batches, constant_rate{rate}, {.epochs = 10}, last.hook()); });
    CHECK(weights_of(student) == last.weights);
    CHECK(e.seed() == 12);
    CHECK(e.step() == last.step);
    CHECK(e.step() > 0);
    CHECK(e.last_finite_loss() == last.loss);
    CHECK(std::isfinite(last.loss));
    // The lowest layer with a number that is not finite, by another forward pass.
    const auto x = to_matrix(batches.next(last.step / 50, last.step % 50).x);
    activations<net> kept;
    student.forward(x, kept);
    std::size_t layer = 1;
    const auto finite = [&](std::size_t l) {
      const auto f = to_matrix(kept.f(l));
      return std::ranges::all_of(f, [](double value) { return std::isfinite(value); });
    };
    while (layer < 2 && finite(layer)) ++layer;
    CHECK(e.layer() == layer);
    CHECK(e.what() == detail::text("training diverged at step ", last.step, " (seed 12): layer ",
                                   layer,
                                   " is the lowest with a value that is not finite; last finite "
                                   "loss ",
                                   last.loss, "; try a smaller learning rate"));
  }
}

TEST_CASE("the lowest layer that is not finite") {
  const lesson<double> data(5);
  const auto diverged = [&](const matrix<double>& x, const matrix<double>& y, const auto& change) {
    auto student = random_net<net>(1);
    trainer<net, mean_squared_error, sgd> learning(student, {}, {}, 9);
    change(student);
    const auto W = reference::plain(student);
    const auto e = thrown_by<diverged_error>([&] { learning.step(as_rows(x), as_rows(y), 0.1); });
    CHECK(e.seed() == 9);
    CHECK(e.step() == 0);
    CHECK(e.last_finite_loss() == infinity);
    CHECK(learning.steps() == 0);
    for (std::size_t l = 0; l < 2; ++l) {  // also where they are not finite
      const auto now = reference::plain(student)[l].W;
      CHECK(std::ranges::equal(now, W[l].W, [](double a, double b) {
        return a == b || (std::isnan(a) && std::isnan(b));
      }));
    }
    return e.layer();
  };
  for (const double wrong : {not_finite, infinity, -infinity}) {
    CHECK(diverged(data.x, data.y, [&](net& n) { n.layer<2>().bias()[1] = wrong; }) == 2);
    if (wrong != -infinity) {  // a node of bias -infinity is off
      CHECK(diverged(data.x, data.y, [&](net& n) { n.layer<1>().bias()[0] = wrong; }) == 1);
    }
  }
  // Finite outputs whose square is not.
  CHECK(diverged(data.x, data.y, [](net& n) { n.layer<2>().bias()[0] = 1e200; }) == 2);
}

TEST_CASE("a batch that is not finite is blamed, by row and column, and not the rate") {
  const lesson<double> data(5);
  for (const double wrong : {not_finite, infinity, -infinity}) {
    auto student = random_net<net>(1);
    const auto before = weights_of(student);
    trainer<net, mean_squared_error, sgd> learning(student);
    auto x = data.x, y = data.y;
    x(3, 2) = wrong;
    y(4, 1) = wrong;
    CHECK(message_of<argument_error>([&] { learning.step(as_rows(x), as_rows(data.y), 0.1); }) ==
          detail::text("step: x has ", wrong, " at row 3, column 2, expected finite numbers"));
    const std::string of_targets =
        detail::text("step: targets has ", wrong, " at row 4, column 1, expected finite numbers");
    CHECK(message_of<argument_error>([&] { learning.step(as_rows(data.x), as_rows(y), 0.1); }) ==
          of_targets);
    const scattered<double> rows(data.x), targets(y);
    CHECK(message_of<argument_error>([&] { learning.step(rows.view(), targets.view(), 0.1); }) ==
          of_targets);
    CHECK(weights_of(student) == before);
    CHECK(learning.steps() == 0);
  }
}

TEST_CASE("settings that mean nothing") {
  const lesson<double> data(20);
  const data_set samples(data.x, data.y);
  auto student = random_net<net>(1);
  const auto before = weights_of(student);
  const auto refused = [&](const auto& optimizer) {
    return message_of<argument_error>([&] {
      learn(student, full_batch(samples), constant_rate{0.1}, {.epochs = 1}, {}, optimizer);
    });
  };
  CHECK(refused(sgd{-0.1}) == "sgd: weight_decay is -0.1, expected a finite number from 0 on");
  CHECK(refused(momentum_sgd{1}) == "momentum_sgd: momentum is 1, expected a number in [0, 1)");
  CHECK(refused(adam{.beta1 = 1}) == "adam: beta1 is 1, expected a number in [0, 1)");
  student.layer<2>().weights()(1, 2) = not_finite;
  CHECK(refused(sgd{}) == "trainer: a layer has nan at row 1, column 2, expected finite numbers");
  student.layer<2>().weights()(1, 2) = static_cast<double>(before[1](1, 2));
  CHECK(weights_of(student) == before);
}

TEST_CASE("a source without steps") {
  struct stepless : repeated<double, matrix<double>> {
    static std::size_t steps() { return 0; }
  };
  auto student = random_net<net>(1);
  const stepless batches{{make_matrix<double>(2, 4), make_matrix<double>(2, 3)}};
  CHECK(message_of<argument_error>([&] {
          learn(student, batches, constant_rate{0.1}, {.epochs = 1});
        }) == "train: an epoch has 0 steps, expected at least 1");
}

TEST_CASE("stopping in on_epoch takes no further step") {
  const lesson<double> data(20);
  const data_set samples(data.x, data.y);
  std::stop_source source;
  auto student = random_net<net>(1);
  const told hook{{}, [&](const epoch_report<net>& r) {
                    if (r.epoch == 2) source.request_stop();
                  }};
  CHECK(learn(student, full_batch(samples, 3), constant_rate{0.1},
              {.epochs = 5, .frozen = {}, .stop = source.get_token()}, hook) == 6);
}

// One student, one trainer; a student that outlives its trainer.
static_assert(!std::is_copy_constructible_v<trainer<net, mean_squared_error, sgd>>);
static_assert(!std::is_move_constructible_v<trainer<net, mean_squared_error, sgd>>);
static_assert(!std::is_constructible_v<trainer<net, mean_squared_error, sgd>, net>);

TEST_CASE("a rate that is no positive number") {
  const lesson<double> data(20);
  const data_set samples(data.x, data.y);
  for (const double wrong : {not_finite, infinity, -infinity, 0.0, -0.1}) {
    auto student = random_net<net>(1);
    last_step last;
    const auto rate = [&](std::size_t epoch) { return epoch == 2 ? wrong : 0.1; };
    CHECK(message_of<argument_error>([&] {
            learn(student, full_batch(samples, 3), rate, {.epochs = 5}, last.hook());
          }) == detail::text("train: the learning rate of epoch 2 is ", wrong,
                             ", expected a positive number"));
    CHECK(last.step == 6);
    CHECK(weights_of(student) == last.weights);
  }
}

TEST_CASE("teachers, students and data that do not fit") {
  const dynamic_net<double> other_inputs({5, 2, 3}), other_outputs({4, 2, 2});
  const batch_settings settings{.batch = 16, .steps = 2};
  auto student = random_net<net>(1);
  const auto before = weights_of(student);
  const auto learn_from = [&](auto&& batches) {
    const std::string message = message_of<shape_error>(
        [&] { learn(student, batches, constant_rate{0.1}, {.epochs = 1}); });
    CHECK(weights_of(student) == before);
    return message;
  };
  CHECK(learn_from(fresh_each_step(other_inputs, gaussian_inputs{}, settings)) ==
        "train: teacher and student take different inputs; the teacher 5, the student 4");
  CHECK(learn_from(fresh_each_epoch(other_outputs, gaussian_inputs{}, 20, settings)) ==
        "train: teacher and student give different outputs; the teacher 2, the student 3");
  const data_set narrow(make_matrix<double>(6, 5), make_matrix<double>(6, 3));
  CHECK(learn_from(full_batch(narrow)) == "forward: x is (6x5), expected (6x4)");
  CHECK(learn_from(repeated<double, matrix<double>>{make_matrix<double>(7, 4),
                                                    make_matrix<double>(6, 3)}) ==
        "mean_squared_error: targets is (6x3), expected (7x3)");
  CHECK(learn_from(repeated<double, matrix<double>>{make_matrix<double>(0, 4),
                                                    make_matrix<double>(0, 3)}) ==
        "mean_squared_error: outputs is (0x3), expected at least 1 each");
  const repeated<double, std::vector<label>> wrong_label{make_matrix<double>(2, 4), {1, 3}};
  CHECK(message_of<argument_error>([&] {
          train(student, wrong_label, cross_entropy{}, sgd{}, constant_rate{0.1}, {.epochs = 1});
        }) == "cross_entropy: label 3, expected one below 3");
  CHECK(weights_of(student) == before);
}

TEST_CASE("same seed, same bits, on any number of threads") {
  const auto teacher = random_net<net>(50);
  const auto run = [&](std::size_t i) {
    net student;
    initialize(student, linear_default_start{}, stream(i, purpose::student));
    learn(student,
          fresh_each_step(teacher, gaussian_inputs{}, {.batch = 16, .steps = 50, .seed = i}),
          constant_rate{0.01}, {.epochs = 4});
    return weights_of(student);
  };
  const auto expected = parallel_map(6, 1, run);
  for (const std::size_t threads : {1U, 2U, 3U}) CHECK(parallel_map(6, threads, run) == expected);
  for (std::size_t i = 1; i < 6; ++i) CHECK(expected[i] != expected[0]);
}

TEST_CASE("static and dynamic students learn the same bits") {
  const auto trained = []<class Network>(Network student, const auto& optimizer) {
    using T = typename Network::value_type;
    stream random = random_stream(1);
    randomize(student, random);
    const lesson<T> data(60);
    const data_set samples(data.x, data.y);
    train(student, shuffled(samples, 16, 1), mean_squared_error{}, optimizer, constant_rate{0.05},
          {.epochs = 5});
    return weights_of(student);
  };
  CHECK(trained(dynamic_net<float>(widths), sgd{}) == trained(static_net<float>(widths), sgd{}));
  CHECK(trained(mixed_net<double>(widths), sgd{}) == trained(static_net<double>(widths), sgd{}));
  CHECK(trained(dynamic_net<double>(widths), adam{}) ==
        trained(static_net<double>(widths), adam{}));
}

TEST_CASE("at zero loss nothing moves") {
  const auto teacher = random_net<net>(50);
  const auto before = weights_of(teacher);
  const auto check = [&](const auto& optimizer) {
    auto student = teacher;
    std::vector<double> losses;
    learn(student, fresh_each_step(teacher, gaussian_inputs{3}, {.batch = 16, .steps = 20}),
          constant_rate{0.5}, {.epochs = 2}, note_losses(losses), optimizer);
    CHECK(losses == std::vector<double>{0, 0});
    CHECK(weights_of(student) == before);
  };
  check(sgd{});
  check(momentum_sgd{});
  check(adam{});
}

TEST_CASE("a step's rate is a positive number of its scalar") {
  auto student = random_net<net>(50);
  const auto before = weights_of(student);
  trainer<net, mean_squared_error, sgd> learning(student);
  const auto x = make_matrix<double>(2, 4), y = make_matrix<double>(2, 3);
  for (const double rate : {not_finite, infinity, -infinity, 0.0, -0.1}) {
    CHECK(message_of<argument_error>([&] {
            learning.step(x, matrix_view<const double>(y), rate);
          }) == detail::text("step: the learning rate is ", rate, ", expected a positive number"));
  }
  CHECK(weights_of(student) == before);
  auto narrow = random_net<static_net<float>>(50);
  trainer<static_net<float>, mean_squared_error, sgd> in_float(narrow);
  const auto x_float = make_matrix<float>(2, 4), y_float = make_matrix<float>(2, 3);
  for (const double rate : {1e-50, 1e50}) {
    CHECK_THROWS_AS(in_float.step(x_float, matrix_view<const float>(y_float), rate),
                    argument_error);
    CHECK_NOTHROW(learning.step(x, matrix_view<const double>(y), 1e-50));
  }
}

TEST_CASE("normalize_after_step of a layer that is not there") {
  auto student = random_net<net>(50);
  const step_report<net> report{student, 0, 1, 0.0};
  for (const std::size_t l : {0, 3}) {
    CHECK(message_of<shape_error>([&] { normalize_after_step{l}.on_step(report); }) ==
          detail::text("normalize_after_step: layer ", l, ", expected 1 to 2"));
  }
}
