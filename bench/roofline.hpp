// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <vector>

#include <benchmark/benchmark.h>

#include "apps/nodezero/bench/peak_rate.hpp"

namespace nodezero::bench {

/// Bytes a second that one core moves in a[i] = b[i] + s c[i] over arrays of that many bytes in
/// all, the best of some rounds: the roof of memory for a kernel with that working set, in
/// whichever level of cache it lies. (McCalpin's STREAM triad.)
inline double triad_rate(std::size_t bytes) {
  static std::map<std::size_t, double> known;
  double& rate = known[bytes];
  if (rate == 0) {
    const std::size_t size = std::max<std::size_t>(bytes / 12, 64);
    std::vector<float> a(size), b(size, 1), c(size, 2);
    const std::size_t repetitions = std::max<std::size_t>(1, (std::size_t{32} << 20) / bytes);
    for (int round = 0; round < 5; ++round) {
      const auto begin = std::chrono::steady_clock::now();
      for (std::size_t r = 0; r < repetitions; ++r) {
        for (std::size_t i = 0; i < size; ++i) {
          a[i] = b[i] + 3 * c[i];
        }
        benchmark::ClobberMemory();
      }
      const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
      rate = std::max(rate, static_cast<double>(12 * size * repetitions) / time.count());
    }
  }
  return rate;
}

/// Floating-point operations a second of large fp32 products on one core.
inline double product_rate() {
  static const double rate = apps::measure_peak_rate(1, model::Precision::fp32);
  return rate;
}

/// Adds to a benchmark's line what it reaches and the share of the roofline model's bound
/// (Williams, Waterman, Patterson, CACM 2009): the longer of the time that its operations take at
/// the rate of large products and the time that its bytes take at the triad's, over its own.
inline void report(benchmark::State& state, double operations, double bytes) {
  const double bound =
      std::max(operations / product_rate(), bytes / triad_rate(static_cast<std::size_t>(bytes)));
  using benchmark::Counter;
  state.counters["GFLOP/s"] = Counter(operations * 1e-9, Counter::kIsIterationInvariantRate);
  state.counters["GB/s"] = Counter(bytes * 1e-9, Counter::kIsIterationInvariantRate);
  state.counters["roofline"] = Counter(bound, Counter::kIsIterationInvariantRate);
}

}  // namespace nodezero::bench
