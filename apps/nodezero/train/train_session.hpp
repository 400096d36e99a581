// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "actors/run/trainer.hpp"
#include "apps/nodezero/train/prepared_run.hpp"
#include "apps/nodezero/train/recording.hpp"
#include "apps/nodezero/train/training_log.hpp"

namespace nodezero::apps {

// What a session of a run leaves in the run's folder: one entry of run.json, and its end.

/// True if an earlier session did all steps and recorded that it finished.
bool is_finished(const PreparedRun& run);

/// The session's entry, whose end is still to come.
nlohmann::json begin_session(const PreparedRun& run);

/// Looks after the data and the folder whenever the run is about to save. `run.folder` must outlive
/// it; `say` is called with one line for each file of the data that has changed.
std::function<Result<void>(const model::Checkpoint*)> look_before_saving(
    const PreparedRun& run, std::function<void(const std::string&)> say);

/// Completes the session's entry, and notes the end in the trace if there is a recorder.
/// @throws CommandError if run.json cannot be written
void record_end(PreparedRun& run, const actors::TrainingResult& result, const TrainingLog& log,
                runtime::trace::Recorder* recorder);

/// Keeps the messages that led to a failure, and says how to resume. @throws CommandError
[[noreturn]] void fail_run(const PreparedRun& run, const actors::TrainingResult& result,
                           Recording& recording, TrainingLog& log);

/// Draws the losses if there is a terminal, and says what to do next.
void print_results(const PreparedRun& run, const actors::TrainingResult& result, TrainingLog& log);

}  // namespace nodezero::apps
