// Arrays as files hold them: a name, a type, a shape, and the bytes where they lie.
//
// What all formats of io/ are read as. Numbers are converted when they are asked for; bytes need no
// alignment.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>

#include <tutelage/core/errors.hpp>
#include <tutelage/core/finite.hpp>
#include <tutelage/core/matrix.hpp>
#include <tutelage/core/scalar.hpp>
#include <type_traits>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

enum class element_type : std::uint8_t {
  boolean,
  int8,
  int16,
  int32,
  int64,
  uint8,
  uint16,
  uint32,
  uint64,
  float16,
  bfloat16,
  float32,
  float64
};

namespace detail {

// IEEE 754 half precision as bits: 1 sign, 5 exponent, 10 fraction.
struct half_bits {
  std::uint16_t bits;
  explicit operator float() const noexcept {
    const std::uint32_t sign = (bits & 0x8000U) << 16U;
    const std::uint32_t exponent = (bits >> 10U) & 0x1FU;
    const std::uint32_t fraction = bits & 0x3FFU;
    if (exponent == 0) {  // zero and subnormal: fraction 2^-24, exact in a float
      const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
      return sign != 0 ? -magnitude : magnitude;
    }
    const std::uint32_t wide = exponent == 31 ? 255 : exponent + 112;
    return std::bit_cast<float>(sign | wide << 23U | fraction << 13U);
  }
};

// The upper half of a float.
struct brain_bits {
  std::uint16_t bits;
  explicit operator float() const noexcept {
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16U);
  }
};

struct boolean_byte {
  std::uint8_t byte;
  explicit operator float() const noexcept { return byte == 0 ? 0.0F : 1.0F; }
};

// Calls visit with a value of the type that such elements have in memory.
template <class Visit>
decltype(auto) with_element(element_type type, Visit&& visit) {
  switch (type) {
    case element_type::boolean:
      return visit(boolean_byte{});
    case element_type::int8:
      return visit(std::int8_t{});
    case element_type::int16:
      return visit(std::int16_t{});
    case element_type::int32:
      return visit(std::int32_t{});
    case element_type::int64:
      return visit(std::int64_t{});
    case element_type::uint8:
      return visit(std::uint8_t{});
    case element_type::uint16:
      return visit(std::uint16_t{});
    case element_type::uint32:
      return visit(std::uint32_t{});
    case element_type::uint64:
      return visit(std::uint64_t{});
    case element_type::float16:
      return visit(half_bits{});
    case element_type::bfloat16:
      return visit(brain_bits{});
    case element_type::float32:
      return visit(float{});
    case element_type::float64:
      break;
  }
  return visit(double{});
}

template <class Element>
Element load_element(const unsigned char* from, bool swapped) noexcept {
  std::array<unsigned char, sizeof(Element)> raw;
  std::memcpy(raw.data(), from, sizeof(Element));
  if (swapped) std::reverse(raw.begin(), raw.end());
  return std::bit_cast<Element>(raw);
}

template <class T, class Element>
T converted(Element element) noexcept {
  if constexpr (std::is_arithmetic_v<Element>) {
    return static_cast<T>(static_cast<real_t<T>>(element));
  } else {
    return static_cast<T>(static_cast<real_t<T>>(static_cast<float>(element)));
  }
}

// Of a shape; NumPy's limit. A file of many more would take more memory than it has bytes.
inline constexpr std::size_t most_dimensions = 64;

/// The product of a shape's sizes times `size`; false when 64 bits do not hold it, even where a size
/// of 0 follows: no reader may trust such a shape.
inline bool product_of(std::span<const std::size_t> shape, std::size_t size, std::size_t& product) {
  bool zero = false;
  product = size;
  for (const std::size_t n : shape) {
    if (n == 0) {
      zero = true;
    } else if (__builtin_mul_overflow(product, n, &product)) {
      return false;
    }
  }
  if (zero) product = 0;
  return true;
}

// Of what a block of a file can have: float, double or std::uint64_t.
template <class T>
constexpr element_type type_of() {
  if constexpr (std::is_same_v<T, std::uint64_t>) {
    return element_type::uint64;
  } else {
    return std::is_same_v<T, float> ? element_type::float32 : element_type::float64;
  }
}

}  // namespace detail

/// Bytes of an element.
inline std::size_t size_of(element_type type) {
  return detail::with_element(type, [](auto element) { return sizeof(element); });
}

/// "float32", as error messages print a type.
inline std::string type_text(element_type type) {
  constexpr std::array names{"bool",     "int8",    "int16",  "int32",  "int64",
                             "uint8",    "uint16",  "uint32", "uint64", "float16",
                             "bfloat16", "float32", "float64"};
  return names[static_cast<std::size_t>(type)];
}

/// "(64, 10)", as Python prints a shape.
inline std::string shape_text(std::span<const std::size_t> shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += detail::text(i == 0 ? "" : ", ", shape[i]);
  }
  return text + (shape.size() == 1 ? ",)" : ")");
}

/// An array of a file. `bytes` belong to the file's memory and are as many as type and shape say.
struct named_array {
  std::string name;
  element_type type = element_type::float64;
  std::vector<std::size_t> shape;  // empty: one number
  std::span<const unsigned char> bytes;
  bool column_major = false;  // the first index runs fastest (NumPy's fortran_order)
  bool big_endian = false;
  std::string file;          // where it lies, for errors
  std::uint64_t offset = 0;  // of its first byte

  /// Elements.
  [[nodiscard]] std::size_t size() const { return bytes.size() / size_of(type); }

  /// All numbers, in row-major order. Throws shape_error unless `out` has size() elements.
  template <class T>
  void read(std::span<T> out) const {
    if (out.size() != size()) {
      throw shape_error(
          detail::text("read: ", name, " has ", size(), " elements, expected ", out.size()));
    }
    if (!column_major) return read_from(0, out);
    detail::with_element(type, [&]<class Element>(Element) {
      std::vector<std::size_t> at(shape.size(), 0);
      for (T& x : out) {
        std::size_t place = 0;
        for (std::size_t d = shape.size(); d-- > 0;) place = place * shape[d] + at[d];
        convert<Element>(place, std::span(&x, 1));
        for (std::size_t d = shape.size(); d-- > 0 && ++at[d] == shape[d];) at[d] = 0;
      }
    });
  }

  /// Numbers first, first + 1, ... in row-major order, as many as `out` takes, of an array that is not
  /// column-major. Throws shape_error where there are not so many.
  template <class T>
  void read_from(std::size_t first, std::span<T> out) const {
    if (column_major || first > size() || out.size() > size() - first) {
      throw shape_error(detail::text("read_from: ", out.size(), " elements from ", first, " on, ",
                                     name, " has ", size()));
    }
    detail::with_element(type, [&]<class Element>(Element) { convert<Element>(first, out); });
  }

  /// All numbers into `values`, whose numbers in row-major order are the array's, or, `transposed`,
  /// whose transpose's are. Throws shape_error unless they are equally many.
  template <class T>
  void read(const matrix_view<T>& values, bool transposed) const {
    const std::size_t rows = values.rows(), cols = values.cols();
    if (rows * cols != size()) {
      throw shape_error(detail::text("read: ", name, " has ", size(), " elements, expected ",
                                     shape_text(rows, cols)));
    }
    if (size() == 0) return;
    // As [A, B] the array has its elements (a, b) at a B + b, or at b A + a.
    const std::size_t A = transposed ? cols : rows, B = transposed ? rows : cols;
    const bool by_columns = column_major && shape.size() >= 2;
    if (by_columns && (shape.size() > 2 || shape[0] != A)) {
      std::vector<T> all(size());
      read(std::span<T>(all));
      for (std::size_t i = 0; i < all.size(); ++i) {
        (transposed ? values(i % rows, i / rows) : values(i / cols, i % cols)) = all[i];
      }
      return;
    }
    const std::size_t of_a = by_columns ? 1 : B, of_b = by_columns ? A : 1;
    if (transposed) {
      copy_strided(values, of_b, of_a);
    } else {
      copy_strided(values, of_a, of_b);
    }
  }

  /// Throws format_error, naming the element and its byte, for one that is no finite number in T.
  template <scalar T>
  void require_finite() const {
    detail::with_element(type, [&]<class Element>(Element) {
      using real = real_t<T>;
      if constexpr (!std::is_integral_v<Element> &&
                    !std::is_same_v<Element, detail::boolean_byte>) {
        std::array<real, 1024> piece;
        for (std::size_t first = 0; first < size(); first += piece.size()) {
          const std::size_t count = std::min(piece.size(), size() - first);
          convert<Element>(first, std::span(piece).first(count));
          if (detail::all_finite(piece.data(), count)) continue;
          std::size_t i = 0;
          while (std::isfinite(piece[i])) ++i;
          throw format_error(
              file, offset + (first + i) * sizeof(Element), name,
              detail::text("element ", first + i, " is ", piece[i], ", expected finite numbers"));
        }
      }
    });
  }

 private:
  [[nodiscard]] bool swapped() const noexcept {
    return big_endian != (std::endian::native == std::endian::big);
  }

  // The element at a place of memory.
  template <class T, class Element, bool swap>
  [[nodiscard]] T number(std::size_t place) const noexcept {
    return detail::converted<T>(
        detail::load_element<Element>(bytes.data() + place * sizeof(Element), swap));
  }

  // Calls visit with whether bytes are swapped, as a constant.
  template <class Visit>
  void with_order(const Visit& visit) const {
    if (swapped()) {
      visit(std::true_type());
    } else {
      visit(std::false_type());
    }
  }

  // Elements first, first + 1, ... as they lie.
  template <class Element, class T>
  void convert(std::size_t first, std::span<T> out) const {
    with_order([&](auto swap) {
      if constexpr (std::is_same_v<T, Element> && !swap()) {
        if (!out.empty()) {
          std::memcpy(out.data(), bytes.data() + first * sizeof(Element), out.size_bytes());
        }
      } else {
        for (std::size_t i = 0; i < out.size(); ++i) out[i] = number<T, Element, swap()>(first + i);
      }
    });
  }

  // values(i, k) is the element at i of_row + k of_col.
  template <class T>
  void copy_strided(const matrix_view<T>& values, std::size_t of_row, std::size_t of_col) const {
    if (size() == 0) return;
    detail::with_element(type, [&]<class Element>(Element) {
      if (of_col == 1) {
        for (std::size_t i = 0; i < values.rows(); ++i) convert<Element>(i * of_row, values.row(i));
        return;
      }
      // So many columns at a time, whose elements lie apart: those beside them stay in the cache.
      constexpr std::size_t wide = 64;
      with_order([&](auto swap) {
        for (std::size_t k0 = 0; k0 < values.cols(); k0 += wide) {
          const std::size_t k1 = std::min(values.cols(), k0 + wide);
          for (std::size_t i = 0; i < values.rows(); ++i) {
            T* const row = values.row(i).data();
            for (std::size_t k = k0; k < k1; ++k) {
              row[k] = number<T, Element, swap()>(i * of_row + k * of_col);
            }
          }
        }
      });
    });
  }
};

}  // namespace tutelage
