// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/settings.hpp"
#include "apps/nodezero/options/given_options.hpp"
#include "apps/nodezero/serving/serving_options.hpp"
#include "apps/nodezero/terminal/json_answer.hpp"
#include "apps/nodezero/train/data_set.hpp"
#include "apps/nodezero/train/plan.hpp"
#include "apps/nodezero/train/run_folder.hpp"
#include "apps/nodezero/train/run_record.hpp"

namespace nodezero::apps {

/// What `nodezero train` was asked for.
struct TrainRequest {
  GivenOptions given;  ///< from the command line; `out` may be empty with `plan`
  std::string config;  ///< file with more options, or empty
  bool resume = false;
  std::optional<std::uint64_t>
      from_step;      ///< the checkpoint to resume from; the newest if not given
  bool plan = false;  ///< print the plan instead of training
  bool accept_other_arithmetic = false;
  JsonOptions output;  ///< of the plan
  std::string serve;   ///< [ADDRESS:]PORT to answer requests for text at; empty: nowhere
  ServingFlags serving;
  double serve_share = 0.2;          ///< of the lanes' time
  std::uint64_t serve_versions = 4;  ///< of the weights that answers may hold
};

/// A run that has passed every check that can be made before its first step.
struct PreparedRun {
  TrainOptions options;
  DataSet data;
  RunRecord record;  ///< as it will be written when the run starts
  actors::RunSettings settings;
  Plan plan;
  std::unique_ptr<RunFolder> folder;  ///< null for a plan
  std::vector<std::string> remarks;   ///< notes for people about what was found
  bool removes_later = false;         ///< whether checkpoints of later steps stand in the way
};

/// Merges the options, opens the data, finds the checkpoint and computes the plan. Creates and
/// locks the run folder, but writes nothing into it.
/// @throws CommandError with exit_bad_input
PreparedRun prepare_run(const TrainRequest& request);

}  // namespace nodezero::apps
