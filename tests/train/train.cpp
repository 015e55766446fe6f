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

#include "support/close_to.hpp"
#include "support/lesson.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"
#include "support/weights.hpp"

namespace {

using namespace test;

using net = static_net<double>;

constexpr double not_finite = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

// A hook that writes down everything.
struct log_hook {
  std::string name;
  std::vector<std::string>* lines;
  template <class Network, class Optimizer>
  void on_step(const step_report<Network, Optimizer>& r) {
    lines->push_back(detail::text(name, " step ", r.step, " of epoch ", r.epoch));
  }
  template <class Network, class Optimizer>
  void on_epoch(const epoch_report<Network, Optimizer>& r) {
    lines->push_back(detail::text(name, " epoch ", r.epoch, " after ", r.step, " at ", r.rate));
  }
};

// What hooks are told, whatever the optimizer.
struct step_of {
  net& student;
  std::size_t epoch;
  std::uint64_t step;
  double loss;
};
struct epoch_of {
  std::size_t epoch;
  double train_loss;
};

// Hooks of any kind as one type, for fewer kinds of training to compile.
struct told {
  std::function<void(const step_of&)> step;
  std::function<void(const epoch_of&)> epoch;
  void on_step(const auto& r) const {
    if (step) step({r.student, r.epoch, r.step, r.loss});
  }
  void on_epoch(const auto& r) const {
    if (epoch) epoch({r.epoch, r.train_loss});
  }
};

// train() of `net` for the squared error.
template <class Batches, class Optimizer>
std::uint64_t learn(net& student, Batches&& batches, const Optimizer& optimizer,
                    const train_settings& settings, const told& hook = {}) {
  return train(student, batches, mean_squared_error{}, optimizer, settings, hook);
}

// Appends each epoch's loss to `losses`.
told note_losses(std::vector<double>& losses) {
  return {{}, [&](const epoch_of& r) { losses.push_back(r.train_loss); }};
}

// The weights, the loss and the number of the last step.
struct last_step {
  std::vector<matrix<long double>> weights;
  double loss = infinity;
  std::uint64_t step = 0;
  told hook() {
    return {[this](const step_of& r) {
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

TEST_CASE("training is the trainer's steps on the source's batches") {
  const lesson<double> data(40);
  const data_set samples(data.x, data.y);
  const momentum_sgd optimizer{
      .rate = step_rates("0:0.1,2:0.05"), .momentum = 0.8, .weight_decay = 0.01};
  auto expected = random_net<net>(1), student = expected;
  trainer learning(expected, mean_squared_error{}, optimizer);
  std::vector<double> losses;
  shuffled batches(samples, {.batch = 16, .seed = 5});
  for (std::size_t epoch = 0; epoch < 3; ++epoch) {
    for (std::size_t s = 0; s < 3; ++s) {
      const auto b = batches.next(epoch, s);
      losses.push_back(learning.step(b.x, b.y));
      CHECK(learning.state().step == losses.size());
    }
    learning.next_epoch();
  }
  std::vector<double> epoch_losses;
  on_epoch_end note([&](const auto& r) { epoch_losses.push_back(r.train_loss); });
  CHECK(train(student, batches, mean_squared_error{}, optimizer, {.epochs = 3}, note) == 9);
  CHECK(weights_of(student) == weights_of(expected));
  REQUIRE(epoch_losses.size() == 3);
  for (std::size_t epoch = 0; epoch < 3; ++epoch) {
    CHECK(epoch_losses[epoch] ==
          (losses[3 * epoch] + losses[3 * epoch + 1] + losses[3 * epoch + 2]) / 3);
  }
}

TEST_CASE("small steps over the whole set make the loss smaller every time") {
  const lesson<double> data(100);
  const data_set samples(data.x, data.y);
  auto student = random_net<net>(6);
  std::vector<double> losses;
  learn(student, full_batch(samples), sgd{.rate = 0.02}, {.epochs = 300}, note_losses(losses));
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
  const auto check = [&](auto&& batches, const auto& optimizer) {
    auto student = random_net<net>(7);
    const double before = mean_loss(student, evaluation, mean_squared_error{});
    learn(student, batches, optimizer, {.epochs = 8});
    CHECK(mean_loss(student, evaluation, mean_squared_error{}) < 0.1 * before);
  };
  check(with_replacement(samples, settings), sgd{.rate = 0.05});
  check(shuffled(samples, {.batch = 4, .seed = 1}), momentum_sgd{.rate = 0.005});
  check(fresh_each_step(teacher, gaussian_inputs{}, settings), adam{.rate = 0.01});
  check(fresh_each_epoch(teacher, gaussian_inputs{}, 200, settings),
        sgd{.rate = 0.05, .weight_decay = 1e-4});
}

TEST_CASE("labels: a student learns the teacher's answers") {
  const lesson<double> data(300);
  const data_set samples(data.x, argmax(data.y));
  auto student = random_net<net>(7);
  const double before = mean_loss(student, samples, cross_entropy{});
  CHECK(accuracy(student, samples) < 0.7);
  std::vector<double> losses;
  train(student, shuffled(samples, {.batch = 16, .seed = 1}), cross_entropy{}, sgd{.rate = 0.1},
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
    void on_step(const step_report<net, sgd>& r) const {
      losses->push_back(r.loss);
      CHECK(&r.student == student);
    }
  };
  struct only_epochs {
    std::vector<double>* losses;
    net* student;
    void on_epoch(const epoch_report<net, sgd>& r) const {
      losses->push_back(r.train_loss);
      CHECK(&r.student == student);
    }
  };
  static_assert(train_hook<log_hook, net, sgd> && train_hook<only_steps, net, sgd> &&
                train_hook<only_epochs, net, sgd> && train_hook<const only_epochs&, net, sgd> &&
                !train_hook<int, net, sgd>);
  log_hook first{"first", &lines};
  CHECK(train(student, shuffled(samples, {.batch = 30, .seed = 1}), mean_squared_error{},
              sgd{.rate = step_rates("0:0.5,1:0.25")}, {.epochs = 2}, first,
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
  CHECK(train(student, full_batch(samples), mean_squared_error{}, sgd{.rate = 0.01}, {.epochs = 0},
              first) == 0);
  CHECK(lines.size() == 12);
  CHECK(weights_of(student) == before);
}

TEST_CASE("a step is told its loss before the step, and the student after it") {
  const lesson<double> data(20);
  const data_set samples(data.x, data.y);
  auto student = random_net<net>(1);
  double before = mean_loss(student, samples, mean_squared_error{});
  std::size_t steps = 0;
  const auto on_step = [&](const step_of& r) {
    CHECK(r.loss == before);  // one chunk: the same batch, so the same bits
    before = mean_loss(r.student, samples, mean_squared_error{});
    CHECK(before != r.loss);
    ++steps;
  };
  learn(student, full_batch(samples, 3), sgd{.rate = 0.1}, {.epochs = 2}, {on_step, {}});
  CHECK(steps == 6);
}

TEST_CASE("a stop token stops training after the step") {
  const lesson<double> data(40);
  const data_set samples(data.x, data.y);
  for (const std::uint64_t last : {1U, 3U, 4U, 5U}) {
    std::stop_source source;
    std::uint64_t steps_told = 0, epochs_told = 0;
    auto student = random_net<net>(1), expected = student;
    const told hook{[&](const step_of& r) {
                      steps_told = r.step;
                      if (r.step == last) source.request_stop();
                    },
                    [&](const epoch_of& r) { epochs_told = r.epoch; }};
    CHECK(learn(student, shuffled(samples, {.batch = 10, .seed = 1}), sgd{.rate = 0.1},
                {.epochs = 5, .frozen = {}, .stop = source.get_token()}, hook) == last);
    // Hooks are told of the last step. An epoch that was stopped has not ended.
    CHECK(steps_told == last);
    CHECK(epochs_told == (last - 1) / 4);
    trainer learning(expected, mean_squared_error{}, sgd{.rate = 0.1});
    shuffled batches(samples, {.batch = 10, .seed = 1});
    for (std::size_t s = 0; s < last; ++s) {
      const auto b = batches.next(s / 4, s % 4);
      learning.step(b.x, b.y);
    }
    CHECK(weights_of(student) == weights_of(expected));
  }
  // Asked before every epoch: also before the first.
  std::stop_source source;
  source.request_stop();
  auto student = random_net<net>(1);
  CHECK(learn(student, shuffled(samples, {.batch = 10, .seed = 1}), sgd{.rate = 0.1},
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
    const std::uint64_t done =
        train(student, full_batch(samples, steps), mean_squared_error{},
              momentum_sgd{.rate = 0.05, .weight_decay = 0.01}, {.epochs = 1, .frozen = frozen});
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
}

TEST_CASE("normalize_after_step keeps a layer's columns at unit norm") {
  const lesson<double> data(40);
  const data_set samples(data.x, data.y);
  CHECK(normalize_after_step{}.layer == 1);
  for (const std::size_t layer : {1U, 2U}) {
    const auto check = [&](const step_of& r) {
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
    const told hook{[&](const step_of& r) {
                      check(r);
                      ++steps;
                    },
                    {}};
    train(student, full_batch(samples, 10), mean_squared_error{}, sgd{.rate = 0.1}, {.epochs = 2},
          normalize_after_step{layer}, hook);
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
        [&] { learn(student, batches, sgd{.rate = rate}, {.epochs = 10}, last.hook()); });
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

TEST_CASE("settings that mean nothing") {
  const lesson<double> data(20);
  const data_set samples(data.x, data.y);
  auto student = random_net<net>(1);
  const auto before = weights_of(student);
  const auto refused = [&](const auto& optimizer) {
    return message_of<argument_error>(
        [&] { learn(student, full_batch(samples), optimizer, {.epochs = 1}); });
  };
  CHECK(refused(sgd{.rate = 0.1, .weight_decay = -0.1}) ==
        "sgd: weight_decay is -0.1, expected a finite number from 0 on");
  CHECK(refused(momentum_sgd{.rate = 0.1, .momentum = 1}) ==
        "momentum_sgd: momentum is 1, expected a number in [0, 1)");
  CHECK(refused(adam{.rate = 0.1, .beta1 = 1}) == "adam: beta1 is 1, expected a number in [0, 1)");
  student.layer<2>().weights()(1, 2) = not_finite;
  CHECK(refused(sgd{.rate = 0.1}) ==
        "trainer: a layer has nan at row 1, column 2, expected finite numbers");
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
          learn(student, batches, sgd{.rate = 0.1}, {.epochs = 1});
        }) == "train: an epoch has 0 steps, expected at least 1");
}

TEST_CASE("stopping in on_epoch takes no further step") {
  const lesson<double> data(20);
  const data_set samples(data.x, data.y);
  std::stop_source source;
  auto student = random_net<net>(1);
  const told hook{{}, [&](const epoch_of& r) {
                    if (r.epoch == 2) source.request_stop();
                  }};
  CHECK(learn(student, full_batch(samples, 3), sgd{.rate = 0.1},
              {.epochs = 5, .frozen = {}, .stop = source.get_token()}, hook) == 6);
}

TEST_CASE("a rate that is no positive number") {
  const lesson<double> data(20);
  const data_set samples(data.x, data.y);
  for (const double wrong : {not_finite, infinity, -infinity, 0.0, -0.1}) {
    auto student = random_net<net>(1);
    last_step last;
    const auto rate = [&](std::size_t epoch) { return epoch == 2 ? wrong : 0.1; };
    CHECK(message_of<argument_error>([&] {
            learn(student, full_batch(samples, 3), sgd{.rate = rate}, {.epochs = 5}, last.hook());
          }) == detail::text("trainer: the learning rate of epoch 2 is ", wrong,
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
    const std::string message =
        message_of<shape_error>([&] { learn(student, batches, sgd{.rate = 0.1}, {.epochs = 1}); });
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
          train(student, wrong_label, cross_entropy{}, sgd{.rate = 0.1}, {.epochs = 1});
        }) == "cross_entropy: label 3, expected one below 3");
  CHECK(weights_of(student) == before);
}

TEST_CASE("same seed, same bits, on any number of threads") {
  const auto teacher = random_net<net>(50);
  const auto run = [&](std::size_t i) {
    net student;
    initialize(student, linear_default_start{}, i);
    learn(student,
          fresh_each_step(teacher, gaussian_inputs{}, {.batch = 16, .steps = 50, .seed = i}),
          sgd{.rate = 0.01}, {.epochs = 4});
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
    train(student, shuffled(samples, {.batch = 16, .seed = 1}), mean_squared_error{}, optimizer,
          {.epochs = 5});
    return weights_of(student);
  };
  CHECK(trained(dynamic_net<float>(widths), sgd{.rate = 0.05}) ==
        trained(static_net<float>(widths), sgd{.rate = 0.05}));
  CHECK(trained(mixed_net<double>(widths), sgd{.rate = 0.05}) ==
        trained(static_net<double>(widths), sgd{.rate = 0.05}));
  CHECK(trained(dynamic_net<double>(widths), adam{.rate = 0.05}) ==
        trained(static_net<double>(widths), adam{.rate = 0.05}));
}

TEST_CASE("at zero loss nothing moves") {
  const auto teacher = random_net<net>(50);
  const auto before = weights_of(teacher);
  const auto check = [&](const auto& optimizer) {
    auto student = teacher;
    std::vector<double> losses;
    learn(student, fresh_each_step(teacher, gaussian_inputs{3}, {.batch = 16, .steps = 20}),
          optimizer, {.epochs = 2}, note_losses(losses));
    CHECK(losses == std::vector<double>{0, 0});
    CHECK(weights_of(student) == before);
  };
  check(sgd{.rate = 0.5});
  check(momentum_sgd{.rate = 0.5});
  check(adam{.rate = 0.5});
}

TEST_CASE_TEMPLATE("a run that was stopped goes on to the same bits, and tells hooks the same",
                   Optimizer, sgd, momentum_sgd, adam) {
  const lesson<double> data(40);
  const data_set samples(data.x, data.y);
  const Optimizer optimizer{.rate = step_rates("0:0.05,1:0.01,3:0.02")};
  const shuffle_settings batches{.batch = 10, .seed = 4};  // 4 steps an epoch
  auto expected = random_net<net>(1);
  std::vector<std::string> all;
  train(expected, shuffled(samples, batches), mean_squared_error{}, optimizer, {.epochs = 4},
        log_hook{"run", &all});
  // In the middle of an epoch, after its last step, and between two epochs.
  for (const std::uint64_t last : {1U, 6U, 8U, 15U}) {
    for (const bool from_epoch : {false, true}) {
      if (from_epoch && last % 4 != 0) continue;
      auto student = random_net<net>(1);
      std::vector<std::string> lines;
      run_state<net, Optimizer> state;
      {
        std::stop_source source;
        struct stopper {
          std::stop_source* source;
          run_state<net, Optimizer>* state;
          std::uint64_t step, epoch;
          void on_step(const step_report<net, Optimizer>& r) const {
            if (r.step == step) stop(r.state);
          }
          void on_epoch(const epoch_report<net, Optimizer>& r) const {
            if (r.epoch == epoch) stop(r.state);
          }
          void stop(const run_state<net, Optimizer>& now) const {
            *state = now;
            source->request_stop();
          }
        };
        const stopper stop{&source, &state, from_epoch ? 99 : last, from_epoch ? last / 4 : 99};
        train(student, shuffled(samples, batches), mean_squared_error{}, optimizer,
              {.epochs = 4, .frozen = {}, .stop = source.get_token()}, log_hook{"run", &lines},
              stop);
        CHECK(state.step == last);
      }
      auto other = student;
      trainer learning(other, mean_squared_error{}, optimizer, 4);
      learning.resume(state);
      CHECK(train(learning, shuffled(samples, batches), {.epochs = 4}, log_hook{"run", &lines}) ==
            16);
      CHECK(weights_of(other) == weights_of(expected));
      CHECK(lines == all);
      CHECK(train(learning, shuffled(samples, batches), {.epochs = 4}) == 16);  // done
    }
  }
}

TEST_CASE("hooks are told a mean over the whole epoch, also one that was interrupted") {
  const lesson<double> data(40);
  const data_set samples(data.x, data.y);
  const shuffle_settings batches{.batch = 10};
  std::vector<double> expected, losses;
  auto student = random_net<net>(1), other = student;
  train(student, shuffled(samples, batches), mean_squared_error{}, sgd{.rate = 0.1}, {.epochs = 2},
        note_losses(expected));
  trainer learning(other, mean_squared_error{}, sgd{.rate = 0.1});
  std::stop_source source;
  const told stop{[&](const step_of& r) {
                    if (r.step == 3) source.request_stop();
                  },
                  {}};
  train(learning, shuffled(samples, batches),
        {.epochs = 2, .frozen = {}, .stop = source.get_token()}, stop);
  CHECK(learning.state().epoch_step == 3);
  train(learning, shuffled(samples, batches), {.epochs = 2}, note_losses(losses));
  CHECK(losses == expected);
}

TEST_CASE("an epoch that is shorter than what was done of it") {
  const lesson<double> data(40);
  const data_set samples(data.x, data.y);
  auto student = random_net<net>(1);
  trainer learning(student, mean_squared_error{}, sgd{.rate = 0.1});
  for (int i = 0; i < 3; ++i) learning.step(as_rows(data.x), as_rows(data.y));
  const auto before = weights_of(student);
  CHECK(message_of<argument_error>([&] { train(learning, full_batch(samples, 2)); }) ==
        "train: 3 steps of epoch 0 are done, it has 2");
  CHECK(weights_of(student) == before);
}

TEST_CASE("settings have defaults where no hook follows") {
  const lesson<double> data(20);
  const data_set samples(data.x, data.y);
  auto student = random_net<net>(1);
  CHECK(train(student, full_batch(samples), mean_squared_error{}, sgd{.rate = 0.1}) == 20);
}

TEST_CASE("normalize_after_step of a layer that is not there") {
  auto student = random_net<net>(50);
  const run_state<net, sgd> state;
  const step_report<net, sgd> report{student, state, 0, 1, 0.0};
  for (const std::size_t l : {0U, 3U}) {
    CHECK(message_of<shape_error>([&] { normalize_after_step{l}.on_step(report); }) ==
          detail::text("normalize_after_step: layer ", l, ", expected 1 to 2"));
  }
}
