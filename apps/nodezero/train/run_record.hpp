// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "apps/nodezero/options/train_options.hpp"

namespace nodezero::apps {

/// run.json: what a run was made from and how it ended. Written when the run starts and again
/// when it ends, atomically.
struct RunRecord {
  std::uint64_t run = 0;  ///< identifies the run over its resumptions; 16 hexadecimal digits
  std::string started;    ///< UTC, ISO 8601
  TrainOptions options;
  nlohmann::json data;       ///< describe(DataSet)
  nlohmann::json model;      ///< parameters, and the sizes as in ModelConfig
  nlohmann::json versions;   ///< of this program, its libraries and its compiler
  nlohmann::json processor;  ///< name, cores, instruction sets
  nlohmann::json sessions = nlohmann::json::array();  ///< one object each time it was run
  nlohmann::json results;                             ///< null until a session has ended
};

/// The record of a run folder; nothing if the folder has none.
/// @throws CommandError if there is one that cannot be read
std::optional<RunRecord> read_run_record(const std::filesystem::path& folder);

/// @throws CommandError with `exit_code` if it cannot be written
void write_run_record(const std::filesystem::path& folder, const RunRecord& record, int exit_code);

}  // namespace nodezero::apps
