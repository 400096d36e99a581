// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "apps/nodezero/train/plan.hpp"

namespace nodezero::apps {

/// How many times as fast a step would be on several machines like this one.
struct Scaling {
  double speedup = 1;
  double exchange_seconds = 0;  ///< of a step, in which nobody computes
};

/// For `machines` that are joined by links of so many bits per second. `seconds_a_step`: on one
/// machine. From what crosses, what that costs in TLS, and how a step's micro-batches divide.
Scaling scaling(const Plan& plan, const model::TrainingConfig& training, double seconds_a_step,
                std::uint32_t machines, double bits_per_second);

/// A table for 2, 8 and 64 machines at 1, 10 and 25 Gbit/s. `seconds`: of the whole run on this
/// one.
std::string machines_text(const Plan& plan, const actors::RunSettings& settings, double seconds);

/// The same as a list; null if `seconds` is not known.
nlohmann::ordered_json machines_as_json(const Plan& plan, const actors::RunSettings& settings,
                                        double seconds);

}  // namespace nodezero::apps
