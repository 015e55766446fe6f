// CRC-32 as zlib has it, at the speed of reading.
//
//   crc of a message M(x) = M(x) x^32 mod P,   P = x^32 + x^26 + ... + 1, bits reflected
//
// zlib takes a table's entry for 8 bytes, about 1 GB/s. With carry-less products four registers of
// 128 bits each stand for the message so far: as a polynomial, hi x^64 + lo, over the 512 bits that
// follow,
//
//   (hi x^64 + lo) x^512 = hi x^(512 + 64) + lo x^512  mod P,
//
// two products with constants of 32 bits, added to what follows (Gopal et al., Fast CRC Computation
// for Generic Polynomials Using PCLMULQDQ, Intel 2009). At the end one register is left, 16 bytes of
// the same checksum as all that went in, of which zlib makes it. A processor without
// the instruction is seen at run time.
#pragma once

#include <zlib.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <tutelage/core/target.hpp>

namespace tutelage::inline TUTELAGE_TARGET::detail {

inline std::uint32_t zlib_crc32(std::uint32_t crc, std::span<const unsigned char> bytes) {
  return static_cast<std::uint32_t>(::crc32_z(crc, bytes.data(), bytes.size()));
}

#if defined(__x86_64__)

// x^n mod P, reflected: the coefficient of x^31 is bit 0. A product of reflected numbers is one place
// short of where it belongs, which the place up mends.
constexpr std::int64_t folding_constant(std::size_t n) {
  constexpr std::uint32_t P = 0xEDB88320;
  std::uint32_t power = 1U << 31U;  // x^0
  for (std::size_t i = 0; i < n; ++i) power = power >> 1U ^ ((power & 1U) != 0 ? P : 0U);
  return static_cast<std::int64_t>(std::uint64_t{power} << 1U);
}

[[gnu::target("pclmul")]] inline __m128i load_register(const unsigned char* from) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}

// A register's message, `bits` ahead of `next`. Its low half came first.
template <std::size_t bits>
[[gnu::target("pclmul")]] inline __m128i fold_into(__m128i sum, __m128i next) {
  constexpr std::int64_t early = folding_constant(bits + 32), late = folding_constant(bits - 32);
  const __m128i constants = _mm_set_epi64x(late, early);
  const __m128i first = _mm_clmulepi64_si128(sum, constants, 0x00);
  const __m128i second = _mm_clmulepi64_si128(sum, constants, 0x11);
  return _mm_xor_si128(_mm_xor_si128(first, second), next);
}

// 16 bytes and what follows them have the checksum of the whole, begun with zeros.
struct folded_bytes {
  std::array<unsigned char, 16> begin;
  std::span<const unsigned char> rest;
};

// At least 64 bytes.
[[gnu::target("pclmul")]] inline folded_bytes fold_bytes(std::uint32_t crc,
                                                         std::span<const unsigned char> bytes) {
  constexpr std::size_t wide = 16, registers = 4, step = registers * wide;
  __m128i sums[registers];
  for (std::size_t r = 0; r < registers; ++r) sums[r] = load_register(bytes.data() + r * wide);
  sums[0] = _mm_xor_si128(sums[0], _mm_cvtsi32_si128(static_cast<int>(~crc)));
  bytes = bytes.subspan(step);
  for (; bytes.size() >= step; bytes = bytes.subspan(step)) {
    for (std::size_t r = 0; r < registers; ++r) {
      sums[r] = fold_into<8 * step>(sums[r], load_register(bytes.data() + r * wide));
    }
  }
  __m128i sum = sums[0];
  for (std::size_t r = 1; r < registers; ++r) sum = fold_into<8 * wide>(sum, sums[r]);
  folded_bytes result{{}, bytes};
  _mm_storeu_si128(reinterpret_cast<__m128i*>(result.begin.data()), sum);
  return result;
}

#endif

/// The checksum of a message that goes on with `bytes`; before it, 0.
inline std::uint32_t add_crc32(std::uint32_t crc, std::span<const unsigned char> bytes) {
#if defined(__x86_64__)
  constexpr std::size_t worth_it = 128;
  if (bytes.size() >= worth_it && __builtin_cpu_supports("pclmul") != 0) {
    const auto folded = fold_bytes(crc, bytes);
    crc = zlib_crc32(~std::uint32_t{0}, folded.begin);
    bytes = folded.rest;
  }
#endif
  return bytes.empty() ? crc
                       : zlib_crc32(crc, bytes);  // zlib begins anew where there is no address
}

}  // namespace tutelage::detail
