// Safetensors files, written: io/safetensors.hpp has the format.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

#include <tutelage/core/errors.hpp>
#include <tutelage/core/matrix.hpp>
#include <tutelage/model/layer.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {

// Bytes that are handed on in pieces which a cache still holds: what is done to a piece (a checksum,
// a write) does not wait for memory.
class piece_buffer {
 public:
  explicit piece_buffer(std::function<void(std::string_view)> write) : write_(std::move(write)) {
    piece_.reserve(2 * enough);
  }
  template <class T>
  void append(std::span<const T> numbers) {
    piece_.append(reinterpret_cast<const char*>(numbers.data()), numbers.size_bytes());
    if (piece_.size() >= enough) flush();
  }
  void flush() {
    write_(piece_);
    piece_.clear();
  }

 private:
  static constexpr std::size_t enough = std::size_t{1} << 18;
  std::function<void(std::string_view)> write_;
  std::string piece_;
};

// A block's numbers in its array's order.
template <class T>
void append_block(piece_buffer& out, const block<const T>& b) {
  const auto& v = b.values;
  if (!b.transposed) {
    for (std::size_t i = 0; i < v.rows(); ++i) out.append(std::span<const T>(v.row(i)));
    return;
  }
  constexpr std::size_t tile = 32;  // columns at a time, so that both sides stay in the cache
  std::vector<T> rows(tile * v.rows());
  for (std::size_t k0 = 0; k0 < v.cols(); k0 += tile) {
    const std::size_t wide = std::min(tile, v.cols() - k0);
    for (std::size_t i = 0; i < v.rows(); ++i) {
      for (std::size_t k = 0; k < wide; ++k) rows[k * v.rows() + i] = v(i, k0 + k);
    }
    out.append(std::span<const T>(rows).first(wide * v.rows()));
  }
}

}  // namespace detail

/// Blocks of float, double or std::uint64_t, and texts by name, on their way into a file.
class safetensors_writer {
 public:
  /// The block's numbers are read by write_to() and must stay until then. Throws argument_error for a
  /// name that was there and one that is not UTF-8.
  template <class T>
  void add(const block<const T>& b) {
    static_assert(
        std::is_same_v<T, float> || std::is_same_v<T, double> || std::is_same_v<T, std::uint64_t>,
        "safetensors_writer: writes float, double and std::uint64_t; convert other scalars");
    static_assert(std::endian::native == std::endian::little);
    if (!names_.insert(b.name).second) {
      throw argument_error(detail::text("safetensors_writer: two blocks are called ", b.name));
    }
    const std::size_t end = size_ + b.values.rows() * b.values.cols() * sizeof(T);
    std::string entry = quoted(b.name) + ":{\"dtype\":\"" + (std::is_integral_v<T> ? "U" : "F") +
                        std::to_string(8 * sizeof(T)) + "\",\"shape\":[";
    for (std::size_t i = 0; i < b.shape.size(); ++i) {
      entry += detail::text(i == 0 ? "" : ",", b.shape[i]);
    }
    entries_.push_back(entry + detail::text("],\"data_offsets\":[", size_, ",", end, "]}"));
    append_.push_back([b](detail::piece_buffer& out) { detail::append_block(out, b); });
    size_ = end;
  }

  /// Throws argument_error for a name or text that is not UTF-8.
  void describe(const std::string& name, const std::string& text) {
    metadata_[quoted(name)] = quoted(text);
  }

  /// Calls write(piece) for the file's bytes in order: texts in the alphabet's, then the blocks in
  /// theirs.
  void write_to(const std::function<void(std::string_view)>& write) const {
    detail::piece_buffer out(write);
    out.append(std::span<const char>(header()));
    for (const auto& append : append_) append(out);
    out.flush();
  }

  /// The file's bytes.
  [[nodiscard]] std::string content() const {
    std::string all;
    write_to([&](std::string_view piece) { all += piece; });
    return all;
  }

 private:
  [[nodiscard]] std::string header() const {
    constexpr std::size_t before = 8;
    std::string result(before, '\0');
    std::string texts;
    for (const auto& [name, text] : metadata_) {
      texts += (texts.empty() ? "" : ",") + name + ":" + text;
    }
    result += '{';
    if (!texts.empty()) result += "\"__metadata__\":{" + texts + "}";
    for (const auto& entry : entries_) result += (result.back() == '{' ? "" : ",") + entry;
    result += '}';
    result.resize((result.size() + 7) / 8 * 8, ' ');  // aligned numbers
    const std::uint64_t length = result.size() - before;
    for (std::size_t i = 0; i < before; ++i) {
      result[i] = static_cast<char>(length >> (8 * i) & 0xFFU);
    }
    return result;
  }

  static std::string quoted(const std::string& s) {
    try {
      return nlohmann::json(s).dump();
    } catch (const nlohmann::json::exception&) {
      throw argument_error(detail::text("safetensors_writer: a text is not UTF-8: ", s));
    }
  }

  std::unordered_set<std::string> names_{"__metadata__"};
  std::vector<std::string> entries_;
  std::vector<std::function<void(detail::piece_buffer&)>> append_;
  std::map<std::string, std::string> metadata_;
  std::size_t size_ = 0;
};

}  // namespace tutelage
