#include "sweep/npz_table.hpp"

#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <stdexcept>

#include <tutelage/io/npy.hpp>

#include "common/arguments.hpp"
#include "sweep/run_table.hpp"

namespace examples {

namespace {

using nlohmann::json;
using shape_type = std::vector<std::size_t>;

static_assert(std::endian::native == std::endian::little);

// The last `bytes` bytes of a number, the lowest first.
template <int bytes>
std::string little(std::uint64_t number) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(number >> (8 * i) & 0xFFU);
  return text;
}

template <class Number>
std::string bytes_of(const std::vector<Number>& numbers) {
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(Number)};
}

std::string npy(const std::string& type, const shape_type& shape, const std::string& data) {
  return tutelage::npy_beginning(type, shape) + data;
}

// The letters of a text that is UTF-8.
std::vector<std::uint32_t> letters_of(const std::string& text) {
  std::vector<std::uint32_t> letters;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0U) == 0x80U && !letters.empty()) {
      letters.back() = letters.back() << 6 | (byte & 0x3FU);
    } else {
      letters.push_back(byte < 0x80 ? byte : byte < 0xE0 ? byte & 0x1FU : byte & 0x0FU);
    }
  }
  return letters;
}

// Texts of one width, in UTF-32.
std::string npy_of_texts(const std::vector<std::string>& texts) {
  std::size_t width = 1;
  for (const auto& text : texts) width = std::max(width, letters_of(text).size());
  std::vector<std::uint32_t> letters;
  for (const auto& text : texts) {
    const auto own = letters_of(text);
    letters.insert(letters.end(), own.begin(), own.end());
    letters.resize(letters.size() + width - own.size());
  }
  return npy("<U" + std::to_string(width), {texts.size()}, bytes_of(letters));
}

// A ZIP archive whose members are stored as they are.
class archive {
 public:
  void add(const std::string& name, const std::string& data) {
    constexpr std::size_t most = 0xFFFFFFFF;
    if (data.size() > most - bytes_.size() - name.size() - 30) {
      throw std::runtime_error("--npz: more than 4 GiB: ask for fewer --value");
    }
    const auto crc = ::crc32_z(0, reinterpret_cast<const Bytef*>(data.data()), data.size());
    const std::string file = name + ".npy";
    // Version 2.0, no flags, stored, midnight of 1980-01-01, checksum, sizes, length of the name.
    const std::string facts = little<2>(20) + little<2>(0) + little<2>(0) + little<2>(0) +
                              little<2>(33) + little<4>(crc) + little<4>(data.size()) +
                              little<4>(data.size()) + little<2>(file.size()) + little<2>(0);
    directory_ += "PK\x01\x02" + little<2>(20) + facts + little<2>(0) + little<2>(0) +
                  little<2>(0) + little<4>(0) + little<4>(bytes_.size()) + file;
    bytes_ += "PK\x03\x04" + facts + file + data;
    ++members_;
  }
  [[nodiscard]] std::string end() const {
    return bytes_ + directory_ + "PK\x05\x06" + little<4>(0) + little<2>(members_) +
           little<2>(members_) + little<4>(directory_.size()) + little<4>(bytes_.size()) +
           little<2>(0);
  }

 private:
  std::string bytes_, directory_;
  std::size_t members_ = 0;
};

// Makes `shape` large enough for a number or for lists of lists of them.
void fit(const json& value, shape_type& shape, std::size_t depth, const std::string& path) {
  if (!value.is_array()) {
    if (value.is_number() || value.is_boolean() || value.is_null()) return;
    throw std::runtime_error("--value: " + path + " holds " + value.type_name() +
                             ", and arrays have numbers");
  }
  if (shape.size() == depth) shape.push_back(0);
  shape[depth] = std::max(shape[depth], value.size());
  for (const auto& part : value) fit(part, shape, depth + 1, path);
}

// Writes where `value` has its numbers; `size` is the number of places that it may fill.
void fill(const json& value, const shape_type& shape, std::size_t depth, double* to,
          std::size_t size) {
  if (!value.is_array()) {
    if (value.is_number()) *to = value.get<double>();
    if (value.is_boolean()) *to = value.get<bool>() ? 1 : 0;
    return;
  }
  const std::size_t step = size / shape[depth];
  for (std::size_t i = 0; i < value.size(); ++i) {
    fill(value[i], shape, depth + 1, to + i * step, step);
  }
}

std::string npy_of_value(const run_index& index, const std::string& path) {
  shape_type shape;
  const json null;
  const auto value_in = [&](const json& row) -> const json& {
    const auto results = row.find("results");
    const json* const found = results == row.end() ? nullptr : find_value(*results, path);
    return found == nullptr ? null : *found;
  };
  for_each_run(index, [&](const run_key& /*key*/, run_status /*status*/, const json& row) {
    fit(value_in(row), shape, 0, path);
  });
  const std::size_t size =
      std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
  std::vector<double> numbers(index.runs().size() * size, std::numeric_limits<double>::quiet_NaN());
  double* to = numbers.data();
  for_each_run(index, [&](const run_key& /*key*/, run_status /*status*/, const json& row) {
    if (size > 0) fill(value_in(row), shape, 0, to, size);
    to += size;
  });
  shape.insert(shape.begin(), index.runs().size());
  return npy("<f8", shape, bytes_of(numbers));
}

}  // namespace

std::string table_npz(const run_index& index, const std::vector<std::string>& values) {
  archive result;
  std::vector<std::uint64_t> seeds;
  std::vector<std::string> statuses;
  std::map<std::string, std::vector<std::string>> axes;
  for (const auto& [key, entry] : index.runs()) {
    seeds.push_back(key.seed);
    statuses.push_back(to_string(entry.status));
    for (const auto& [name, value] : key.axes) axes[name].push_back(value);
  }
  for (const auto& [name, texts] : axes) {
    std::vector<double> numbers;
    for (const auto& text : texts) {
      if (const auto number = to_number<double>(text)) numbers.push_back(*number);
    }
    result.add(name, numbers.size() == texts.size()
                         ? npy("<f8", {numbers.size()}, bytes_of(numbers))
                         : npy_of_texts(texts));
  }
  result.add("seed", npy("<u8", {seeds.size()}, bytes_of(seeds)));
  result.add("status", npy_of_texts(statuses));
  std::vector<std::string> names;
  for (const auto& [name, texts] : axes) names.push_back(name);
  for (const auto& value : values.empty() ? read_table(index).values : values) {
    result.add(column_name(names, value), npy_of_value(index, value));
  }
  return result.end();
}

}  // namespace examples
