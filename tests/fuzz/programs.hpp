// What example programs read, as targets of the fuzzer: the rows of a sweep's folder, and inspect's
// --layers.
#pragma once

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include "inspect/sequence.hpp"
#include "sweep/rows.hpp"
#include "targets.hpp"

namespace fuzz {

// A folder of this process, where bytes are files.
inline const std::string& folder() {
  static const std::string path = [] {
    const auto here =
        std::filesystem::temp_directory_path() / ("fuzz" + std::to_string(::getpid()));
    std::filesystem::create_directories(here);
    return here.string();
  }();
  return path;
}

// JSON results: the rows of runs, and what reads them again.
inline void rows(input bytes) {
  std::ofstream(folder() + "/runs.jsonl", std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  const examples::run_index index(folder());
  examples::part_reader parts;
  for (const auto& [key, entry] : index.runs()) {
    if (parts.read(entry.row).size() != entry.row.size) std::abort();
  }
}

// A network's layers as text, for a file that has a convolution, a normalization and dense layers.
inline void layers(input bytes) {
  static const std::string path = [] {
    const auto W = make_matrix<double>(4, 8);
    const matrix_view<const double> w(W);
    safetensors_writer file;
    file.add(block<const double>{"conv.weight", {2, 1, 2, 2}, {w.data(), 2, 4, 4}});
    file.add(block<const double>{"bn.weight", {2}, {w.data(), 1, 2, 2}});
    file.add(block<const double>{"bn.bias", {2}, {w.data(), 1, 2, 2}});
    file.add(block<const double>{"bn.running_mean", {2}, {w.data(), 1, 2, 2}});
    file.add(block<const double>{"bn.running_var", {2}, {w.data(), 1, 2, 2}});
    file.add(block<const double>{"fc.weight", {4, 8}, {w.data(), 4, 8, 8}});
    file.add(block<const double>{"fc.bias", {4}, {w.data(), 1, 4, 4}});
    write_file(folder() + "/net.safetensors", file.content());
    return folder() + "/net.safetensors";
  }();
  try {
    const auto net = examples::read_sequence(
        path, {std::string(bytes.begin(), bytes.end()), image_shape{1, 3, 3}, std::nullopt});
    if (net.layers.empty()) std::abort();
  } catch (const std::runtime_error& refused) {
    throw format_error("text", 0, "layers", refused.what());
  } catch (const std::logic_error& refused) {  // settings that are impossible
    throw format_error("text", 0, "layers", refused.what());
  }
}

}  // namespace fuzz
