// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "apps/nodezero/bench/bench_shapes.hpp"
#include "model/kernels/precision.hpp"

namespace nodezero::apps {

struct BenchOptions {
  std::string config = "A";
  std::uint32_t threads = 2;
  std::uint32_t spheres = 2;
  std::uint32_t sequences = 0;      ///< per step; 0: the configuration's
  std::uint32_t micro_batches = 0;  ///< per step; 0: one per thread
  double seconds = 8;
  model::Precision precision = model::Precision::fp32;
};

/// Trains on random tokens through the actors for the given time, with real steps that include
/// AdamW and clipping, and saves nothing. The result is one JSON object: configuration, median
/// and best milliseconds per step, tokens and operations per second, share of the peak that this
/// machine reaches in large matrix products, and peak memory. `parts_ms` is the mean time of a
/// step by part: a lane's work (forward, backward, reduction, optimizer) and its idle time, which
/// add up to the step, and the CPU time spent outside the lanes (messages), which overlaps with
/// them. `products_ms` is the time of the step's matrix products alone, and
/// `ceiling_tokens_per_second` the speed that would follow from it.
/// @throws CommandError if the configuration is unknown or the run fails
nlohmann::ordered_json run_bench(const BenchOptions& options);

}  // namespace nodezero::apps
