// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/train/recording.hpp"

#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "actors/laws/open_work.hpp"
#include "actors/laws/trace_catalogue.hpp"
#include "apps/nodezero/common.hpp"
#include "apps/nodezero/options/option_values.hpp"
#include "apps/nodezero/process/environment.hpp"
#include "model/text/byte_text.hpp"
#include "runtime/trace/trace_file.hpp"

namespace nodezero::apps {

using runtime::trace::Recorder;

std::filesystem::path unused_dump(const std::filesystem::path& folder, const std::string& reason,
                                  bool is_numbered) {
  std::error_code ignored;
  for (std::uint64_t number = 1;; ++number) {
    const auto suffix = is_numbered || number > 1 ? fmt::format("-{}", number) : "";
    auto path = folder / fmt::format("trace-{}{}.nztrace", reason, suffix);
    // A link that leads nowhere is somebody's as well.
    if (std::filesystem::symlink_status(path, ignored).type() ==
            std::filesystem::file_type::not_found ||
        ignored) {
      return path;
    }
  }
}

Recording::Recording(const TrainOptions& options, std::filesystem::path folder, std::uint64_t run,
                     std::map<std::string, std::string> about,
                     std::function<void(const std::string&)> warn)
    : folder_(std::move(folder)), ring_seconds_(options.trace_ring_s) {
  if (options.trace.empty() && ring_seconds_ == 0) {
    return;
  }
  unwrap(runtime::trace::check_overwritable(options.trace), exit_bad_input);
  about.merge(std::map<std::string, std::string>{{"program", "nodezero"},
                                                 {"version", NODEZERO_VERSION},
                                                 {"run", fmt::format("{:016x}", run)},
                                                 {"folder", model::to_utf8_text(folder_.string())},
                                                 {"options", to_json(options).dump()},
                                                 {"host", host_name()},
                                                 {"process", std::to_string(getpid())},
                                                 {"started", timestamp()}});
  auto recorder = Recorder::make({.file = options.trace,
                                  .ring = std::chrono::seconds(ring_seconds_),
                                  .buffer_bytes = recording_bytes,
                                  .catalogue = actors::trace_catalogue(),
                                  .about = std::move(about),
                                  .warn = std::move(warn)});
  if (!recorder) {
    throw CommandError(exit_bad_input, "--trace: " + recorder.error().message);
  }
  recorder_ = std::move(*recorder);
}

std::optional<std::string> Recording::dump(const std::string& reason, bool is_numbered) {
  if (recorder_ == nullptr || !recorder_->has_ring()) {
    return std::nullopt;
  }
  const auto path = unused_dump(folder_, reason, is_numbered);
  if (const auto written = recorder_->dump(path); !written) {
    return written.error().message;
  }
  return fmt::format("messages of the last {} s written to {}", ring_seconds_, path.string());
}

std::optional<std::string> Recording::open_work() {
  if (recorder_ == nullptr || !recorder_->has_ring()) {
    return std::nullopt;
  }
  const auto words = actors::open_work_in_words(*recorder_);
  return words ? *words : words.error().message;
}

void OpenWorkWatch::watch(const TrainingLog& log, Recording& recording) {
  const std::lock_guard lock(mutex_);
  log_ = &log;
  recording_ = &recording;
}

void OpenWorkWatch::forget() {
  const std::lock_guard lock(mutex_);
  log_ = nullptr;
}

std::string OpenWorkWatch::in_words() {
  constexpr auto keeps = std::chrono::seconds(5);
  const std::lock_guard lock(mutex_);
  if (log_ == nullptr || log_->seconds_since_step() < patience_.count()) {
    words_.clear();
  } else if (words_.empty() || Clock::now() - worked_out_ > keeps) {
    words_ = recording_->open_work().value_or("");
    worked_out_ = Clock::now();
  }
  return words_;
}

}  // namespace nodezero::apps
