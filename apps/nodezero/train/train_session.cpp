// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/train/train_session.hpp"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "apps/nodezero/common.hpp"
#include "apps/nodezero/options/option_values.hpp"
#include "apps/nodezero/plot/loss_chart.hpp"
#include "apps/nodezero/process/environment.hpp"
#include "apps/nodezero/train/replay_facts.hpp"
#include "apps/nodezero/train/training_report.hpp"

namespace nodezero::apps {

namespace {

const char* end_name(actors::TrainingResult::End end) {
  switch (end) {
    case actors::TrainingResult::End::finished:
      return "finished";
    case actors::TrainingResult::End::stopped:
      return "stopped";
    case actors::TrainingResult::End::failed:
      return "failed";
  }
  return "?";
}

/// Saves what there is in a new folder of the same name, and says so.
Error lost_folder(const std::filesystem::path& folder, const model::Checkpoint* checkpoint,
                  const model::CheckpointContext& context) {
  auto message =
      fmt::format("somebody has removed or moved the run's folder '{}'", folder.string());
  if (checkpoint != nullptr) {
    const auto saved = model::CheckpointFolder(folder, 1, context).write(*checkpoint);
    message += saved ? fmt::format("; the weights of step {} are in a new one, in {}",
                                   checkpoint->progress.step, saved->string())
                     : fmt::format(", and a new one cannot be made: {}", saved.error().message);
  }
  return {ErrorCode::io, std::move(message)};
}

/// True if the watchdog ended the run: then the question is who is missing.
bool has_stalled(const actors::TrainingResult& result) {
  const auto says = [&](std::string_view text) {
    return result.failure.find(text) != std::string::npos;
  };
  return says("stall timeout") || says("did not answer in time");
}

}  // namespace

bool is_finished(const PreparedRun& run) {
  return run.settings.resume && run.settings.resume->progress.step >= run.plan.steps &&
         run.record.results.is_object() && run.record.results.value("end", "") == "finished";
}

nlohmann::json begin_session(const PreparedRun& run) {
  return {{"started", timestamp()},
          {"from_step", run.settings.resume ? run.settings.resume->progress.step : 0},
          {"spheres", run.options.spheres},
          {"lanes", run.plan.lanes},
          {"symmetry", run.options.symmetry},
          {"routing", value_name(run.options.routing)},
          {"ended", nullptr}};
}

std::function<Result<void>(const model::Checkpoint*)> look_before_saving(
    const PreparedRun& run, std::function<void(const std::string&)> say) {
  return [watch = model::DataWatch(run.data.used), say = std::move(say), &folder = *run.folder,
          context = run.settings.checkpoint_context](
             const model::Checkpoint* checkpoint) mutable -> Result<void> {
    if (checkpoint != nullptr && !folder.is_still_there()) {
      return tl::unexpected(lost_folder(folder.path(), checkpoint, context));
    }
    return watch.look().map(
        [&](const std::vector<std::string>& remarks) { std::ranges::for_each(remarks, say); });
  };
}

void record_end(PreparedRun& run, const actors::TrainingResult& result, const TrainingLog& log,
                runtime::trace::Recorder* recorder) {
  auto& record = run.record;
  record.results = results_json(result, log, end_name(result.end));
  if (recorder != nullptr && result.weights != nullptr) {
    note_end(*recorder, record.results.at("weights_sha256"));
  }
  auto& session = record.sessions.back();
  session["ended"] = timestamp();
  session["end"] = end_name(result.end);
  session["step"] = result.progress.step;
  write_run_record(run.folder->path(), record, exit_failure);
}

void fail_run(const PreparedRun& run, const actors::TrainingResult& result, Recording& recording,
              TrainingLog& log) {
  if (recording.recorder()) {
    recording.recorder()->note(result.failure);
  }
  if (const auto dumped = recording.dump("failed")) {
    log.print("note: " + *dumped);
    if (has_stalled(result)) {
      log.print("note: " + *recording.open_work());
    }
  }
  throw CommandError(exit_failure, result.failure + "; " + resume_hint(run, result));
}

void print_results(const PreparedRun& run, const actors::TrainingResult& result, TrainingLog& log) {
  // A session that was stopped before its first step has nothing to draw.
  const auto losses = log.is_on_terminal() && log.last_step()
                          ? losses_as_text(read_history(run.folder->path()))
                          : std::string();
  if (!losses.empty()) {
    log.print(losses);
  }
  log.print(results_text(run, result, run.record.results));
}

}  // namespace nodezero::apps
