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
  std::uint32_t sequences = 0;      ///< a step; 0: the configuration's
  std::uint32_t micro_batches = 0;  ///< a step; 0: one a thread
  double seconds = 8;
  model::Precision precision = model::Precision::fp32;
};

/// Trains on random tokens through the actors for that long, real steps with AdamW and
/// clipping, nothing saved, and describes it as one JSON object: configuration, median and
/// best milliseconds a step, tokens and operations a second, share of the peak that this
/// machine reaches in large matrix products, largest memory. `parts_ms` says where a step's time
/// goes in the mean: what a lane computes (forward, backward, reduction, optimizer) and how long
/// it has nothing to do (idle), which add up to the step; and processor time outside of the
/// lanes (messages), which passes beside them. `products_ms` is what the step's matrix products
/// take alone, and the ceiling the speed that would follow.
/// @throws CommandError if the configuration is unknown or the run fails
nlohmann::ordered_json run_bench(const BenchOptions& options);

}  // namespace nodezero::apps
