// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "apps/nodezero/options/train_options.hpp"

namespace nodezero::apps {

/// run.json: a run's ingredients and results. Written atomically when the run starts and again
/// when it ends.
struct RunRecord {
  std::uint64_t run = 0;  ///< identifies the run across sessions; 16 hexadecimal digits
  std::string started;    ///< UTC, ISO 8601
  TrainOptions options;
  nlohmann::json data;       ///< describe(DataSet)
  nlohmann::json model;      ///< parameters, and the sizes as in ModelConfig
  nlohmann::json versions;   ///< this program's, its libraries' and its compiler's
  nlohmann::json processor;  ///< name, cores, instruction sets
  nlohmann::json sessions = nlohmann::json::array();  ///< one object per session
  nlohmann::json results;                             ///< null until a session has ended
};

/// The record in a run folder; nothing if the folder has none.
/// @throws CommandError if the record cannot be read
std::optional<RunRecord> read_run_record(const std::filesystem::path& folder);

/// The content of run.json.
std::string text_of(const RunRecord& record);

/// @throws CommandError with `exit_code` if it cannot be written
void write_run_record(const std::filesystem::path& folder, const RunRecord& record, int exit_code);

}  // namespace nodezero::apps
