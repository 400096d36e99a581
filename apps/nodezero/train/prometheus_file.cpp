// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/train/prometheus_file.hpp"

#include <fstream>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "apps/nodezero/common.hpp"

namespace nodezero::apps {

namespace {

using namespace std::chrono_literals;

/// Appends one metric with the run as its label; nothing without a value.
template <class Number>
void add_metric(std::string& text, const char* type, const char* name, const char* help,
                const std::string& run, const std::optional<Number>& value) {
  if (value) {
    text += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n{0}{{run=\"{3}\"}} {4}\n", name, help,
                        type, run, *value);
  }
}

}  // namespace

std::string prometheus_text(const RunMetrics& metrics) {
  std::string text;
  const auto gauge = [&](const char* name, const char* help, const auto& value) {
    add_metric(text, "gauge", name, help, metrics.run, value);
  };
  const auto counter = [&](const char* name, const char* help, std::uint64_t value) {
    add_metric(text, "counter", name, help, metrics.run, std::optional(value));
  };
  gauge("nodezero_training_active", "1 while the run trains, 0 afterwards.",
        std::optional(metrics.is_active ? 1 : 0));
  counter("nodezero_steps_total", "Optimizer steps done, over all sessions of the run.",
          metrics.steps);
  gauge("nodezero_planned_steps", "Optimizer steps after which the run is finished.",
        std::optional(metrics.planned_steps));
  counter("nodezero_session_tokens_total", "Tokens trained on in this session.", metrics.tokens);
  gauge("nodezero_epoch", "Passes over the data, the current one included.", metrics.epoch);
  gauge("nodezero_training_loss", "Loss of the last step, in nats per token.", metrics.loss);
  gauge("nodezero_validation_loss", "Loss of the last validation, in nats per token.",
        metrics.validation_loss);
  gauge("nodezero_gradient_norm", "Norm of the last step's gradient, before clipping.",
        metrics.gradient_norm);
  gauge("nodezero_learning_rate", "Learning rate of the last step.", metrics.learning_rate);
  gauge("nodezero_step_seconds", "How long the last step took.", metrics.step_seconds);
  gauge("nodezero_busy_spheres", "Worker spheres that computed in the last step.",
        metrics.busy_spheres);
  gauge("nodezero_checkpoint_step", "Step of the newest checkpoint.", metrics.checkpoint_step);
  return text;
}

PrometheusFile::PrometheusFile(std::filesystem::path path, const RunMetrics& first)
    : path_(std::move(path)) {
  if (!replace(first)) {
    throw CommandError(exit_bad_input,
                       fmt::format("the file for Prometheus, '{}', cannot be written; check its "
                                   "folder and the disk",
                                   path_.string()));
  }
}

bool PrometheusFile::update(const RunMetrics& metrics, bool at_once) {
  return (!at_once && std::chrono::steady_clock::now() - last_ < 1s) || replace(metrics);
}

/// Not synced: after a loss of power nobody wants to know.
bool PrometheusFile::replace(const RunMetrics& metrics) {
  last_ = std::chrono::steady_clock::now();
  auto temporary = path_;
  temporary += ".new";  // the collector reads names that end in .prom
  std::ofstream file(temporary, std::ios::binary);
  file << prometheus_text(metrics);
  file.close();
  std::error_code error;
  if (file) {
    std::filesystem::rename(temporary, path_, error);
  }
  const bool is_written = file && !error;
  if (!is_written) {
    std::filesystem::remove(temporary, error);
  }
  return is_written;
}

}  // namespace nodezero::apps
