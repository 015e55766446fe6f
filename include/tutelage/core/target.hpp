// What the compiler builds for, as the name of an inline namespace: TUTELAGE_TARGET.
//
// All of the library but its exceptions lives in tutelage::inline TUTELAGE_TARGET. Objects built for
// different processors may be linked into one program: a function compiled for AVX-512 has another
// mangled name than the same function for the baseline, so that the linker cannot take the one for
// the other. Users write tutelage::dense as before. Exceptions are thrown in one object and caught
// in another, so they are the same types everywhere.
#pragma once

// Instruction sets that the kernels are written for, the best first.
#if defined(__AVX512F__)
#define TUTELAGE_TARGET avx512
#elif defined(__AVX2__) && defined(__FMA__)
#define TUTELAGE_TARGET avx2_fma
#elif defined(__AVX__)
#define TUTELAGE_TARGET avx
#else
#define TUTELAGE_TARGET baseline
#endif
