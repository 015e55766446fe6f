// What is done with bytes that may be anything: a format_error is their right end, and so is what
// they say, read in full. run.cmake gives them to libFuzzer, io/corpus.cpp in every test run.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include <tutelage/data/idx.hpp>
#include <tutelage/io.hpp>

namespace fuzz {

using namespace tutelage;
using input = std::span<const unsigned char>;

// Reads every number, in each of the ways.
inline void read_all(const named_array& array) {
  std::vector<float> numbers(array.size());
  array.read(std::span<float>(numbers));
  auto turned = make_matrix<double>(numbers.size(), 1);
  array.read(matrix_view<double>(turned), true);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto narrow = static_cast<float>(turned.data()[i]);
    if (narrow != numbers[i] && narrow == narrow) std::abort();
  }
  array.require_finite<double>();
}

inline void npy(input bytes) { read_all(parse_npy(bytes, "file")); }

inline void npz(input bytes) {
  for (const auto& array : parse_npz(bytes, "file").arrays) read_all(array);
}

inline void safetensors(input bytes) {
  for (const auto& array : parse_safetensors(bytes, "file").arrays) read_all(array);
}

inline void csv(input bytes) {
  const bool names = !bytes.empty() && bytes[0] == '#';
  parse_csv<double>(bytes, "file", {.separator = ',', .header = names});
}

// Names and shapes, matched to a network's and to a perceptron of any widths.
inline void state(input bytes) {
  const auto file = parse_safetensors(bytes, "file");
  const auto modules = detail::modules_of(file.arrays);
  detail::state_modules network;
  network.add("0", {"0.weight", "weight", {2, 2}});
  network.add("0", {"0.bias", "bias", {2}});
  network.add("2", {"2.weight", "weight", {2, 2}});
  network.add("2", {"2.bias", "bias", {2}});
  try {
    detail::match(network, modules, {}, "file");
  } catch (const format_error&) {
  }
  detail::mlp_modules(modules, {}, "file");
}

// With the checksum that the bytes should have, or no change would get past it.
inline void checkpoint(input bytes) {
  std::string content(bytes.begin(), bytes.end());
  if (content.size() >= detail::checksum_place + detail::checksum_size) {
    content.replace(detail::checksum_place, detail::checksum_size,
                    detail::checksum_of(detail::bytes_of_text(content)));
  }
  mlp<double, relu, 1, 1, 1> student;
  trainer learning(student, mean_squared_error{}, momentum_sgd{.rate = 0.1});
  try {
    no_record none;
    detail::resume_from_bytes(detail::bytes_of_text(content), "file", learning, "", none);
  } catch (const argument_error&) {  // another configuration, or a state that makes no sense
    throw format_error("file", 0, "run", "refused");
  }
}

// A file of no folder, with these bytes.
inline void idx(input bytes) {
  static const int file = ::memfd_create("idx", 0);
  static const std::string path = "/proc/self/fd/" + std::to_string(file);
  if (::ftruncate(file, 0) != 0 ||
      ::pwrite(file, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    std::abort();
  }
  const idx_file read(path);
  if (read.rows() == 0) return;  // then a row may have any width
  std::vector<double> row(read.cols());
  for (std::size_t i = 0; i < read.rows() && i < 1000; ++i) read.read_row(i, std::span(row));
}

/// Returns whether the bytes were read.
template <class Target>
bool run(const Target& target, input bytes) {
  try {
    target(bytes);
    return true;
  } catch (const format_error&) {
    return false;
  }
}

}  // namespace fuzz
