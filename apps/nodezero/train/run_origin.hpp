// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "apps/nodezero/options/train_options.hpp"
#include "model/kernels/arithmetic.hpp"

namespace nodezero::apps {

/// What a checkpoint was computed from, as each checkpoint keeps it under its checksums. run.json
/// says the same, but it is a file that people open and edit.
struct RunOrigin {
  /// From a step on, the run was planned to have so many steps in all.
  struct Length {
    std::uint64_t from_step = 0;
    std::uint64_t steps = 0;
  };

  int arithmetic = model::arithmetic_version;
  nlohmann::json options;  ///< those that the weights depend on, but for the length and for paths
  nlohmann::json data;     ///< as in run.json
  std::vector<Length> lengths;  ///< in the order of steps; the first is from step 0
};

/// The origin of a run with these options and data that was never extended.
RunOrigin origin_of(const TrainOptions& options, nlohmann::json data, std::uint64_t steps);

std::string to_text(const RunOrigin& origin);

/// @throws CommandError if it is damaged
RunOrigin origin_from_text(std::string_view text);

/// What run.json says differently, as a clause that names the option and both values; nothing if
/// both agree.
std::optional<std::string> origin_difference(const RunOrigin& checkpoint,
                                             const RunOrigin& recorded);

}  // namespace nodezero::apps
