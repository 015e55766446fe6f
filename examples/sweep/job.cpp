#include "sweep/job.hpp"

#include <sys/wait.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>

#include "sweep/provenance.hpp"

namespace examples {

namespace {

using nlohmann::json;
using nlohmann::ordered_json;

ordered_json head_of(const run_key& key) {
  ordered_json head;
  head["axes"] = ordered_json::object();
  for (const auto& [name, value] : key.axes) head["axes"][name] = value_json(value);
  head["seed"] = key.seed;
  return head;
}

// The first or last line that is not blank. Of a long one the beginning.
std::string line_of(const std::string& text, bool last) {
  constexpr std::size_t longest = 500;
  std::istringstream lines(text);
  std::string found;
  for (std::string line; std::getline(lines, line);) {
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    found = line;
    if (!last) break;
  }
  return found.substr(0, longest);
}

void remove_seconds(json& value) {
  if (value.is_object()) value.erase("seconds");
  for (auto& part : value) {
    if (part.is_structured()) remove_seconds(part);
  }
}

// Adds `config` and `results` to a row.
void add_results(ordered_json& row, json printed, const std::vector<std::string>& keep) {
  if (printed.is_object() && printed.contains("config")) {
    row["config"] = printed["config"];
    printed.erase("config");
  }
  const bool one_run = printed.is_object() && printed.contains("runs") &&
                       printed["runs"].is_array() && printed["runs"].size() == 1;
  json results = one_run ? json(printed["runs"][0]) : std::move(printed);
  remove_seconds(results);
  if (!keep.empty()) {
    json kept = json::object();
    for (const auto& name : keep) {
      if (!results.contains(name)) {
        throw std::runtime_error("--keep: the results of a run have no " + name);
      }
      kept[name] = std::move(results[name]);
    }
    results = std::move(kept);
  }
  row["results"] = std::move(results);
}

// Sets how a run ended, from how its program did; what it printed where that was well.
json judge(const ended_process& process, outcome& result) {
  const auto fail = [&](const std::string& message) {
    result.status = run_status::failed;
    result.message = message;
  };
  if (WIFSIGNALED(process.status)) {
    const std::string said = line_of(process.errors, true);
    fail("ended by " + signal_name(WTERMSIG(process.status)) + (said.empty() ? "" : ": " + said));
    return {};
  }
  constexpr int wrong_command_line = 2;
  const int code = WEXITSTATUS(process.status);
  if (code != 0) {
    result.refused = code == wrong_command_line;
    const std::string said = line_of(process.errors, !result.refused);
    fail(said.empty() ? "exit code " + std::to_string(code) + ", and nothing said" : said);
    if (said.find("training diverged") != said.npos) result.status = run_status::diverged;
    return {};
  }
  try {
    return json::parse(process.output);
  } catch (const json::parse_error& problem) {
    fail("printed no JSON: at byte " + std::to_string(problem.byte) + " of " +
         std::to_string(process.output.size()));
  } catch (const json::exception& problem) {  // a number too large for one
    fail(std::string("printed no JSON: ") + problem.what());
  }
  return {};
}

}  // namespace

outcome job_worker::run(const job& work) {
  outcome result;
  result.key = work.key;
  const std::string begun = time_of_day();
  const ended_process process = started_.run(work.program, work.words);
  json printed = judge(process, result);
  if (result.refused) return result;

  ordered_json row = head_of(work.key);
  row["status"] = to_string(result.status);
  if (result.status == run_status::done) {
    add_results(row, std::move(printed), work.keep);
  } else {
    row["message"] = result.message;
  }
  ordered_json provenance = head_of(work.key);
  provenance["program"] = work.program;
  provenance["begun"] = begun;
  provenance["seconds"] = process.seconds;
  provenance["processor_seconds"] = process.processor_seconds;
  static const auto machine = describe_machine();
  for (const auto& [name, value] : machine) provenance[name] = value;

  // What a program says may be no UTF-8.
  const auto text = [](const ordered_json& line) {
    return line.dump(-1, ' ', false, json::error_handler_t::replace);
  };
  const std::scoped_lock lock(appending_);
  rows_.append(text(row), text(provenance));
  return result;
}

std::string to_text(const job& work) {
  return json{{"axes", work.key.axes},
              {"seed", work.key.seed},
              {"program", work.program},
              {"words", work.words},
              {"keep", work.keep}}
      .dump();
}

job job_of(const std::string& text) {
  const json read = json::parse(text);
  return {
      {read.at("axes"), read.at("seed")}, read.at("program"), read.at("words"), read.at("keep")};
}

std::string to_text(const outcome& result) {
  return json{{"axes", result.key.axes},
              {"seed", result.key.seed},
              {"status", static_cast<int>(result.status)},
              {"message", result.message},
              {"refused", result.refused}}
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

outcome outcome_of(const std::string& text) {
  const json read = json::parse(text);
  return {{read.at("axes"), read.at("seed")},
          static_cast<run_status>(read.at("status").get<int>()),
          read.at("message"),
          read.at("refused")};
}

}  // namespace examples
