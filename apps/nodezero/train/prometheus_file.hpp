// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace nodezero::apps {

/// What a monitor may want to know of a run. What has no value yet is left out.
struct RunMetrics {
  std::string run;  ///< its number, the label of all metrics
  bool is_active = true;
  std::uint64_t steps = 0, planned_steps = 0;
  std::uint64_t tokens = 0;  ///< trained on in this session
  std::optional<std::uint64_t> epoch = {};
  std::optional<double> loss = {}, gradient_norm = {}, learning_rate = {}, step_seconds = {};
  std::optional<std::uint64_t> busy_spheres = {};
  std::optional<double> validation_loss = {};
  std::optional<std::uint64_t> checkpoint_step = {};
};

/// In the text format of Prometheus.
std::string prometheus_text(const RunMetrics& metrics);

/// A file of such text, as node_exporter's textfile collector reads it: replaced by renaming, at
/// most once a second.
class PrometheusFile {
 public:
  /// @throws CommandError with exit_bad_input if the file cannot be written
  PrometheusFile(std::filesystem::path path, const RunMetrics& first);

  /// Replaces the file unless that was done less than a second ago; `at_once` does so all the same.
  /// False if it cannot be written.
  bool update(const RunMetrics& metrics, bool at_once);

 private:
  bool replace(const RunMetrics& metrics);

  std::filesystem::path path_;
  std::chrono::steady_clock::time_point last_;
};

}  // namespace nodezero::apps
