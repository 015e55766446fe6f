// bench_table FILE...: tables out of the JSON that the benchmarks wrote, in any number of rounds: one
// a question. A row is a scalar and a size; its numbers are medians over rounds. Times are
// ours, for one sample where an iteration takes many; the other columns are how many times longer
// the others take.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace {

struct samples {
  std::vector<double> seconds;
  double flops = 0;

  [[nodiscard]] double median() const {
    auto sorted = seconds;
    std::sort(sorted.begin(), sorted.end());
    const std::size_t n = sorted.size();
    return (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
  }
};

struct row_key {
  std::string question, scalar, size;
  auto operator<=>(const row_key&) const = default;
};

// Rows, and what each implementation took. Programs run their benchmarks in random order; a row's
// place is where it was registered.
struct results {
  std::map<row_key, std::pair<std::size_t, std::size_t>> places;  // file and place in it
  std::map<row_key, std::map<std::string, samples>> rows;
  std::map<std::string, samples> peak;  // by scalar

  void read(const std::string& path) {
    std::ifstream file(path);
    if (!file) throw std::runtime_error(path + ": cannot be read");
    const auto document = nlohmann::json::parse(file);
    for (const auto& b : document.at("benchmarks")) {
      if (b.value("run_type", "iteration") != "iteration") continue;
      add(b.at("run_name"), b);
    }
    ++files;
  }

  [[nodiscard]] std::vector<row_key> order() const {
    std::vector<row_key> keys;
    for (const auto& [key, place] : places) keys.push_back(key);
    std::sort(keys.begin(), keys.end(),
              [&](const auto& a, const auto& b) { return places.at(a) < places.at(b); });
    return keys;
  }

 private:
  std::size_t files = 0;

  void add(const std::string& name, const nlohmann::json& b) {
    std::vector<std::string> parts{""};
    for (const char c : name) {
      if (c == '/') {
        parts.emplace_back();
      } else {
        parts.back() += c;
      }
    }
    if (parts.size() < 4) throw std::runtime_error("not a name of ours: " + name);
    static const std::map<std::string, double> units{
        {"ns", 1e-9}, {"us", 1e-6}, {"ms", 1e-3}, {"s", 1}};
    const row_key key{parts[0], parts[1], parts[2]};
    if (key.question != "peak") {
      places.emplace(key, std::pair(files, b.value("family_index", std::size_t{0})));
    }
    samples& s = key.question == "peak" ? peak[key.scalar] : rows[key][parts[3]];
    const double samples = b.value("samples", 1.0);
    s.seconds.push_back(b.at("real_time").get<double>() * units.at(b.at("time_unit")) / samples);
    s.flops = b.value("flops", 0.0) / samples;
  }
};

std::string text(const char* format, double number) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, format, number);
  return buffer;
}

// The rows of one question; a column is an implementation that one of them has.
void print(const results& all, const std::vector<row_key>& rows) {
  std::set<std::pair<bool, std::string>> others;  // our dynamic widths first
  for (const auto& key : rows) {
    for (const auto& [name, s] : all.rows.at(key)) {
      if (name == "tutelage dynamic" || !name.starts_with("tutelage")) {
        others.emplace(name != "tutelage dynamic", name);
      }
    }
  }
  std::printf("\n| %s | size | tutelage, us | of peak |", rows.front().question.c_str());
  for (const auto& [last, other] : others) std::printf(" %s |", other.c_str());
  std::printf("\n|---|---|---|---|");
  for (std::size_t i = 0; i < others.size(); ++i) std::printf("---|");
  std::printf("\n");
  for (const auto& key : rows) {
    const auto& row = all.rows.at(key);
    auto ours = row.find("tutelage static");
    if (ours == row.end()) ours = row.find("tutelage");
    if (ours == row.end()) continue;
    const double seconds = ours->second.median();
    std::printf("| %s | %s | %s |", key.scalar.c_str(), key.size.c_str(),
                text("%.4g", 1e6 * seconds).c_str());
    const auto peak = all.peak.find(key.scalar);
    if (peak != all.peak.end() && ours->second.flops > 0) {
      const double fraction =
          ours->second.flops / seconds * peak->second.median() / peak->second.flops;
      std::printf(" %s |", text("%.0f%%", 100 * fraction).c_str());
    } else {
      std::printf(" |");
    }
    for (const auto& [last, other] : others) {
      const auto found = row.find(other);
      std::printf(" %s |", found == row.end()
                               ? ""
                               : text("%.2fx", found->second.median() / seconds).c_str());
    }
    std::printf("\n");
  }
}

void print(const results& all) {
  std::vector<std::string> questions;
  std::map<std::string, std::vector<row_key>> rows;
  for (const auto& key : all.order()) {
    if (rows[key.question].empty()) questions.push_back(key.question);
    rows[key.question].push_back(key);
  }
  for (const auto& question : questions) print(all, rows[question]);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    results all;
    for (int i = 1; i < argc; ++i) all.read(argv[i]);
    if (all.rows.empty()) throw std::runtime_error("no results; usage: bench_table FILE.json...");
    print(all);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench_table: %s\n", e.what());
    return 1;
  }
  return 0;
}
