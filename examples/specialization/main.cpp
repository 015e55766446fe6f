// The main example: a teacher, an over-realized student trained on its outputs, and who specialized
// to whom (arXiv:1909.13458, Section 7). specialization --help lists everything that can be asked.
#include <cstdio>
#include <iostream>

#include <tutelage/core/files.hpp>

#include "common/arguments.hpp"
#include "common/interrupt.hpp"
#include "common/program.hpp"
#include "common/progress.hpp"
#include "specialization/experiment.hpp"
#include "specialization/report.hpp"

namespace {

using namespace examples;

class terminal_observer : public run_observer {
 public:
  explicit terminal_observer(const options& o)
      : quiet_(o.quiet), progress_(std::max<std::size_t>(1, o.epochs * o.seeds.size()), o.quiet) {}

  void epoch_done(double eval_loss, double rho_mean) override {
    char note[80];
    std::snprintf(note, sizeof note, "loss %.3g  rho_mean %.4f", eval_loss, rho_mean);
    progress_.advance(note);
  }
  void teacher_trained(std::uint64_t seed, double accuracy) override {
    if (quiet_) return;
    std::fprintf(stderr, "teacher of seed %llu: test accuracy %.2f%%\n",
                 static_cast<unsigned long long>(seed), 100 * accuracy);
  }

 private:
  bool quiet_;
  progress progress_;
};

}  // namespace

int main(int argc, char** argv) {
  options o;
  if (const auto code = parse(argc, argv, o)) return *code;
  const on_interrupt said([&] {
    return o.checkpoint.empty()
               ? std::string("specialization: ") + nothing_kept
               : "specialization: stopped; what was done until the last checkpoint is kept in " +
                     o.checkpoint + ".*: the same command goes on";
  });
  return run_guarded("specialization", [&] {
    std::vector<run_result> runs;
    {
      terminal_observer observer(o);
      runs = run_all(o, observer);
    }
    const auto files = o.out.empty() ? std::vector<std::string>() : write_files(o, runs);
    const bool json_to_output = is_standard_output(o.json);
    if (!o.quiet) {
      std::ostream& out = json_to_output ? std::cerr : std::cout;
      print_table(out, o, runs);
      for (const auto& file : files) out << "wrote " << file << '\n';
    }
    if (json_to_output) {
      std::cout << to_json(o, runs) << '\n';
    } else if (!o.json.empty()) {
      tutelage::write_file(o.json, to_json(o, runs) + "\n");
    }
  });
}
