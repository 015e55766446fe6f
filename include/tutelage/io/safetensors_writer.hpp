// Safetensors files, written: io/safetensors.hpp has the format.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

#include <tutelage/core/errors.hpp>
#include <tutelage/core/matrix.hpp>
#include <tutelage/model/layer.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {

// A block's numbers in its array's order.
template <class T>
void append_block(std::string& content, const block<const T>& b) {
  const auto& v = b.values;
  if (!b.transposed) {
    for (std::size_t i = 0; i < v.rows(); ++i) {
      content.append(reinterpret_cast<const char*>(v.row(i).data()), v.cols() * sizeof(T));
    }
    return;
  }
  constexpr std::size_t tile = 32;  // columns at a time, so that both sides stay in the cache
  std::vector<T> rows(tile * v.rows());
  for (std::size_t k0 = 0; k0 < v.cols(); k0 += tile) {
    const std::size_t wide = std::min(tile, v.cols() - k0);
    for (std::size_t i = 0; i < v.rows(); ++i) {
      for (std::size_t k = 0; k < wide; ++k) rows[k * v.rows() + i] = v(i, k0 + k);
    }
    content.append(reinterpret_cast<const char*>(rows.data()), wide * v.rows() * sizeof(T));
  }
}

}  // namespace detail

/// Blocks of float, double or std::uint64_t, and texts by name, on their way into a file.
class safetensors_writer {
 public:
  /// The block's numbers are read by content() and must stay until then. Throws argument_error for a
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
    append_.push_back([b](std::string& content) { detail::append_block(content, b); });
    size_ = end;
  }

  /// Throws argument_error for a name or text that is not UTF-8.
  void describe(const std::string& name, const std::string& text) {
    metadata_[quoted(name)] = quoted(text);
  }

  /// The file's bytes: texts in the alphabet's order, then the blocks in theirs.
  [[nodiscard]] std::string content() const {
    constexpr std::size_t before = 8;
    std::string content(before, '\0');
    std::string texts;
    for (const auto& [name, text] : metadata_) {
      texts += (texts.empty() ? "" : ",") + name + ":" + text;
    }
    content += '{';
    if (!texts.empty()) content += "\"__metadata__\":{" + texts + "}";
    for (const auto& entry : entries_) content += (content.back() == '{' ? "" : ",") + entry;
    content += '}';
    content.resize((content.size() + 7) / 8 * 8, ' ');  // aligned numbers
    const std::uint64_t length = content.size() - before;
    for (std::size_t i = 0; i < before; ++i) {
      content[i] = static_cast<char>(length >> (8 * i) & 0xFFU);
    }
    content.reserve(content.size() + size_);
    for (const auto& append : append_) append(content);
    return content;
  }

 private:
  static std::string quoted(const std::string& s) {
    try {
      return nlohmann::json(s).dump();
    } catch (const nlohmann::json::exception&) {
      throw argument_error(detail::text("safetensors_writer: a text is not UTF-8: ", s));
    }
  }

  std::unordered_set<std::string> names_{"__metadata__"};
  std::vector<std::string> entries_;
  std::vector<std::function<void(std::string&)>> append_;
  std::map<std::string, std::string> metadata_;
  std::size_t size_ = 0;
};

}  // namespace tutelage
