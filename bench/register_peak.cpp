// SPDX-License-Identifier: BSD-3-Clause
#include "bench/register_peak.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <immintrin.h>

namespace nodezero::bench {
namespace {

constexpr int repetitions = 1 << 16, rounds = 20;

/// As many sums as hide the time of an instruction, and leave registers for its factors.
constexpr int sums = 12;

[[gnu::target("avx2,fma")]] void fma_of_eight() {
  __m256 sum[sums] = {}, a = _mm256_set1_ps(0.5F), b = _mm256_set1_ps(0.25F);
  for (auto& s : sum) {
    asm volatile("" : "+x"(s));  // or one would stand for all
  }
  for (int i = 0; i < repetitions; ++i) {
    asm volatile("" : "+x"(a), "+x"(b));
#pragma GCC unroll 12
    for (auto& s : sum) {
      s = _mm256_fmadd_ps(a, b, s);
    }
  }
  for (auto& s : sum) {
    asm volatile("" ::"x"(s));
  }
}

[[gnu::target("avx512f")]] void fma_of_sixteen() {
  __m512 sum[sums] = {}, a = _mm512_set1_ps(0.5F), b = _mm512_set1_ps(0.25F);
  for (auto& s : sum) {
    asm volatile("" : "+v"(s));  // or one would stand for all
  }
  for (int i = 0; i < repetitions; ++i) {
    asm volatile("" : "+v"(a), "+v"(b));
#pragma GCC unroll 12
    for (auto& s : sum) {
      s = _mm512_fmadd_ps(a, b, s);
    }
  }
  for (auto& s : sum) {
    asm volatile("" ::"v"(s));
  }
}

[[gnu::target("avx512f,avx512bf16")]] void pairs_of_sixteen() {
  __m512 sum[sums] = {}, a = _mm512_set1_ps(0.5F), b = _mm512_set1_ps(0.25F);
  for (auto& s : sum) {
    asm volatile("" : "+v"(s));  // or one would stand for all
  }
  for (int i = 0; i < repetitions; ++i) {
    asm volatile("" : "+v"(a), "+v"(b));
#pragma GCC unroll 12
    for (auto& s : sum) {
      s = _mm512_dpbf16_ps(s, (__m512bh)a, (__m512bh)b);
    }
  }
  for (auto& s : sum) {
    asm volatile("" ::"v"(s));
  }
}

constexpr int tiles = 4;

[[gnu::target("amx-tile,amx-bf16")]] void tiles_of_sixteen() {
  alignas(64) std::uint8_t configuration[64] = {1};
  for (int tile = 0; tile < 8; ++tile) {
    configuration[16 + 2 * tile] = 64;  // bytes of a row
    configuration[48 + tile] = 16;      // rows
  }
  asm volatile("" ::"r"(configuration) : "memory");
  _tile_loadconfig(configuration);
  for (int i = 0; i < repetitions; ++i) {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_release();
}

double best_rate(void (*run)(), double operations) {
  using Clock = std::chrono::steady_clock;
  double best = 0;
  for (int round = 0; round < rounds; ++round) {
    const auto begin = Clock::now();
    run();
    const std::chrono::duration<double> time = Clock::now() - begin;
    best = std::max(best, operations * repetitions / time.count());
  }
  return best;
}

}  // namespace

double register_peak(std::string_view level, model::Precision precision) {
  if (level == "v3") {
    return best_rate(fma_of_eight, 2.0 * 8 * sums);
  }
  if (level == "amx" && precision == model::Precision::bf16_tile) {
    return best_rate(tiles_of_sixteen, 2.0 * 16 * 16 * 32 * tiles);
  }
  if (level == "avx512-bf16" && precision == model::Precision::bf16) {
    return best_rate(pairs_of_sixteen, 4.0 * 16 * sums);
  }
  if (level == "v4" || level == "avx512-bf16" || level == "amx") {
    return best_rate(fma_of_sixteen, 2.0 * 16 * sums);
  }
  return 0;
}

}  // namespace nodezero::bench
