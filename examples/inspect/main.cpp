// Any pair of networks from files, analysed: who does what, what is proved, what can go. One network
// is described, two students are compared. inspect --help lists everything that can be asked.
#include <iostream>

#include <tutelage/core/files.hpp>

#include "common/arguments.hpp"
#include "common/interrupt.hpp"
#include "common/output_folder.hpp"
#include "common/program.hpp"
#include "inspect/findings.hpp"
#include "inspect/report.hpp"

namespace {

using namespace examples;

void check_gate(const std::string& gate) {
  if (gate.empty() || gate == "relu") return;
  const auto parts = split(gate, ':');
  const auto slope =
      parts.size() == 2 && parts[0] == "leaky" ? to_number<double>(parts[1]) : std::nullopt;
  if (!slope || !(*slope >= 0 && *slope < 1)) {
    throw CLI::ValidationError("--gate", "is relu or leaky:c with c in [0, 1); got " + gate);
  }
}

}  // namespace

int main(int argc, char** argv) {
  question asked;
  CLI::App app(
      "Analyses sequential networks from files: a student beside its teacher, two students, or "
      "one. "
      "Dense layers, and nn.Sequential's with BatchNorm1d, need no --layers.",
      "inspect");
  app.add_option("--teacher", asked.teacher,
                 "the teacher: .safetensors or .npz, named as PyTorch, Flax or Keras do");
  app.add_option("--student", asked.students, "the student; two are compared with each other")
      ->required();
  app.add_option("--inputs", asked.inputs, ".npy of samples in rows")->required();
  app.add_option("--labels", asked.labels, ".npy of labels [N] or targets [N, outputs]");
  app.add_option("--gate", asked.gate, "of hidden nodes: relu (so without it) or leaky:c");
  app.add_option(
         "--layers", asked.layers,
         "what the files do not say, lowest first: \"conv:padding=1 bn relu maxpool:2 flatten "
         "linear\"; of linear, conv (stride, padding, dilation, groups), bn (eps), relu, "
         "leaky:c, maxpool and avgpool (size, stride, padding), flatten; name=fc1 takes that "
         "module of the file. Given once for all files, or twice")
      ->allow_extra_args(false);
  app.add_option("--image", asked.image, "the inputs as images, CxHxW");
  app.add_option("--json", asked.json, "file for the results, - for standard output");
  app.add_option("--out", asked.out, "folder for report.html and results.json");
  app.add_flag("--quiet", asked.quiet, "nothing on the terminal");
  if (const auto code = parse_command_line(app, argc, argv, [&] {
        check_gate(asked.gate);
        const std::size_t most = asked.taught() ? 1 : 2;
        if (asked.students.size() > most) {
          throw CLI::ValidationError(
              "--student", most == 1 ? "is given once beside --teacher" : "is given once or twice");
        }
        if (asked.layers.size() > 1 && asked.layers.size() != asked.files().size()) {
          throw CLI::ValidationError("--layers", "is given once, or once for each network");
        }
      })) {
    return *code;
  }
  const on_interrupt said([] { return std::string("inspect: ") + nothing_kept; });
  return run_guarded("inspect", [&] {
    const findings found = inspect(asked);
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
