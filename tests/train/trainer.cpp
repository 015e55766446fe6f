#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <tutelage/data/student.hpp>
#include <tutelage/model/network_cast.hpp>
#include <tutelage/train/batches.hpp>
#include <tutelage/train/trainer.hpp>

#include "reference/network.hpp"
#include "support/close_to.hpp"
#include "support/gauge.hpp"
#include "support/lesson.hpp"
#include "support/random.hpp"
#include "support/scattered.hpp"
#include "support/thrown.hpp"
#include "support/weights.hpp"

namespace {

using namespace test;

using net = static_net<double>;

constexpr double not_finite = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

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
    trainer learning(student, mean_squared_error{}, sgd{.rate = of_rate});
    loss = learning.step(matrix_view<const T>(data.x), matrix_view<const T>(data.y));
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
  trainer first(together, Loss{}, sgd{.rate = 0.01}), second(apart, Loss{}, sgd{.rate = 0.01});
  for (int step = 0; step < 3; ++step) {
    const T loss = first.step(matrix_view<const T>(x), matrix_view<const T>(y));
    CHECK(second.step(x_rows.view(), y_rows.view()) == loss);
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
  initialize(large, gaussian_start{0.1}, 5);
  check_scattered<mean_squared_error>(large, 9, 700, 2);
}

TEST_CASE("what an optimizer keeps outlives a step") {
  const lesson<double> data(8);
  auto student = random_net<net>(1);
  const auto W0 = weights_of(student);
  trainer learning(student, mean_squared_error{}, momentum_sgd{.rate = 0.1, .momentum = 0.5});
  const auto x = as_rows(data.x);
  learning.step(x, as_rows(data.y));
  const auto W1 = weights_of(student);
  // No gradient is left: the step is half of the one before.
  const auto own = student(x);
  CHECK(learning.step(x, as_rows(own)) == 0);
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

TEST_CASE("the lowest layer that is not finite") {
  const lesson<double> data(5);
  const auto diverged = [&](const matrix<double>& x, const matrix<double>& y, const auto& change) {
    auto student = random_net<net>(1);
    trainer learning(student, mean_squared_error{}, sgd{.rate = 0.1}, 9);
    change(student);
    const auto W = reference::plain(student);
    const auto e = thrown_by<diverged_error>([&] { learning.step(as_rows(x), as_rows(y)); });
    CHECK(e.seed() == 9);
    CHECK(e.step() == 0);
    CHECK(e.last_finite_loss() == infinity);
    CHECK(learning.state().step == 0);
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
    trainer learning(student, mean_squared_error{}, sgd{.rate = 0.1});
    auto x = data.x, y = data.y;
    x(3, 2) = wrong;
    y(4, 1) = wrong;
    CHECK(message_of<argument_error>([&] { learning.step(as_rows(x), as_rows(data.y)); }) ==
          detail::text("step: x has ", wrong, " at row 3, column 2, expected finite numbers"));
    const std::string of_targets =
        detail::text("step: targets has ", wrong, " at row 4, column 1, expected finite numbers");
    CHECK(message_of<argument_error>([&] { learning.step(as_rows(data.x), as_rows(y)); }) ==
          of_targets);
    const scattered<double> rows(data.x), targets(y);
    CHECK(message_of<argument_error>([&] { learning.step(rows.view(), targets.view()); }) ==
          of_targets);
    CHECK(weights_of(student) == before);
    CHECK(learning.state().step == 0);
  }
}

// One student, one trainer; a student that outlives its trainer.
static_assert(!std::is_copy_constructible_v<trainer<net, mean_squared_error, sgd>>);
static_assert(!std::is_move_constructible_v<trainer<net, mean_squared_error, sgd>>);
static_assert(
    !std::is_constructible_v<trainer<net, mean_squared_error, sgd>, net, mean_squared_error, sgd>);

TEST_CASE("a step's rate is a positive number of its scalar") {
  const auto refused = [](auto student, double rate) {
    using T = typename decltype(student)::value_type;
    const auto before = weights_of(student);
    trainer learning(student, mean_squared_error{}, sgd{.rate = rate});
    const auto x = make_matrix<T>(2, 4), y = make_matrix<T>(2, 3);
    const std::string message =
        message_of<argument_error>([&] { learning.step(x, matrix_view<const T>(y)); });
    CHECK(message == detail::text("trainer: the learning rate of epoch 0 is ", rate,
                                  ", expected a positive number"));
    CHECK(weights_of(student) == before);
    CHECK(learning.state().step == 0);
  };
  for (const double rate : {not_finite, infinity, -infinity, 0.0, -0.1}) {
    refused(random_net<net>(50), rate);
  }
  for (const double rate : {1e-50, 1e50}) refused(random_net<static_net<float>>(50), rate);
  auto student = random_net<net>(50);
  trainer learning(student, mean_squared_error{}, sgd{.rate = 1e-50});
  CHECK_NOTHROW(learning.step(make_matrix<double>(2, 4), as_rows(make_matrix<double>(2, 3))));
}

TEST_CASE("a student with weights that are not finite") {
  auto student = random_net<net>(1);
  student.layer<2>().weights()(1, 2) = infinity;
  CHECK(message_of<argument_error>([&] {
          trainer(student, mean_squared_error{}, sgd{.rate = 0.1});
        }) == "trainer: a layer has inf at row 1, column 2, expected finite numbers");
}

TEST_CASE("a freeze that is refused freezes nothing") {
  const lesson<double> data(8);
  auto student = random_net<net>(1);
  const auto before = weights_of(student);
  trainer learning(student, mean_squared_error{}, sgd{.rate = 0.1});
  learning.freeze(1);
  CHECK(message_of<argument_error>([&] { learning.freeze(2); }) ==
        "freeze: layer 2 is the last one that learns");
  CHECK(message_of<shape_error>([&] { learning.freeze(3); }) == "freeze: layer 3, expected 1 to 2");
  learning.step(as_rows(data.x), as_rows(data.y));
  CHECK(weights_of(student)[0] == before[0]);
  CHECK(weights_of(student)[1] != before[1]);
}

TEST_CASE("the optimizer is asked for its rate once an epoch") {
  const lesson<double> data(4);
  std::vector<std::size_t> asked;
  const auto rate = [&](std::size_t epoch) {
    asked.push_back(epoch);
    return epoch == 1 ? 0.25 : 0.1;
  };
  auto student = random_net<net>(1), expected = student;
  trainer learning(student, mean_squared_error{}, sgd{.rate = rate});
  CHECK(asked.empty());
  const auto step = [&](auto& of) { of.step(as_rows(data.x), as_rows(data.y)); };
  step(learning);
  step(learning);
  CHECK(learning.state().epoch_step == 2);
  CHECK(learning.state().epoch_loss > 0);
  learning.next_epoch();
  CHECK(learning.state().epoch == 1);
  CHECK(learning.state().epoch_step == 0);
  CHECK(learning.state().epoch_loss == 0);
  CHECK(learning.state().step == 2);
  CHECK(learning.rate() == 0.25);
  step(learning);
  step(learning);
  CHECK(asked == std::vector<std::size_t>{0, 1});
  trainer slow(expected, mean_squared_error{}, sgd{.rate = 0.1});
  step(slow);
  step(slow);
  trainer fast(expected, mean_squared_error{}, sgd{.rate = 0.25});
  step(fast);
  step(fast);
  CHECK(weights_of(student) == weights_of(expected));
}

TEST_CASE_TEMPLATE("2n steps are n steps, and n from the state they leave", Optimizer, sgd,
                   momentum_sgd, adam) {
  const lesson<double> data(40);
  const data_set samples(data.x, data.y);
  const auto check = [&](const learning_rate& rate, std::size_t steps, std::size_t together) {
    Optimizer optimizer{.rate = rate};
    optimizer.weight_decay = 0.01;
    // Steps, ten an epoch, from a source of its own.
    const auto go = [&](auto& learning, std::size_t count) {
      with_replacement batches(samples, {.batch = 5, .steps = 10, .seed = 3});
      for (std::size_t s = 0; s < count; ++s) {
        const auto& at = learning.state();
        if (at.epoch_step == 10) learning.next_epoch();
        const auto b = batches.next(at.epoch, at.epoch_step);
        learning.step(b.x, b.y);
      }
    };
    auto whole = random_net<net>(1), half = whole;
    trainer uninterrupted(whole, mean_squared_error{}, optimizer);
    uninterrupted.freeze(2);
    go(uninterrupted, steps + together);
    run_state<net, Optimizer> state;
    {
      trainer first(half, mean_squared_error{}, optimizer);
      first.freeze(2);
      go(first, steps);
      state = first.state();
    }
    auto other = half;  // weights are the network's
    trainer second(other, mean_squared_error{}, optimizer);
    second.resume(state);
    go(second, together);
    CHECK(weights_of(other) == weights_of(whole));
    CHECK(weights_of(other) != weights_of(half));
    CHECK(weights_of(other)[1] == weights_of(random_net<net>(1))[1]);
    CHECK(second.state().step == steps + together);
    CHECK(second.state().epoch == uninterrupted.state().epoch);
    CHECK(second.state().epoch_step == uninterrupted.state().epoch_step);
    CHECK(second.state().epoch_loss == uninterrupted.state().epoch_loss);
    CHECK(second.state().last_loss == uninterrupted.state().last_loss);
    std::vector<matrix<double>> kept, expected;
    const auto note = [](std::vector<matrix<double>>& list) {
      return [&](const auto& b) {
        auto m = make_matrix<double>(b.values.rows(), b.values.cols());
        for (std::size_t i = 0; i < b.values.rows(); ++i) {
          for (std::size_t k = 0; k < b.values.cols(); ++k) {
            m(i, k) = static_cast<double>(b.values(i, k));
          }
        }
        list.push_back(m);
      };
    };
    second.state().for_each_block("", note(kept));
    uninterrupted.state().for_each_block("", note(expected));
    CHECK(kept == expected);
  };
  for (const std::size_t n : {7U, 10U, 24U}) {
    check(0.05, n, n);
    check(step_rates("0:0.1,1:0.01,2:0.002"), n, n);
    check(halving_rate{0.1, 1}, n, n);
    check(cosine_rate{0.1, 6}, n, n);
  }
}

TEST_CASE("a state is named blocks, and what does not fit is refused") {
  const lesson<double> data(8);
  auto student = random_net<net>(1);
  trainer learning(student, mean_squared_error{}, adam{.rate = 0.1});
  learning.step(as_rows(data.x), as_rows(data.y));
  std::string names;
  learning.state().for_each_block("run.", [&](const auto& b) { names += b.name + ' '; });
  CHECK(names ==
        "run.epoch run.step run.epoch_step run.epoch_loss run.last_loss run.frozen "
        "run.optimizer.0.exp_avg run.optimizer.0.exp_avg_sq run.optimizer.0.step "
        "run.optimizer.1.exp_avg run.optimizer.1.exp_avg_sq run.optimizer.1.step ");
  const auto refused = [&](const auto& change) {
    auto state = learning.state();
    change(state);
    try {
      learning.resume(state);
    } catch (const std::exception& e) {
      CHECK(learning.state().optimizer[1].exp_avg.shape(0) == 7);
      CHECK(learning.state().step == 1);
      return std::string(e.what());
    }
    return std::string("taken");
  };
  CHECK(refused([](auto& s) { s.optimizer[1].exp_avg = make_matrix<double>(6, 3); }) ==
        "resume: optimizer.1.exp_avg is (6x3), expected (7x3)");
  CHECK(refused([](auto& s) { s.optimizer[0].exp_avg_sq(2, 1) = not_finite; }) ==
        "resume: optimizer.0.exp_avg_sq has nan at row 2, column 1, expected finite numbers");
  CHECK(refused([](auto& s) { s.epoch_loss = infinity; }) ==
        "resume: epoch_loss has inf at row 0, column 0, expected finite numbers");
  CHECK(refused([](auto& s) { s.frozen = {1, 1}; }) == "resume: every layer is frozen");
  CHECK(refused([](auto& s) { s.last_loss = infinity; }) == "taken");
  // Another optimizer's state is another type; of the same one, another network's.
  mlp<double, relu, dynamic, dynamic, dynamic> wide({4, 9, 3}), narrow({4, 6, 3});
  trainer of_wide(wide, mean_squared_error{}, momentum_sgd{.rate = 0.1});
  trainer of_narrow(narrow, mean_squared_error{}, momentum_sgd{.rate = 0.1});
  CHECK(message_of<shape_error>([&] { of_narrow.resume(of_wide.state()); }) ==
        "resume: optimizer.0.momentum_buffer is (5x9), expected (5x6)");
}
