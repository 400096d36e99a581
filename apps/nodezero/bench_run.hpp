#pragma once

#include <cstdint>
#include <string>

#include "apps/nodezero/bench_shapes.hpp"
#include "model/precision.hpp"

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
/// machine reaches in large matrix products, largest memory.
/// @throws CommandError if the configuration is unknown or the run fails
std::string run_bench(const BenchOptions& options);

}  // namespace nodezero::apps
