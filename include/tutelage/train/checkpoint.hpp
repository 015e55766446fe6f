// Runs that outlive their process.
//
//   trainer learning(student, mean_squared_error{}, adam{.rate = 0.001}, seed);
//   resume_from("run.checkpoint", learning, text);  // does nothing where there is no such file
//   train(learning, batches, {.epochs = 20}, checkpoint_to("run.checkpoint", 1000, text));
//
// Started again after a crash, this ends in the bits of a run that was not interrupted, with any number
// of threads: batches are functions of seed, epoch and step (train/batches.hpp), so these say where all
// streams are. A checkpoint is a safetensors file, replaced whole:
//
//   student.*       weights and buffers, in the names of io/state.hpp
//   run.*           epoch, step, frozen layers, the optimizer's state (train/trainer.hpp)
//   record.*        what the caller wants to have kept beside, its history, say
//   __metadata__    checksum: XXH64 of the file with zeros in its place; configuration: the caller's
//                   text; format: 1
#pragma once

#include <sys/stat.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cinttypes>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <tutelage/core/files.hpp>
#include <tutelage/core/mapped_file.hpp>
#include <tutelage/io/blocks.hpp>
#include <tutelage/io/safetensors.hpp>
#include <tutelage/io/safetensors_writer.hpp>
#include <tutelage/io/state.hpp>
#include <tutelage/train/train.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// Nothing kept beside a run. A record has for_each_block(prefix, visit), const for writing, and calls
/// visit(block) for its matrices of float, double or std::uint64_t, names after the prefix.
struct no_record {
  template <class Visit>
  void for_each_block(const std::string& /*prefix*/, const Visit& /*visit*/) const {}
};

namespace detail {

// What every checkpoint begins with after the header's length: the checksum comes first.
inline constexpr std::string_view checkpoint_begin = "{\"__metadata__\":{\"checksum\":\"";
inline constexpr std::size_t checksum_place = 8 + checkpoint_begin.size(), checksum_size = 16;
inline constexpr std::string_view no_checksum = "0000000000000000", checkpoint_format = "1";

inline std::span<const unsigned char> bytes_of_text(std::string_view text) {
  return {reinterpret_cast<const unsigned char*>(text.data()), text.size()};
}

// Of bytes that come in pieces.
class checksum {
 public:
  checksum() { XXH64_reset(&state_, 0); }
  void add(std::span<const unsigned char> bytes) {
    XXH64_update(&state_, bytes.data(), bytes.size());
  }
  [[nodiscard]] std::string text() const {
    std::array<char, checksum_size + 1> digits{};
    std::snprintf(digits.data(), digits.size(), "%016" PRIx64, XXH64_digest(&state_));
    return digits.data();
  }

 private:
  XXH64_state_t state_;
};

// Of a file that has the place of one.
inline std::string checksum_of(std::span<const unsigned char> bytes) {
  checksum sum;
  sum.add(bytes.first(checksum_place));
  sum.add(bytes_of_text(no_checksum));
  sum.add(bytes.subspan(checksum_place + checksum_size));
  return sum.text();
}

// Calls visit(block) for all that a run consists of.
template <class Network, class State, class Record, class Visit>
void for_each_of_run(Network& student, State& state, Record& record, const Visit& visit) {
  for_each_state(student, [&](auto b) {
    b.name = "student." + b.name;
    visit(b);
  });
  state.for_each_block("run.", visit);
  record.for_each_block("record.", visit);
}

// "its configuration 'rate 0.1', expected 'rate 0.2'": the first lines that differ.
inline std::string configurations_text(std::string_view own, std::string_view expected) {
  const auto next_line = [](std::string_view& text) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    return line;
  };
  for (;;) {
    const auto line = next_line(own), wanted = next_line(expected);
    if (line != wanted || (own.empty() && expected.empty())) {
      return text("its configuration '", line, "', expected '", wanted, "'");
    }
  }
}

// To out, as write_pieces gives it. The checksum is of what was written with zeros in its place, which
// it takes then.
template <class Network, class State, class Record, class Out>
void write_checkpoint_to(Out& out, const Network& student, const State& state,
                         const std::string& configuration, const Record& record) {
  safetensors_writer file;
  for_each_of_run(student, state, record, [&](const auto& b) {
    using number =
        std::remove_const_t<typename std::remove_cvref_t<decltype(b.values)>::value_type>;
    file.add(block<const number>{b.name, b.shape, b.values, b.transposed});
  });
  file.describe("checksum", std::string(no_checksum));
  file.describe("configuration", configuration);
  file.describe("format", std::string(checkpoint_format));
  checksum sum;
  file.write_to([&](std::string_view piece) {
    sum.add(bytes_of_text(piece));
    out.write(piece);
  });
  out.overwrite(checksum_place, sum.text());
}

template <class Network, class State, class Record = no_record>
std::string checkpoint_content(const Network& student, const State& state,
                               const std::string& configuration, const Record& record = {}) {
  collected_pieces all;
  write_checkpoint_to(all, student, state, configuration, record);
  return all.content;
}

// The arrays of a checkpoint of this configuration, once all but their shapes is checked.
inline safetensors parse_checkpoint(std::span<const unsigned char> bytes, const std::string& file,
                                    const std::string& configuration) {
  safetensors result = parse_safetensors(bytes, file);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.substr(8, checkpoint_begin.size()) != checkpoint_begin ||
      text.size() < checksum_place + checksum_size) {
    throw format_error(file, 8, "checksum", "is not there: no checkpoint");
  }
  const auto& format = result.metadata["format"];
  if (format != checkpoint_format) {
    throw format_error(file, 8, "format",
                       detail::text("'", format, "', expected '", checkpoint_format, "'"));
  }
  const std::string right = checksum_of(bytes);
  if (text.substr(checksum_place, checksum_size) != right) {
    throw format_error(file, checksum_place, "checksum",
                       detail::text("is not the file's, ", right, ": the file is damaged"));
  }
  const std::string& own = result.metadata["configuration"];
  if (own != configuration) {
    throw argument_error(detail::text(
        "resume_from: ", file, " is of another run: ", configurations_text(own, configuration)));
  }
  return result;
}

}  // namespace detail

/// Writes where a run is, whole or not at all; `configuration` is all that the run depends on, as
/// text, a setting a line. Throws io_error.
template <class Network, class Optimizer, class Record = no_record>
void write_checkpoint(const std::string& path, const Network& student,
                      const run_state<Network, Optimizer>& state,
                      const std::string& configuration = {}, const Record& record = {}) {
  write_pieces(path, [&](auto& out) {
    detail::write_checkpoint_to(out, student, state, configuration, record);
  });
}

/// A hook that does so after every `every` steps. Comes last: what other hooks do to the weights
/// after a step belongs to the checkpoint.
template <class Record = no_record>
class checkpoint_to {
 public:
  /// Throws argument_error when `every` is 0.
  checkpoint_to(std::string path, std::uint64_t every, std::string configuration = {})
      : checkpoint_to(std::move(path), every, std::move(configuration), none) {}
  /// The record must outlive the hook.
  checkpoint_to(std::string path, std::uint64_t every, std::string configuration,
                const Record& record)
      : path_(std::move(path)),
        every_(every),
        configuration_(std::move(configuration)),
        record_(&record) {
    detail::require_positive("checkpoint_to", "every", every);
  }

  template <class Network, class Optimizer>
  void on_step(const step_report<Network, Optimizer>& report) const {
    if (report.step % every_ == 0) {
      write_checkpoint(path_, report.student, report.state, configuration_, *record_);
    }
  }

 private:
  static constexpr no_record none{};

  std::string path_;
  std::uint64_t every_;
  std::string configuration_;
  const Record* record_;
};

namespace detail {

template <class Network, class Loss, class Optimizer, class Record>
void resume_from_bytes(std::span<const unsigned char> bytes, const std::string& file,
                       trainer<Network, Loss, Optimizer>& learning,
                       const std::string& configuration, Record& record) {
  const auto read = parse_checkpoint(bytes, file, configuration);
  run_state<Network, Optimizer> state = learning.state();
  const auto for_each_pair = [&](const auto& visit) {
    for_each_array_and_block(
        read, file, "the run",
        [&](const auto& each) { for_each_of_run(learning.student(), state, record, each); }, visit);
  };
  for_each_pair([&](const named_array& from, const auto& to) {
    using number = typename std::remove_cvref_t<decltype(to.values)>::value_type;
    require_block(from, file, to);
    if constexpr (!std::is_integral_v<number>) {
      if (from.name.starts_with("student.")) from.template require_finite<number>();
    }
  });
  const auto read_all = [&](std::string_view prefix) {
    for_each_pair([&](const named_array& from, const auto& to) {
      if (from.name.starts_with(prefix)) from.read(to.values, to.transposed);
    });
  };
  read_all("run.");
  learning.resume(state);  // refuses what makes no sense; nothing is refused after it
  read_all("student.");
  read_all("record.");
}

}  // namespace detail

/// Puts a run to where its checkpoint was written, with the record of then, and returns whether there
/// is one. Throws io_error when the file cannot be read; format_error when it is damaged or no
/// checkpoint of such a network, scalar, optimizer and record; argument_error when the configuration
/// is another, or for a state that trainer::resume refuses. Then all are as they were.
template <class Network, class Loss, class Optimizer, class Record>
bool resume_from(const std::string& path, trainer<Network, Loss, Optimizer>& learning,
                 const std::string& configuration, Record& record) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 && errno == ENOENT) return false;
  const mapped_file file(path);
  detail::resume_from_bytes(file.bytes(), path, learning, configuration, record);
  return true;
}
template <class Network, class Loss, class Optimizer>
bool resume_from(const std::string& path, trainer<Network, Loss, Optimizer>& learning,
                 const std::string& configuration = {}) {
  const no_record none;
  return resume_from(path, learning, configuration, none);
}

}  // namespace tutelage
