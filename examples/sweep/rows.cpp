#include "sweep/rows.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

#include <tutelage/core/errors.hpp>

namespace examples {

namespace {

using nlohmann::json;

constexpr run_status all_statuses[] = {run_status::done, run_status::diverged, run_status::failed};

struct row_head {
  run_key key;
  std::optional<run_status> status;
};

// Reads a row as far as its status, which is third: what follows may be long.
class head_reader : public nlohmann::json_sax<json> {
 public:
  row_head head;
  std::string problem;
  bool complete = false;

  bool null() override { return wrong("null"); }
  bool boolean(bool /*value*/) override { return wrong("a boolean"); }
  bool number_integer(std::int64_t value) override { return axis_value(std::to_string(value)); }
  bool number_unsigned(std::uint64_t value) override {
    if (depth_ != 1 || name_ != "seed") return axis_value(std::to_string(value));
    head.key.seed = value;
    has_seed_ = true;
    return true;
  }
  bool number_float(double value, const std::string& /*text*/) override {
    return axis_value(canonical(json(value).dump()));
  }
  bool string(std::string& value) override {
    if (depth_ != 1 || name_ != "status") return axis_value(value);
    for (const run_status status : all_statuses) {
      if (to_string(status) == value) head.status = status;
    }
    if (!head.status) return wrong(value);
    complete = true;
    return false;  // no need of more
  }
  bool binary(binary_t& /*value*/) override { return wrong("binary"); }
  bool start_object(std::size_t /*size*/) override {
    ++depth_;
    if (depth_ == 1 || (depth_ == 2 && name_ == "axes")) return true;
    return wrong("an object");
  }
  bool key(std::string& name) override {
    name_ = name;
    if (depth_ == 1 && has_axes_ && has_seed_ && name != "status") {
      complete = true;
      return false;
    }
    return true;
  }
  bool end_object() override {
    if (depth_-- == 2) has_axes_ = true;
    return true;
  }
  bool start_array(std::size_t /*size*/) override { return wrong("an array"); }
  bool end_array() override { return true; }
  bool parse_error(std::size_t /*place*/, const std::string& /*token*/,
                   const nlohmann::detail::exception& what) override {
    const std::string said = what.what();
    const std::size_t tag = said.find("] ");
    problem = tag == said.npos ? said : said.substr(tag + 2);
    return false;
  }

 private:
  bool axis_value(const std::string& value) {
    if (depth_ != 2) return wrong(value);
    head.key.axes[name_] = value;
    return true;
  }
  bool wrong(const std::string& value) {
    problem = "key '" + name_ + "' cannot be " + value;
    return false;
  }

  std::size_t depth_ = 0;
  std::string name_;
  bool has_axes_ = false, has_seed_ = false;
};

row_head read_head(const std::string& line, const std::string& file, std::uint64_t offset) {
  head_reader reader;
  json::sax_parse(line, &reader, json::input_format_t::json, false);
  if (!reader.complete) {
    throw tutelage::format_error(
        file, offset, "run",
        reader.problem.empty() ? "has not axes, seed and status" : reader.problem);
  }
  return reader.head;
}

// Calls visit(line, offset) for every whole line.
void for_each_line(const std::string& file,
                   const std::function<void(const std::string&, std::uint64_t)>& visit) {
  std::ifstream lines(file, std::ios::binary);
  std::uint64_t offset = 0;
  for (std::string line; std::getline(lines, line) && !lines.eof(); offset += line.size() + 1) {
    visit(line, offset);
  }
}

}  // namespace

std::string to_string(run_status status) {
  switch (status) {
    case run_status::done:
      return "done";
    case run_status::diverged:
      return "diverged";
    default:
      return "failed";
  }
}

run_index::run_index(const std::string& folder) {
  std::error_code none;
  for (const auto& file : std::filesystem::directory_iterator(folder, none)) {
    const std::string name = file.path().filename();
    if (name.rfind("journal-", 0) == 0 && file.path().extension() == ".jsonl") {
      journals_.push_back(file.path());
    }
  }
  std::sort(journals_.begin(), journals_.end(), natural_less);
  read_rows(folder + "/runs.jsonl");
  read_provenance(folder + "/provenance.jsonl");
  for (const auto& file : journals_) read_journal(file);
}

std::size_t run_index::count(run_status status) const {
  return static_cast<std::size_t>(std::count_if(
      runs_.begin(), runs_.end(), [&](const auto& run) { return run.second.status == status; }));
}

void run_index::read_rows(const std::string& file) {
  for_each_line(file, [&](const std::string& line, std::uint64_t offset) {
    const row_head head = read_head(line, file, offset);
    if (!head.status) throw tutelage::format_error(file, offset, "run", "has no status");
    add(head.key, {*head.status, {file, offset, line.size()}, {}});
  });
}

void run_index::read_provenance(const std::string& file) {
  for_each_line(file, [&](const std::string& line, std::uint64_t offset) {
    const auto run = runs_.find(read_head(line, file, offset).key);
    if (run != runs_.end()) run->second.provenance = {file, offset, line.size()};
  });
}

void run_index::read_journal(const std::string& file) {
  for_each_line(file, [&](const std::string& line, std::uint64_t offset) {
    const row_head head = read_head(line, file, offset);
    const std::size_t tab = line.find('\t');
    if (!head.status || tab == line.npos) {
      throw tutelage::format_error(file, offset, "run", "has not status and provenance");
    }
    add(head.key,
        {*head.status, {file, offset, tab}, {file, offset + tab + 1, line.size() - tab - 1}});
  });
}

void run_index::add(const run_key& key, const entry& found) {
  const auto [place, is_new] = runs_.insert({key, found});
  if (!is_new && place->second.status == run_status::failed) place->second = found;
}

part_reader::~part_reader() { close_all(); }

void part_reader::close_all() {
  for (const auto& [path, file] : open_) ::close(file);
  open_.clear();
}

std::string part_reader::read(const file_part& part) {
  constexpr std::size_t most_open = 256;
  auto opened = open_.find(part.file);
  if (opened == open_.end()) {
    if (open_.size() == most_open) close_all();
    const int file = ::open(part.file.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) throw tutelage::io_error("open", part.file, errno);
    opened = open_.insert({part.file, file}).first;
  }
  std::string text(part.size, '\0');
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t got = ::pread(opened->second, text.data() + done, text.size() - done,
                                static_cast<off_t>(part.begin + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw tutelage::io_error("read", part.file, errno);
    if (got == 0) {
      throw tutelage::format_error(part.file, part.begin, "run", "the file has become shorter");
    }
    done += static_cast<std::size_t>(got);
  }
  return text;
}

}  // namespace examples
