// bench_table FILE...: one table out of the JSON that the benchmarks wrote, in any number of
// rounds. A row is a question, a scalar and a size; its numbers are medians over rounds. Times are
// ours; the other columns are how many times longer the others take.
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

// Rows in the order of the files, and what each implementation took.
struct results {
  std::vector<row_key> order;
  std::map<row_key, std::map<std::string, samples>> rows;
  std::map<std::string, samples> peak;  // by scalar

  void read(const std::string& path) {
    std::ifstream file(path);
    if (!file) throw std::runtime_error(path + ": cannot be read");
    const auto content = nlohmann::json::parse(file);
    for (const auto& b : content.at("benchmarks")) {
      if (b.value("run_type", "iteration") != "iteration") continue;
      add(b.at("run_name"), b);
    }
  }

 private:
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
    if (key.question != "peak" && rows.count(key) == 0) order.push_back(key);
    samples& s = key.question == "peak" ? peak[key.scalar] : rows[key][parts[3]];
    s.seconds.push_back(b.at("real_time").get<double>() * units.at(b.at("time_unit")));
    s.flops = b.value("flops", 0.0);
  }
};

std::string text(const char* format, double number) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, format, number);
  return buffer;
}

void print(const results& all) {
  std::vector<std::string> others;
  std::set<std::string> seen;
  for (const auto& key : all.order) {
    for (const auto& [implementation, s] : all.rows.at(key)) {
      if (implementation.starts_with("tutelage") && implementation != "tutelage dynamic") continue;
      if (seen.insert(implementation).second) others.push_back(implementation);
    }
  }
  std::sort(others.begin(), others.end(), [](const std::string& a, const std::string& b) {
    const auto rank = [](const std::string& s) { return s == "tutelage dynamic" ? 0 : 1; };
    return std::pair(rank(a), a) < std::pair(rank(b), b);
  });
  std::printf("| question | scalar | size | tutelage, us | of peak |");
  for (const auto& other : others) std::printf(" %s |", other.c_str());
  std::printf("\n|---|---|---|---|---|");
  for (std::size_t i = 0; i < others.size(); ++i) std::printf("---|");
  std::printf("\n");
  for (const auto& key : all.order) {
    const auto& row = all.rows.at(key);
    auto ours = row.find("tutelage static");
    if (ours == row.end()) ours = row.find("tutelage");
    if (ours == row.end()) continue;
    const double seconds = ours->second.median();
    std::printf("| %s | %s | %s | %s |", key.question.c_str(), key.scalar.c_str(), key.size.c_str(),
                text("%.4g", 1e6 * seconds).c_str());
    const auto peak = all.peak.find(key.scalar);
    if (peak != all.peak.end() && ours->second.flops > 0) {
      const double fraction =
          ours->second.flops / seconds * peak->second.median() / peak->second.flops;
      std::printf(" %s |", text("%.0f%%", 100 * fraction).c_str());
    } else {
      std::printf(" |");
    }
    for (const auto& other : others) {
      const auto found = row.find(other);
      std::printf(" %s |", found == row.end()
                               ? ""
                               : text("%.2fx", found->second.median() / seconds).c_str());
    }
    std::printf("\n");
  }
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
