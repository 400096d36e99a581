// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "apps/nodezero/options/train_options.hpp"
#include "apps/nodezero/train/training_log.hpp"
#include "runtime/trace/recorder.hpp"

namespace nodezero::apps {

/// Most bytes of records that a run keeps in memory.
inline constexpr std::size_t recording_bytes = std::size_t{32} << 20;

/// A name for a dump that no earlier session has taken: trace-<reason>.nztrace, then
/// trace-<reason>-2.nztrace, and so on. With `is_numbered` the first has a number as well.
std::filesystem::path unused_dump(const std::filesystem::path& folder, const std::string& reason,
                                  bool is_numbered = false);

/// The recorder of one session of a run, as --trace and --trace-ring ask for it.
class Recording {
 public:
  /// `folder` is the run's, and dumps go there. `run` is its number; `about` holds further facts
  /// for the trace's description. `warn` is called with one line, on any thread, if the trace
  /// file can no longer be written.
  /// @throws CommandError if the trace file cannot be written or would overwrite another file
  Recording(const TrainOptions& options, std::filesystem::path folder, std::uint64_t run,
            std::map<std::string, std::string> about, std::function<void(const std::string&)> warn);

  /// Null if nothing is recorded. The actors must end before this object does.
  runtime::trace::Recorder* recorder() { return recorder_.get(); }

  /// Writes the ring's messages to a file of its own in the run folder (`unused_dump`). Returns a
  /// line for people, or nothing if there is no ring.
  std::optional<std::string> dump(const std::string& reason, bool is_numbered = false);
  /// Which work is open and who is missing, in words; nothing if there is no ring.
  std::optional<std::string> open_work();

 private:
  std::filesystem::path folder_;
  std::uint64_t ring_seconds_ = 0;
  std::unique_ptr<runtime::trace::Recorder> recorder_;
};

/// Tells those who ask again and again, such as a check of health, what a run waits for whose steps
/// do not come. May be asked from any thread.
class OpenWorkWatch {
 public:
  /// `patience`: the time that a step may take before there is anything to say.
  explicit OpenWorkWatch(std::chrono::duration<double> patience) : patience_(patience) {}

  /// From now on, until `forget`: both must live so long.
  void watch(const TrainingLog& log, Recording& recording);
  void forget();

  /// One paragraph, which is worked out at most every five seconds; empty if the run goes on or
  /// records nothing.
  std::string in_words();

 private:
  using Clock = std::chrono::steady_clock;

  const std::chrono::duration<double> patience_;
  std::mutex mutex_;
  const TrainingLog* log_ = nullptr;
  Recording* recording_ = nullptr;
  std::string words_;
  Clock::time_point worked_out_;
};

}  // namespace nodezero::apps
