// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// What a compiler may use of an x86-64 processor without being asked: FEATURE(macro, name) for each
// macro that it defines then, and the name by which __builtin_cpu_supports knows it.
#define NODEZERO_PROCESSOR_FEATURES(FEATURE)      \
  FEATURE(__SSE3__, "sse3")                       \
  FEATURE(__SSSE3__, "ssse3")                     \
  FEATURE(__SSE4_1__, "sse4.1")                   \
  FEATURE(__SSE4_2__, "sse4.2")                   \
  FEATURE(__POPCNT__, "popcnt")                   \
  FEATURE(__MOVBE__, "movbe")                     \
  FEATURE(__LZCNT__, "lzcnt")                     \
  FEATURE(__BMI__, "bmi")                         \
  FEATURE(__BMI2__, "bmi2")                       \
  FEATURE(__TBM__, "tbm")                         \
  FEATURE(__ADX__, "adx")                         \
  FEATURE(__F16C__, "f16c")                       \
  FEATURE(__FMA__, "fma")                         \
  FEATURE(__FMA4__, "fma4")                       \
  FEATURE(__XOP__, "xop")                         \
  FEATURE(__AVX__, "avx")                         \
  FEATURE(__AVX2__, "avx2")                       \
  FEATURE(__AVXVNNI__, "avxvnni")                 \
  FEATURE(__GFNI__, "gfni")                       \
  FEATURE(__VPCLMULQDQ__, "vpclmulqdq")           \
  FEATURE(__AVX512F__, "avx512f")                 \
  FEATURE(__AVX512CD__, "avx512cd")               \
  FEATURE(__AVX512BW__, "avx512bw")               \
  FEATURE(__AVX512DQ__, "avx512dq")               \
  FEATURE(__AVX512VL__, "avx512vl")               \
  FEATURE(__AVX512IFMA__, "avx512ifma")           \
  FEATURE(__AVX512VBMI__, "avx512vbmi")           \
  FEATURE(__AVX512VBMI2__, "avx512vbmi2")         \
  FEATURE(__AVX512VNNI__, "avx512vnni")           \
  FEATURE(__AVX512BITALG__, "avx512bitalg")       \
  FEATURE(__AVX512VPOPCNTDQ__, "avx512vpopcntdq") \
  FEATURE(__AVX512BF16__, "avx512bf16")           \
  FEATURE(__AVX512FP16__, "avx512fp16")

/// Whether the program was compiled for a processor that has it; in the order of the list.
extern "C" const bool nodezero_needed_features[];
