// sweep on many machines: what mpirun -n 64 sweep becomes. Rank 0 hands out jobs, one at a time to
// whoever is free, and does some itself; each rank has a journal of its own.
#include <mpi.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <thread>

#include "common/interrupt.hpp"
#include "common/program.hpp"
#include "sweep/launcher.hpp"
#include "sweep/report.hpp"
#include "sweep/sweep.hpp"

namespace {

using namespace examples;

enum tag : int {
  ask,    // to rank 0: I am free; text: the outcome of my last job, or nothing
  end,    // to rank 0: my journal is closed; text: what went wrong, or nothing
  answer  // to a rank: a job; nothing: end
};

struct message {
  int from = 0, tag = 0;
  std::string text;
};

void send(int to, tag kind, const std::string& text) {
  MPI_Send(text.data(), static_cast<int>(text.size()), MPI_BYTE, to, kind, MPI_COMM_WORLD);
}

// MPI waits by spinning, which would cost the run beside it its core.
std::optional<message> receive() {
  int there = 0;
  MPI_Status status;
  MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &there, &status);
  if (there == 0) return std::nullopt;
  int size = 0;
  MPI_Get_count(&status, MPI_BYTE, &size);
  message m{status.MPI_SOURCE, status.MPI_TAG, std::string(static_cast<std::size_t>(size), '\0')};
  MPI_Recv(m.text.data(), size, MPI_BYTE, m.from, m.tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  return m;
}

// Looks for a message often at first, later once a millisecond.
class patience {
 public:
  void wait() {
    std::this_thread::sleep_for(std::chrono::microseconds(wait_));
    wait_ = std::min(2 * wait_, 1000);
  }
  void end() { wait_ = 20; }

 private:
  int wait_ = 20;
};

// Rank 0's side of the ranks that have not ended.
class desk {
 public:
  explicit desk(int ranks) : open_(ranks - 1) {}

  // Hands out jobs until all ranks have ended and `also` holds.
  void serve(work_list* jobs, const std::function<bool()>& also) {
    patience idle;
    while (open_ > 0 || !also()) {
      const auto m = receive();
      if (!m) {
        idle.wait();
        continue;
      }
      idle.end();
      if (m->tag == end) {
        --open_;
        if (jobs != nullptr && !m->text.empty()) {
          jobs->stop("rank " + std::to_string(m->from) + ": " + m->text);
        }
        continue;
      }
      send(m->from, answer, jobs != nullptr ? next_of(*jobs, m->text) : "");
    }
  }

 private:
  // Whoever asks gets an answer.
  static std::string next_of(work_list& jobs, const std::string& last) {
    try {
      if (!last.empty()) jobs.report(outcome_of(last));
      const auto work = jobs.next();
      return work ? to_text(*work) : "";
    } catch (const std::exception& problem) {
      jobs.stop(plain_message(problem));
      return "";
    }
  }

  int open_;
};

int lead(const sweep_options& o, int ranks) {
  desk others(ranks);
  const int code = run_guarded("sweep", [&] {
    if (o.threads > 1) {
      throw std::runtime_error("--threads: each rank does one run at a time; start more ranks");
    }
    run_sweep(o, [&](work_list& jobs, job_worker& own) {
      std::atomic<bool> own_ended = false;
      std::jthread beside([&] {
        work_through(jobs, own);
        own_ended = true;
      });
      others.serve(&jobs, [&] { return own_ended.load(); });
    });
    write_report(o.out, o.report, o.quiet);
    check_failures(o);
  });
  others.serve(nullptr, [] { return true; });  // when there was no work
  return code;
}

void follow(const sweep_options& o, int rank) {
  subprocesses started;
  const on_interrupt silent([&]() -> std::string {
    started.stop();
    std::_Exit(EXIT_FAILURE);  // rank 0 speaks for all
  });
  std::string problem;
  try {
    std::optional<journal> rows;
    std::optional<job_worker> worker;
    std::string last;
    for (;;) {
      send(0, ask, last);
      patience idle;
      auto m = receive();
      for (; !m; m = receive()) idle.wait();
      if (m->text.empty()) break;
      if (!rows) {
        rows.emplace(o.out, static_cast<std::size_t>(rank));
        worker.emplace(*rows, started);
      }
      last = to_text(worker->run(job_of(m->text)));
    }
  } catch (const std::exception& what) {
    problem = plain_message(what);
  }
  send(0, end, problem);
}

}  // namespace

int main(int argc, char** argv) {
  sweep_options o;
  if (const auto code = parse_on_rank(argc, argv, o)) return *code;
  int given = 0, rank = 0, ranks = 1;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &given);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  int code = 0;
  if (rank == 0) {
    code = lead(o, ranks);
  } else {
    follow(o, rank);
  }
  MPI_Finalize();
  return code;
}
