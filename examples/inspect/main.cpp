// Any pair of networks from files, analysed: who does what, what is proved, what can go. One network
// is described, two students are compared. inspect --help lists everything that can be asked.
#include <cmath>
#include <iostream>

#include <tutelage/core/errors.hpp>
#include <tutelage/core/files.hpp>

#include "common/arguments.hpp"
#include "common/interrupt.hpp"
#include "common/output_folder.hpp"
#include "common/program.hpp"
#include "inspect/files.hpp"
#include "inspect/report.hpp"

namespace {

using namespace examples;

double slope_of(const std::string& gate) {
  if (gate == "relu") return 0;
  const auto parts = split(gate, ':');
  const auto slope =
      parts.size() == 2 && parts[0] == "leaky" ? to_number<double>(parts[1]) : std::nullopt;
  if (!slope || !(*slope >= 0 && *slope < 1)) {
    throw CLI::ValidationError("--gate", "is relu or leaky:c with c in [0, 1); got " + gate);
  }
  return *slope;
}

// All files' networks have the first one's depth, inputs and outputs.
std::vector<std::size_t> read_common_widths(const question& asked) {
  const auto files = asked.files();
  const auto first = read_widths(files.front());
  for (const auto& file : files) {
    const auto widths = read_widths(file);
    const auto unlike = [&](std::size_t of_file, std::size_t of_first, const std::string& what) {
      if (of_file == of_first) return;
      throw tutelage::shape_error(file + ": " + std::to_string(of_file) + " " + what + ", " +
                                  files.front() + " has " + std::to_string(of_first));
    };
    unlike(widths.size() - 1, first.size() - 1, "layers");
    unlike(widths.front(), first.front(), "inputs");
    unlike(widths.back(), first.back(), "outputs");
  }
  return first;
}

findings inspect_any(const question& asked) {
  const auto widths = read_common_widths(asked);
  const samples given = read_samples(asked, widths.front(), widths.back());
  switch (widths.size() - 1) {
    case 2:
      return inspect<2>(asked, given);
    case 3:
      return inspect<3>(asked, given);
    case 4:
      return inspect<4>(asked, given);
    default:
      return inspect<5>(asked, given);
  }
}

}  // namespace

int main(int argc, char** argv) {
  question asked;
  CLI::App app(
      "Analyses networks of dense layers from files: a student beside its teacher, two students, "
      "or "
      "one.",
      "inspect");
  app.add_option("--teacher", asked.teacher,
                 "the teacher: .safetensors or .npz, named as PyTorch, Flax or Keras do");
  app.add_option("--student", asked.students, "the student; two are compared with each other")
      ->required();
  app.add_option("--inputs", asked.inputs, ".npy of samples in rows")->required();
  app.add_option("--labels", asked.labels, ".npy of labels [N] or targets [N, outputs]");
  app.add_option("--gate", asked.gate, "of hidden nodes: relu or leaky:c");
  app.add_option("--json", asked.json, "file for the results, - for standard output");
  app.add_option("--out", asked.out, "folder for report.html and results.json");
  app.add_flag("--quiet", asked.quiet, "nothing on the terminal");
  if (const auto code = parse_command_line(app, argc, argv, [&] {
        asked.slope = slope_of(asked.gate);
        const std::size_t most = asked.taught() ? 1 : 2;
        if (asked.students.size() > most) {
          throw CLI::ValidationError(
              "--student", most == 1 ? "is given once beside --teacher" : "is given once or twice");
        }
      })) {
    return *code;
  }
  const on_interrupt said([] { return std::string("inspect: ") + nothing_kept; });
  return run_guarded("inspect", [&] {
    const findings found = inspect_any(asked);
    const std::string json = to_json(asked, found) + "\n";
    const bool json_to_output = is_standard_output(asked.json);
    std::ostream& out = json_to_output ? std::cerr : std::cout;
    if (!asked.quiet) print(out, asked, found);
    if (!asked.out.empty()) {
      const std::string html = to_html(asked, found);
      output_folder folder(asked.out);
      folder.write("results.json", json);
      folder.write("report.html", html);
      if (!asked.quiet) {
        for (const auto& file : folder.written()) out << "wrote " << file << '\n';
      }
    }
    if (json_to_output) {
      std::cout << json;
    } else if (!asked.json.empty()) {
      tutelage::write_file(asked.json, json);
    }
  });
}
