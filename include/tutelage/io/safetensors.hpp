// Safetensors: named arrays of any number.
//
//   bytes 0-7   length H of the header, little-endian, at most 100 MB
//   then        H bytes of JSON, perhaps with blanks at the end:
//               {"0.weight": {"dtype": "F32", "shape": [50, 100], "data_offsets": [0, 20000]}, ...}
//               and perhaps "__metadata__": texts by name
//   then        the elements, little-endian, one array after the other, without holes
//
// The header is read event by event: no tree of a hostile header is ever in memory. Needs
// nlohmann-json (CMake component `io`).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>

#include <tutelage/io/named_array.hpp>
#include <utility>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

/// What a safetensors file holds: arrays in its header's order, and texts by name.
struct safetensors {
  std::vector<named_array> arrays;
  std::map<std::string, std::string> metadata;
};

namespace detail {

// An iterator that leaves its place in `at`: the parser says where it is in the errors of its own
// only.
class counted_text {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  counted_text(const char* p, const char** at) : p_(p), at_(at) {}
  reference operator*() const { return *p_; }
  counted_text& operator++() {
    *at_ = ++p_;
    return *this;
  }
  counted_text operator++(int) {
    auto before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const counted_text& a, const counted_text& b) { return a.p_ == b.p_; }
  friend bool operator!=(const counted_text& a, const counted_text& b) { return a.p_ != b.p_; }

 private:
  const char* p_;
  const char** at_;
};

// Takes the header's events, and refuses each that has no place in one.
class safetensors_header {
 public:
  using json = nlohmann::json;

  safetensors_header(std::string_view text, const std::string& file, safetensors& result)
      : begin_(text.data()), at_(text.data()), file_(file), result_(result) {
    json::sax_parse(counted_text(text.data(), &at_), counted_text(text.data() + text.size(), &at_),
                    this);
  }

  // [first, last) of each array's data, and where its entry ends in the file.
  struct range {
    std::uint64_t first, last, place;
  };
  [[nodiscard]] const std::vector<range>& ranges() const noexcept { return ranges_; }

  bool start_object(std::size_t) {
    if (depth_ == 0) {
      depth_ = 1;
    } else if (depth_ == 1) {
      depth_ = 2;
      in_metadata_ = name_ == "__metadata__";
      has_type_ = has_shape_ = has_offsets_ = false;
      if (!in_metadata_) {
        result_.arrays.emplace_back().name = name_;
        result_.arrays.back().file = file_;
      }
    } else {
      unexpected("an object");
    }
    return true;
  }
  bool end_object() {
    --depth_;
    if (depth_ == 1 && !in_metadata_) {
      const auto require = [&](bool has, const char* what) {
        if (!has) fail(name_, text("no ", what));
      };
      require(has_type_, "dtype");
      require(has_shape_, "shape");
      require(has_offsets_, "data_offsets");
      finish_array();
    }
    field_.clear();
    return true;
  }
  bool key(std::string& k) {
    if (depth_ == 1) {
      name_ = k;
      if (!names_.insert(k).second) fail(k, "is there twice");
    } else if (in_metadata_) {
      field_ = k;
      if (result_.metadata.count(k) != 0) fail("__metadata__", text("'", k, "' is there twice"));
    } else {
      field_ = k;
      bool& has = k == "dtype"          ? has_type_
                  : k == "shape"        ? has_shape_
                  : k == "data_offsets" ? has_offsets_
                                        : unknown(k);
      if (has) fail(name_, text("'", k, "' is there twice"));
      has = true;
    }
    return true;
  }
  bool string(std::string& s) {
    if (depth_ == 2 && in_metadata_) {
      result_.metadata[field_] = s;
    } else if (depth_ == 2 && field_ == "dtype" && !in_list_) {
      result_.arrays.back().type = type_named(s);
    } else {
      unexpected("a string");
    }
    return true;
  }
  bool number_unsigned(std::uint64_t n) {
    if (!in_list_) unexpected("a number");
    if (field_ == "shape") {
      auto& shape = result_.arrays.back().shape;
      if (shape.size() == most_dimensions) fail(name_, "shape has too many sizes");
      shape.push_back(n);
    } else {
      if (offsets_ == 2) fail(name_, "data_offsets are more than two");
      offset_[offsets_++] = n;
    }
    return true;
  }
  bool start_array(std::size_t) {
    if (depth_ != 2 || in_metadata_ || in_list_ ||
        (field_ != "shape" && field_ != "data_offsets")) {
      unexpected("a list");
    }
    in_list_ = true;
    if (field_ == "data_offsets") offsets_ = 0;
    return true;
  }
  bool end_array() {
    in_list_ = false;
    if (field_ == "data_offsets" && offsets_ != 2) fail(name_, "data_offsets are fewer than two");
    return true;
  }
  bool null() { return unexpected("null"); }
  bool boolean(bool) { return unexpected("a boolean"); }
  bool number_integer(std::int64_t) { return unexpected("a negative number"); }
  bool number_float(double, const std::string&) {
    return unexpected("a number that is not whole, or beyond 64 bits");
  }
  bool binary(json::binary_t&) { return unexpected("bytes"); }
  bool parse_error(std::size_t, const std::string&, const json::exception& e) {
    const std::string_view what = e.what();
    const auto colon = what.find(": ");  // after the library's own words
    std::string problem(colon == what.npos ? what : what.substr(colon + 2));
    for (char& c : problem) c = c >= ' ' && c <= '~' ? c : '?';  // it quotes the header
    fail("header", problem);
  }

 private:
  [[noreturn]] void fail(const std::string& field, const std::string& problem) const {
    throw format_error(file_, place(), field, problem);
  }
  [[nodiscard]] std::uint64_t place() const { return 8 + static_cast<std::uint64_t>(at_ - begin_); }
  [[noreturn]] bool unexpected(const char* what) const {
    fail(depth_ == 0 || name_.empty() ? "header" : name_,
         text(field_, field_.empty() ? "" : ": ", what, " has no place here"));
  }
  [[noreturn]] bool& unknown(const std::string& k) const {
    fail(name_, text("unknown key '", k, "'"));
  }

  [[nodiscard]] element_type type_named(const std::string& s) const {
    struct known {
      std::string_view name;
      element_type type;
    };
    constexpr std::array<known, 13> types{{{"F32", element_type::float32},
                                           {"F64", element_type::float64},
                                           {"F16", element_type::float16},
                                           {"BF16", element_type::bfloat16},
                                           {"I8", element_type::int8},
                                           {"I16", element_type::int16},
                                           {"I32", element_type::int32},
                                           {"I64", element_type::int64},
                                           {"U8", element_type::uint8},
                                           {"U16", element_type::uint16},
                                           {"U32", element_type::uint32},
                                           {"U64", element_type::uint64},
                                           {"BOOL", element_type::boolean}}};
    for (const auto& [name, type] : types) {
      if (s == name) return type;
    }
    fail(name_, text("dtype '", s, "' is not read"));
  }

  // Its size must be what its offsets say; where it lies is checked when all are known.
  void finish_array() {
    const named_array& array = result_.arrays.back();
    std::size_t size = 0;
    if (!product_of(array.shape, size_of(array.type), size)) {
      fail(name_, "shape: its product is beyond any file");
    }
    if (offset_[0] > offset_[1] || offset_[1] - offset_[0] != size) {
      fail(name_,
           text("data_offsets ", offset_[0], " to ", offset_[1], ", but ", shape_text(array.shape),
                " of ", type_text(array.type), " are ", size, " bytes"));
    }
    ranges_.push_back({offset_[0], offset_[1], place()});
  }

  const char* begin_;
  const char* at_;
  const std::string& file_;
  safetensors& result_;
  int depth_ = 0;
  bool in_metadata_ = false, in_list_ = false;
  bool has_type_ = false, has_shape_ = false, has_offsets_ = false;
  std::string name_, field_;
  std::array<std::uint64_t, 2> offset_{};
  std::size_t offsets_ = 0;
  std::unordered_set<std::string> names_;
  std::vector<range> ranges_;
};

}  // namespace detail

/// The arrays in the bytes of a safetensors file, which errors call `file`. Throws format_error for
/// bytes that are anything else: a header that is too long or no such JSON, a name or key twice, an
/// unknown type, offsets that do not fit type and shape, overlap or leave a hole.
inline safetensors parse_safetensors(std::span<const unsigned char> bytes,
                                     const std::string& file) {
  constexpr std::size_t begin = 8, longest_header = 100'000'000;
  if (bytes.size() < begin) throw format_error(file, bytes.size(), "header", "the file is cut off");
  std::uint64_t length = 0;
  for (std::size_t i = begin; i-- > 0;) length = length << 8U | bytes[i];
  if (length > longest_header) {
    throw format_error(file, 0, "header", detail::text(length, " bytes, expected at most 100 MB"));
  }
  if (length > bytes.size() - begin) {
    throw format_error(file, bytes.size(), "header",
                       detail::text("the file is cut off: ", length, " bytes announced"));
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + begin, length);
  if (text.empty() || text.front() != '{') {
    throw format_error(file, begin, "header", "does not begin with '{'");
  }
  safetensors result;
  const detail::safetensors_header header(text, file, result);

  // In the order of their data the arrays follow each other to the end of the file.
  const auto& ranges = header.ranges();
  std::vector<std::size_t> order(ranges.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::pair(ranges[a].first, ranges[a].last) < std::pair(ranges[b].first, ranges[b].last);
  });
  const std::uint64_t data_size = bytes.size() - begin - length;
  std::uint64_t end = 0;
  for (const std::size_t i : order) {
    const auto& [first, last, place] = ranges[i];
    named_array& array = result.arrays[i];
    if (first != end) {
      throw format_error(
          file, place, array.name,
          detail::text("data_offsets begin at ", first, ", ",
                       first < end ? "inside another array" : "after a hole", ", expected ", end));
    }
    if (last > data_size) {
      throw format_error(file, place, array.name,
                         detail::text("data_offsets end at ", last, ", the file has ", data_size,
                                      " bytes after its header"));
    }
    array.offset = begin + length + first;
    array.bytes = bytes.subspan(array.offset, last - first);
    end = last;
  }
  if (end != data_size) {
    throw format_error(file, begin + length + end, "elements", "bytes follow after the last array");
  }
  return result;
}

}  // namespace tutelage
