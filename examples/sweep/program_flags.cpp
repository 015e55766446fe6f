#include "sweep/program_flags.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "common/arguments.hpp"
#include "sweep/run_key.hpp"

namespace examples {

namespace {

bool is_flag(const std::string& word) { return word.rfind("--", 0) == 0 && word.size() > 2; }

bool names_a_flag(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
}

// A word that rows, tables and figures can show.
std::string shown(const std::string& word, const std::string& flag) {
  const bool plain =
      std::none_of(word.begin(), word.end(), [](unsigned char c) { return c < ' '; });
  try {
    static_cast<void>(nlohmann::json(word).dump());
  } catch (const nlohmann::json::exception&) {
    throw std::invalid_argument(flag + ": a value is no UTF-8");
  }
  if (!plain) throw std::invalid_argument(flag + ": a value has control characters");
  return canonical(word);
}

}  // namespace

axis parse_axis(const std::string& text) {
  const std::size_t equals = text.find('=');
  axis result{text.substr(0, equals), {}};
  if (result.name.rfind("--", 0) == 0) result.name.erase(0, 2);
  if (equals == text.npos || result.name.empty()) {
    throw std::invalid_argument("--axis: is a flag and its values, as in polarity=0,1,2; got " +
                                text);
  }
  const std::string values = text.substr(equals + 1);
  for (const auto& part : split(values, values.find(';') == values.npos ? ',' : ';')) {
    if (part.empty()) throw std::invalid_argument("--axis: an empty value in " + text);
    const std::string value = shown(part, "--axis");
    if (std::find(result.values.begin(), result.values.end(), value) != result.values.end()) {
      throw std::invalid_argument("--axis: " + value + " is there twice in " + text);
    }
    result.values.push_back(value);
  }
  return result;
}

flag_values parse_flags(const std::vector<std::string>& words) {
  flag_values result;
  std::vector<std::string>* values = nullptr;
  for (const auto& word : words) {
    if (!is_flag(word)) {
      if (values == nullptr) {
        throw std::invalid_argument("flags of all runs follow --, as in -- --epochs 20; got " +
                                    word);
      }
      values->push_back(shown(word, "flags behind --"));
      continue;
    }
    const std::size_t equals = word.find('=');
    const std::string name = word.substr(2, equals == word.npos ? word.npos : equals - 2);
    const auto [place, is_new] = result.insert({name, {}});
    if (!is_new) throw std::invalid_argument("--" + name + " is there twice behind --");
    values = &place->second;
    if (equals != word.npos) values->push_back(shown(word.substr(equals + 1), "--" + name));
  }
  return result;
}

std::vector<std::string> to_words(const flag_values& flags) {
  std::vector<std::string> words;
  for (const auto& [name, values] : flags) {
    words.push_back("--" + name);
    words.insert(words.end(), values.begin(), values.end());
  }
  return words;
}

swept_program::swept_program(const std::string& name, subprocesses& started)
    : name_(std::filesystem::path(name).filename()), path_(name) {
  if (name.find('/') == name.npos) {
    path_ = std::filesystem::read_symlink("/proc/self/exe").parent_path() / name;
  }
  if (::access(path_.c_str(), X_OK) != 0 || std::filesystem::is_directory(path_)) {
    throw std::runtime_error("there is no program " + path_ +
                             ": --program is one beside sweep, or a path");
  }
  const auto said = started.run(path_, {"--help"});
  help_ = said.output + said.errors;
  if (said.status != 0) throw std::runtime_error(path_ + " --help fails; it said: " + help_);
  if (!has("json")) throw std::runtime_error(name_ + " has no --json: it cannot be swept");
  if (!has("seeds") && !has("seed")) {
    throw std::runtime_error(name_ + " has neither --seeds nor --seed: it cannot be swept");
  }
}

bool swept_program::has(std::string_view flag) const {
  const std::string word = "--" + std::string(flag);
  for (std::size_t at = help_.find(word); at != help_.npos; at = help_.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    const bool begins = at == 0 || !names_a_flag(help_[at - 1]);
    if (begins && (end == help_.size() || !names_a_flag(help_[end]))) return true;
  }
  return false;
}

void swept_program::require(const std::string& flag) const {
  for (const char* const own : {"json", "seed", "seeds", "threads", "quiet", "out"}) {
    if (flag == own) throw std::runtime_error("--" + flag + " is not for runs: sweep sets it");
  }
  if (flag == "checkpoint") {
    throw std::runtime_error("--checkpoint is not for runs: all would share its files");
  }
  if (!has(flag)) throw std::runtime_error(name_ + " has no --" + flag);
}

std::vector<std::string> swept_program::words(const flag_values& flags,
                                              const std::map<std::string, std::string>& axes,
                                              const std::string& seed) const {
  auto words = to_words(flags);
  // With an equals sign: a flag without a value takes true and false so, and a value may begin with -.
  for (const auto& [name, value] : axes) words.push_back("--" + name + "=" + value);
  words.insert(words.end(), {has("seeds") ? "--seeds" : "--seed", seed, "--json", "-"});
  if (has("threads")) words.insert(words.end(), {"--threads", "1"});
  if (has("quiet")) words.push_back("--quiet");
  return words;
}

}  // namespace examples
