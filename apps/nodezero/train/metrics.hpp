// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>

#include "actors/telemetry.hpp"

namespace nodezero::apps {

/// A file of a run folder with one JSON object per line, ordered by the field "step". Each line is
/// written at once, so that others can follow it and a killed run loses none.
class JsonLines {
 public:
  /// Opens the file for appending. Removes a half-written last line and the lines of an earlier
  /// session from `first_step` on, because this session will repeat those steps.
  /// @throws CommandError with exit_bad_input if it cannot be opened or rewritten
  JsonLines(const std::filesystem::path& path, std::uint64_t first_step);

  /// The first step that the file has no line of.
  std::uint64_t next_step() const { return next_step_; }
  /// Appends the object unless its step has been written already. False if writing failed.
  bool append(std::uint64_t step, const std::string& object);

 private:
  std::filesystem::path path_;
  std::ofstream file_;
  std::uint64_t next_step_ = 0;  ///< the first that has not been written
};

/// Rewrites a metrics.jsonl of an earlier version, which counted steps from 0.
/// @throws CommandError with exit_bad_input if it cannot be rewritten
void count_steps_from_one(const std::filesystem::path& path);

/// A line of metrics.jsonl: what one step did.
///   step               how many steps are done, across epochs: 1 after the first
///   epoch              from 0
///   loss               nats per token, with the weights before the step
///   gradient_norm      before clipping
///   learning_rate
///   tokens             number of predicted tokens, without padding
///   micro_batches
///   spheres_busy       workers that computed at least one micro-batch
///   version            of the weights after the step
///   seconds            since the previous step, or since the start of the session
///   tokens_per_second  tokens / seconds
std::string metrics_line(const actors::StepSummary& step, double seconds);

/// A line of evaluations.jsonl: the loss over the validation windows after `step` steps.
///   step, epoch, version
///   loss               nats per token
///   perplexity         exp(loss)
///   tokens             number of predicted tokens
///   best               whether this is the lowest loss of the run so far
std::string evaluation_line(const actors::EvaluationSummary& evaluation);

}  // namespace nodezero::apps
