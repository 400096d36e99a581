// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "actors/telemetry.hpp"
#include "apps/nodezero/terminal/screen.hpp"
#include "apps/nodezero/train/event_file.hpp"
#include "apps/nodezero/train/metrics.hpp"
#include "apps/nodezero/train/prometheus_file.hpp"
#include "model/text/tokenizer.hpp"

namespace nodezero::apps {

/// What the log needs to know about a run before it starts.
struct TrainingLogSettings {
  std::filesystem::path folder;
  model::Tokenizer tokenizer;
  std::vector<std::string> prompts;
  std::uint64_t first_step = 0;   ///< 0, or the step at which a resumed run continues
  std::uint64_t first_epoch = 0;  ///< likewise
  std::uint64_t total_steps = 0;
  std::uint64_t total_epochs = 0;  ///< the last may be partial
  std::uint32_t spheres = 0;
  bool tensorboard = false;          ///< whether TensorBoard's event files are written, too
  std::filesystem::path prometheus;  ///< file for Prometheus; empty: none
  std::uint64_t run = 0;             ///< its number
  std::function<void()> stop;        ///< ends the run; called if the log cannot be written
};

/// Shows the progress of a run and writes its metric files. On a terminal one line is updated at
/// least once a second; elsewhere a line is printed at least every 10 seconds, even during a step
/// that takes longer.
class TrainingLog : public actors::Observer {
 public:
  /// @throws CommandError if the metric files cannot be opened
  explicit TrainingLog(TrainingLogSettings settings);
  ~TrainingLog() override;

  void on_step(const actors::StepSummary& step) override;
  void on_evaluation(const actors::EvaluationSummary& evaluation) override;
  void on_epoch(const actors::EpochSummary& epoch) override;
  void on_sample(const actors::SampleSummary& sample) override;
  void on_checkpoint(const actors::CheckpointSummary& checkpoint) override;
  void on_notice(const actors::Notice& notice) override;

  /// Prints other lines without breaking the progress line.
  void print(const std::string& text);
  /// Removes the progress line and shows no more of it.
  void close();

  bool is_on_terminal() const { return screen_.is_terminal(); }
  std::optional<actors::StepSummary> last_step() const;
  std::optional<actors::EvaluationSummary> last_evaluation() const;
  double seconds() const;                ///< since the log was created
  double seconds_since_step() const;     ///< since the last step or evaluation, or the start
  std::uint64_t session_tokens() const;  ///< tokens trained on since then
  std::string write_error() const;       ///< empty unless a metric file could not be written

 private:
  using Clock = std::chrono::steady_clock;

  void tick();
  std::string progress_line() const;
  void show_progress(bool at_once);
  void record_events(const actors::StepSummary& step, double rate);
  void record_histograms(const actors::CheckpointSummary& checkpoint);
  void update_prometheus(bool at_once);
  void fail_to_write(const std::string& name);
  void record(JsonLines& file, std::uint64_t step, const std::string& line, const char* name);

  TrainingLogSettings settings_;
  JsonLines metrics_;
  JsonLines evaluations_;
  std::optional<EventFile> events_;
  RunMetrics run_metrics_;  ///< for Prometheus
  std::optional<PrometheusFile> prometheus_;

  mutable std::mutex
      mutex_;  ///< guards what is shown and counted: the run and the ticker both print
  Screen screen_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_step_time_ = start_;
  Clock::time_point last_shown_ = start_;
  std::optional<actors::StepSummary> step_;
  std::optional<actors::EvaluationSummary> evaluation_;
  std::uint64_t session_steps_ = 0;
  std::uint64_t session_tokens_ = 0;
  double stepping_seconds_ = 0;  ///< time spent in steps, without validations between them
  double recent_rate_ = 0;       ///< tokens per second, smoothed
  std::string write_error_;
  bool closed_ = false;
  std::condition_variable closing_;
  std::thread ticker_;
};

}  // namespace nodezero::apps
