// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "actors/settings.hpp"
#include "apps/nodezero/train/data_set.hpp"

namespace nodezero::apps {

/// What a run will need, worked out before anything of its size is allocated.
struct Plan {
  struct Memory {
    std::string what;
    std::string detail;  ///< how the bytes come about
    std::uint64_t bytes = 0;
  };

  std::uint64_t parameters = 0;
  std::vector<Memory> memory;
  std::uint64_t steps = 0;  ///< over all epochs
  double epochs = 0;
  std::uint64_t tokens_a_step = 0;    ///< of a full step
  std::uint64_t training_tokens = 0;  ///< targets over all steps, padding not counted
  std::uint64_t evaluations = 0;
  std::uint64_t evaluation_tokens = 0;  ///< of one evaluation
  std::uint32_t lanes = 0;
  std::string lanes_from;  ///< what their number was taken from

  /// The sum over `memory`.
  std::uint64_t total_bytes() const;
};

/// Gradient buffers that can be live at a time with `lanes` lanes and n = `micro_batches`:
/// lanes + ceil(log2 n) + 2, and never more than n.
std::uint32_t gradient_buffers(std::uint32_t lanes, std::uint32_t micro_batches);

Plan make_plan(const actors::RunSettings& settings, const DataSet& data);

/// Seconds that the run may take on this machine, from a timed micro-batch of a model of the
/// same width, heads and context but fewer layers. Takes about a second; an estimate.
double estimate_seconds(const Plan& plan, const actors::RunSettings& settings);

/// How fast this processor computes the model in each precision beside fp32, for people. Takes a
/// second or two.
std::string precisions_text(const actors::RunSettings& settings);

/// A warning if this processor computes the run's precision more slowly than fp32, from a
/// measurement that a run in fp32 is spared.
std::optional<std::string> slow_precision(const actors::RunSettings& settings);

/// @throws CommandError with the figures if the plan needs more than `available` bytes
void check_memory(const Plan& plan, std::uint64_t available);

/// Several lines for people: what the run will be. `seconds` below 0: no estimate.
std::string to_string(const Plan& plan, std::uint64_t available, double seconds);

/// The same as JSON, but for `command`, `format` and what is remarked.
nlohmann::ordered_json plan_as_json(const Plan& plan, std::uint64_t available, double seconds);

}  // namespace nodezero::apps
