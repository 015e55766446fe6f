#include "sweep/folder.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

#include <tutelage/core/errors.hpp>
#include <tutelage/core/files.hpp>

#include "common/output_folder.hpp"
#include "sweep/journal.hpp"

namespace examples {

namespace {

using nlohmann::json;

std::string settings_file(const std::string& folder) { return folder + "/settings.json"; }

std::string joined(const std::vector<std::string>& words, const char* between) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : between) + word;
  return text;
}

json settings_of(const sweep_plan& plan) {
  json flags = json::object();
  for (const auto& [name, values] : plan.flags) {
    flags[name] = values.empty() ? "given" : joined(values, " ");
  }
  std::vector<std::string> axes, keep = plan.keep;
  for (const axis& a : plan.axes) axes.push_back(a.name);
  std::sort(axes.begin(), axes.end());
  std::sort(keep.begin(), keep.end());
  return {{"program", std::filesystem::path(plan.program).filename().string()},
          {"flags", flags},
          {"axes", axes},
          {"keep", keep}};
}

std::string list_of(const json& names) {
  const auto words = names.get<std::vector<std::string>>();
  return words.empty() ? "none" : joined(words, ", ");
}

// "epochs is 100 there, 20 here", for all that differs.
std::string differences(const json& there, const json& here) {
  std::vector<std::string> said;
  const auto compare = [&](const std::string& name, const std::string& a, const std::string& b) {
    if (a != b) said.push_back(name + " is " + a + " there, " + b + " here");
  };
  compare("the program", there.at("program"), here.at("program"));
  const auto &flags = there.at("flags"), &given = here.at("flags");
  const auto value = [](const json& of, const std::string& name) {
    return of.contains(name) ? of.at(name).get<std::string>() : std::string("not given");
  };
  for (const auto& [name, there_is] : flags.items()) compare(name, there_is, value(given, name));
  for (const auto& [name, here_is] : given.items()) {
    if (!flags.contains(name)) compare(name, "not given", here_is);
  }
  compare("the list of axes", list_of(there.at("axes")), list_of(here.at("axes")));
  compare("--keep", list_of(there.at("keep")), list_of(here.at("keep")));
  return joined(said, "; ");
}

}  // namespace

json read_settings(const std::string& folder) {
  const std::string path = settings_file(folder);
  std::ifstream file(path);
  if (!file) throw tutelage::io_error("open", path, errno);
  try {
    json settings = json::parse(file);
    static_cast<void>(differences(settings, settings));  // it has everything
    return settings;
  } catch (const json::exception& problem) {
    throw tutelage::format_error(path, 0, "settings", problem.what());
  }
}

sweep_folder::sweep_folder(std::string path, const sweep_plan& plan, bool shared)
    : path_(std::move(path)), lock_((make_folder(path_), path_ + "/lock")), shared_(shared) {
  using namespace std::chrono_literals;
  // The one that is alone makes settings and merges; of those with ranks whoever is first. They wait
  // for each other's moments, not for another sweep's hours.
  for (int i = 0;; ++i) {
    if (lock_.try_exclusive()) {
      if (!std::filesystem::exists(settings_file(path_))) {
        tutelage::write_file(settings_file(path_), settings_of(plan).dump(1) + '\n');
      }
      check_settings(plan);
      merge_journals(path_);
      if (!shared_ || lock_.try_shared()) return;
    } else if (shared_ && lock_.try_shared()) {
      check_settings(plan);
      return;
    } else if (!shared_ || i == 300) {
      throw std::runtime_error("another sweep is at work in " + path_ +
                               ": wait until it ends, or choose another --out");
    }
    std::this_thread::sleep_for(100ms);
  }
}

sweep_folder::sweep_folder(std::string path)
    : path_(std::move(path)), lock_((static_cast<void>(read_settings(path_)), path_ + "/lock")) {
  if (!lock_.try_exclusive()) throw std::runtime_error("a sweep is at work in " + path_);
}

void sweep_folder::check_settings(const sweep_plan& plan) const {
  const std::string different = differences(read_settings(path_), settings_of(plan));
  if (different.empty()) return;
  throw std::runtime_error("there is another sweep in " + path_ + ": " + different +
                           "; continue it with its own settings, or choose another --out");
}

bool sweep_folder::merge_at_end() {
  if (shared_ && !lock_.try_exclusive()) return false;
  merge_journals(path_);
  return true;
}

}  // namespace examples
