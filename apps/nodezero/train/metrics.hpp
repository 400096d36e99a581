// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>

#include "actors/telemetry.hpp"

namespace nodezero::apps {

/// One file of a run folder with one JSON object a line, in order of its field "step". Each
/// line is handed to the system at once, so that a reader can follow and a killed run loses
/// none.
class JsonLines {
 public:
  /// Opens the file for appending. Lines of an earlier session whose step is at least
  /// `first_step`, which this session will do again, and a half-written last one are cut off.
  /// @throws CommandError with exit_bad_input if it cannot be opened or rewritten
  JsonLines(const std::filesystem::path& path, std::uint64_t first_step);

  /// Appends the object unless its step has been written already. False if that failed.
  bool append(std::uint64_t step, const std::string& object);

 private:
  std::filesystem::path path_;
  std::ofstream file_;
  std::uint64_t next_step_ = 0;  ///< the least that has not been written
};

/// A line of metrics.jsonl: what one step did.
///   step               its number over all epochs, from 0
///   epoch              from 0
///   loss               nats a token, with the weights before the step
///   gradient_norm      before clipping
///   learning_rate
///   tokens             that were predicted, padding not counted
///   micro_batches
///   spheres_busy       workers that computed at least one micro-batch
///   version            of the weights after the step
///   seconds            since the step before, or since this session's start
///   tokens_per_second  tokens / seconds
std::string metrics_line(const actors::StepSummary& step, double seconds);

/// A line of evaluations.jsonl: the loss over the validation windows after `step` steps.
///   step, epoch, version
///   loss               nats a token
///   perplexity         exp(loss)
///   tokens             that were predicted
///   best               the lowest loss of the run so far
std::string evaluation_line(const actors::EvaluationSummary& evaluation);

}  // namespace nodezero::apps
