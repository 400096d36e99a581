// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actors/hosts/host_settings.hpp"
#include "actors/messages.hpp"
#include "model/storage/checkpoint.hpp"
#include "nodezero/error.hpp"

namespace nodezero::actors {

/// Files of a run by name: run.json, origin.json, and the companions of its model.
using RunFiles = std::map<std::string, std::string>;

/// All that a run needs to go on. After each step every machine has it.
struct StateOfRun {
  HostSettings told;
  std::string model;  ///< TrainedModel::identity()
  RunFiles files;
  model::TrainingProgress progress;
  ParametersPtr weights;
  std::shared_ptr<const model::OptimizerState> optimizer;
};

/// As whole numbers; those of floating point as their bits.
std::vector<std::uint64_t> encode(const model::TrainingProgress& progress);
/// Fails with invalid_argument if encode() cannot have made them.
Result<model::TrainingProgress> decode_progress(const std::vector<std::uint64_t>& numbers);

/// FNV-1a over the bits of one block of 65,536 weights.
std::uint64_t hash_of_block(const model::Parameters& weights, std::size_t block);
/// Over all of them.
std::uint64_t hash_of(const model::Parameters& weights);

}  // namespace nodezero::actors
