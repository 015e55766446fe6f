#include <tutelage/train/checkpoint.hpp>

#include <doctest/doctest.h>
#include <sys/wait.h>

#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include <tutelage/core/parallel.hpp>
#include <tutelage/model/batch_norm.hpp>
#include <tutelage/model/gated.hpp>
#include <tutelage/train/batches.hpp>

#include "support/framed.hpp"
#include "support/guarded_bytes.hpp"
#include "support/lesson.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

// Batch normalization has buffers; Adam keeps two matrices and a count.
auto fresh_student() {
  network student(dense<double, dynamic, dynamic, identity>(4, 6), batch_norm<double>(6),
                  gated<relu>(), dense<double, dynamic, dynamic, identity>(6, 3));
  stream random(3, purpose::student);
  student.for_each_parameter([&](const auto& W) {
    for (std::size_t i = 0; i < W.rows(); ++i) random.fill_normal(W.row(i), 0.0, 0.5);
  });
  return student;
}
using student_type = decltype(fresh_student());

struct experiment {
  lesson<double> of{40};
  data_set<matrix<double>, matrix<double>> data{of.x, of.y};
  student_type student = fresh_student();
  trainer<student_type, mean_squared_error, adam> learning{student, {}, {.rate = 0.01}, 7};

  template <class... Hooks>
  void train_for(std::size_t epochs, Hooks&&... hooks) {
    train(learning, shuffled(data, {.batch = 8, .seed = 7}), {.epochs = epochs},
          hooks...);  // 5 steps an epoch
  }
  // All bits of the run.
  [[nodiscard]] std::string bits() const {
    return detail::checkpoint_content(student, learning.state(), "");
  }
};

std::string content_of(const std::string& path) {
  const mapped_file file(path);
  return {file.bytes().begin(), file.bytes().end()};
}

// Stops a run as a hook.
struct stop_at {
  std::uint64_t step;
  std::stop_source* source;
  template <class Network, class Optimizer>
  void on_step(const step_report<Network, Optimizer>& r) const {
    if (r.step == step) source->request_stop();
  }
};

// What a caller keeps beside a run.
struct record {
  matrix<double> numbers;
  std::uint64_t count = 0;
  void for_each_block(const std::string& prefix, const auto& visit) {
    visit(block<double>{prefix + "numbers", {numbers.shape(0), numbers.shape(1)}, numbers});
    visit(detail::number_block(prefix + "count", count));
  }
  void for_each_block(const std::string& prefix, const auto& visit) const {
    visit(block<const double>{prefix + "numbers", {numbers.shape(0), numbers.shape(1)}, numbers});
    visit(detail::number_block(prefix + "count", count));
  }
};

}  // namespace

TEST_CASE("checkpoint: a run that goes on ends in the bits of one that never stopped") {
  const temporary_folder folder;
  const std::string path = folder / "run";
  experiment whole;
  whole.train_for(6);
  for (const std::uint64_t stopped : {1U, 4U, 5U, 6U, 13U, 30U}) {
    for (const std::uint64_t every : {1U, 3U, 5U}) {
      CAPTURE(stopped);
      CAPTURE(every);
      std::filesystem::remove(path);
      {
        experiment first;
        CHECK_FALSE(resume_from(path, first.learning));
        std::stop_source source;
        train(first.learning, shuffled(first.data, {.batch = 8, .seed = 7}),
              {.epochs = 6, .stop = source.get_token()}, checkpoint_to(path, every),
              stop_at{stopped, &source});
      }
      experiment second;
      const bool there = resume_from(path, second.learning);
      CHECK(there == (stopped >= every));
      if (there) CHECK(second.learning.state().step == stopped / every * every);
      // The rest on another thread.
      std::jthread([&] { second.train_for(6); }).join();
      CHECK(second.bits() == whole.bits());
    }
  }
}

TEST_CASE("checkpoint: all optimizers and scalars, frozen layers") {
  const temporary_folder folder;
  const auto check = [&](auto optimizer, auto scalar) {
    using T = decltype(scalar);
    using net = mlp<T, relu, 4, 6, 3>;
    const lesson<T> of(40);
    const data_set data(of.x, of.y);
    const std::string path = folder / "run";
    const auto run = [&](std::size_t epochs, bool resume) {
      net student = random_net<net>(9);
      trainer learning(student, mean_squared_error{}, optimizer, 7);
      if (resume)
        CHECK(resume_from(path, learning, "text"));
      else
        learning.freeze(1);
      train(learning, shuffled(data, {.batch = 8, .seed = 7}), {.epochs = epochs});
      write_checkpoint(path, student, learning.state(), "text");
      return content_of(path);
    };
    const auto whole = run(4, false);
    run(2, false);
    CHECK(run(4, true) == whole);
  };
  check(sgd{.rate = 0.1}, double{});
  check(momentum_sgd{.rate = 0.1}, float{});
  check(adam{.rate = 0.01}, float{});
}

TEST_CASE("checkpoint: any damage is seen, and the run is as it was") {
  const temporary_folder folder;
  const std::string path = folder / "run";
  mlp<double, relu, 1, 1, 1> student;  // small: each bit is tried
  trainer learning(student, mean_squared_error{}, sgd{.rate = 0.01});
  write_checkpoint(path, student, learning.state(), "rate 0.01");
  const std::string content = content_of(path);
  const auto parse = [](std::span<const unsigned char> bytes) {
    try {
      detail::parse_checkpoint(bytes, "file", "rate 0.01");
    } catch (const argument_error&) {  // a configuration that is another
      throw format_error("file", 0, "configuration", "another");
    }
  };
  CHECK(refusal(parse, content).empty());
  CHECK(first_beginning_read(parse, content) == content.size());
  CHECK(flips_read(parse, content) == 0);

  experiment run, other;
  run.train_for(1);
  write_checkpoint(path, run.student, run.learning.state(), "rate 0.01");
  std::string changed = content_of(path);
  const std::string before = other.bits();
  changed.back() = static_cast<char>(changed.back() ^ 1);
  const auto e = thrown_by<format_error>(
      [&] { resume_from(folder.write("bad", changed), other.learning, "rate 0.01"); });
  CHECK(e.field() == "checksum");
  CHECK(message_of<argument_error>([&] { resume_from(path, other.learning, "rate 0.02"); }) ==
        "resume_from: " + path +
            " is of another run: its configuration 'rate 0.01', expected 'rate 0.02'");
  CHECK(other.bits() == before);
  CHECK(resume_from(path, other.learning, "rate 0.01"));
  CHECK(other.bits() == run.bits());
}

TEST_CASE("checkpoint: of another network, optimizer or scalar, or none at all") {
  const temporary_folder folder;
  const std::string path = folder / "run";
  mlp<double, relu, 4, 6, 3> student = random_net<mlp<double, relu, 4, 6, 3>>(9);
  trainer written(student, mean_squared_error{}, momentum_sgd{.rate = 0.1});
  write_checkpoint(path, student, written.state());
  const auto refused = [&](auto other, auto optimizer) {
    const auto before = other;
    trainer learning(other, mean_squared_error{}, optimizer);
    const std::string what = message_of<format_error>([&] { resume_from(path, learning); });
    bool same = true;
    for (std::size_t i = 0; i < other.template layer<1>().weights().rows(); ++i) {
      same = same && std::ranges::equal(other.template layer<1>().weights().row(i),
                                        before.template layer<1>().weights().row(i));
    }
    CHECK(same);
    return what.substr(what.find("byte ") + 5);
  };
  CHECK(refused(mlp<double, relu, 4, 7, 3>(), momentum_sgd{.rate = 0.1})
            .find("student.0.weight: (6, 4) of float64, expected student.0.weight (7, 4)") !=
        std::string::npos);
  CHECK(refused(mlp<float, relu, 4, 6, 3>(), momentum_sgd{.rate = 0.1})
            .find("(6, 4) of float64, expected student.0.weight (6, 4) of float32") !=
        std::string::npos);
  CHECK(refused(mlp<double, relu, 4, 6, 3>(), sgd{.rate = 0.1})
            .find("run.optimizer.0.momentum_buffer: the run has no place for it") !=
        std::string::npos);
  CHECK(refused(mlp<double, relu, 4, 6, 3>(), adam{.rate = 0.1})
            .find("expected run.optimizer.0.exp_avg (5, 6)") != std::string::npos);
  save(path, student);
  CHECK(refused(mlp<double, relu, 4, 6, 3>(), sgd{.rate = 0.1}).find("checksum: is not there") !=
        std::string::npos);
  trainer learning(student, mean_squared_error{}, sgd{.rate = 0.1});
  CHECK(thrown_by<io_error>([&] { resume_from(folder / "", learning); }).operation() == "read");
  CHECK(message_of<argument_error>([&] { checkpoint_to("x", 0); }) ==
        "checkpoint_to: every is 0, expected at least 1");
}

TEST_CASE("checkpoint: a record is kept beside the run, and goes back with it") {
  const temporary_folder folder;
  const std::string path = folder / "run";
  experiment run, other;
  const double none = not_a_number<double>;  // of what has not happened yet
  record kept{{{0, 1}, {none, 2}}, 7}, read{{{0, 0}, {0, 0}}, 0}, wide{{{1, 2, 3}}, 4};
  run.train_for(2, checkpoint_to(path, 5, "a\nb 1\nc", kept));
  CHECK(resume_from(path, other.learning, "a\nb 1\nc", read));
  CHECK(other.learning.state().step == 10);
  other.train_for(2);  // no step, but the epoch's end
  CHECK(other.bits() == run.bits());
  CHECK(read.count == 7);
  CHECK(read.numbers(0, 1) == 1);
  CHECK(std::isnan(read.numbers(1, 0)));
  // What is refused leaves both as they were.
  experiment third;
  const std::string before = third.bits();
  CHECK(thrown_by<format_error>([&] {
          resume_from(path, third.learning, "a\nb 1\nc", wide);
        }).field() == "record.numbers");
  CHECK(thrown_by<format_error>([&] { resume_from(path, third.learning, "a\nb 1\nc"); }).field() ==
        "record.numbers");
  const auto refused = [&](const char* configuration) {
    const auto what =
        message_of<argument_error>([&] { resume_from(path, third.learning, configuration, read); });
    return what.substr(what.find("run: ") + 5);
  };
  CHECK(refused("a\nb 2\nc") == "its configuration 'b 1', expected 'b 2'");
  CHECK(refused("a\nb 1") == "its configuration 'c', expected ''");
  CHECK(refused("a\nb 1\nc\nd") == "its configuration '', expected 'd'");
  CHECK(refused("") == "its configuration 'a', expected ''");
  CHECK(third.bits() == before);
  CHECK(wide.numbers(0, 2) == 3);
  CHECK(read.count == 7);
}

TEST_CASE(
    "checkpoint: a process that is killed at any moment, and started again until it is done") {
  const temporary_folder folder;
  experiment whole;
  const std::size_t epochs = 20;
  whole.train_for(epochs);
  const char* const more = std::getenv("TUTELAGE_KILLS");  // 100, by hand
  const int runs = more == nullptr ? 2 : std::atoi(more);
  stream random(11, purpose::analysis);
  int kills = 0;
  for (int run = 0; run < runs; ++run) {
    const std::string path = folder / ("run" + std::to_string(run));
    std::uint64_t longest = 15'000;  // microseconds; longer each time, on a busy machine too
    for (bool done = false; !done; longest += longest / 8) {
      const ::pid_t child = ::fork();
      REQUIRE(child >= 0);
      if (child == 0) {
        experiment again;
        resume_from(path, again.learning);
        again.train_for(epochs, checkpoint_to(path, 2));
        write_checkpoint(path, again.student, again.learning.state());
        ::_exit(0);
      }
      std::this_thread::sleep_for(std::chrono::microseconds(random.below(longest)));
      ::kill(child, SIGKILL);
      int status = 0;
      REQUIRE(::waitpid(child, &status, 0) == child);
      done = WIFEXITED(status);
      if (done) CHECK(WEXITSTATUS(status) == 0);
      kills += done ? 0 : 1;
    }
    CHECK(content_of(path) == whole.bits());
  }
  MESSAGE(kills, " kills in ", runs, " runs");
  CHECK(kills > 0);
}
