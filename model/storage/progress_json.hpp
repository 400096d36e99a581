// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/storage/checkpoint.hpp"

namespace nodezero::model {

/// A checkpoint's progress.json.
struct StoredProgress {
  TrainingProgress progress;
  std::uint64_t optimizer_step = 0;  ///< OptimizerState::step

  friend bool operator==(const StoredProgress&, const StoredProgress&) = default;
};

/// Fractions are written as strings with as many digits as they need to come back bit for
/// bit, infinity included, which JSON's own numbers cannot be.
std::string progress_to_json(const StoredProgress& stored);
Result<StoredProgress> progress_from_json(std::string_view json);

/// The progress with the longest JSON, for formats that leave room for any progress.
StoredProgress longest_progress();

}  // namespace nodezero::model
