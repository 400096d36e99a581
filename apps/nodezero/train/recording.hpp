// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "apps/nodezero/options/train_options.hpp"
#include "runtime/trace/recorder.hpp"

namespace nodezero::apps {

/// Bytes of records that a run keeps in memory at most.
inline constexpr std::size_t recording_bytes = std::size_t{32} << 20;

/// What --trace and --trace-ring ask for: the recorder of a session of a run.
class Recording {
 public:
  /// `folder`: of the run, which dumps go to. `run`: its number, and `about`: what else there is
  /// to know of it, for the trace's description.
  /// `warn` gets a line, from any thread, if the trace file cannot be written any more.
  /// @throws CommandError if the trace file cannot be written or would overwrite another file
  Recording(const TrainOptions& options, std::filesystem::path folder, std::uint64_t run,
            std::map<std::string, std::string> about, std::function<void(const std::string&)> warn);

  /// Null if nothing is recorded. The actors must be gone before this object.
  runtime::trace::Recorder* recorder() { return recorder_.get(); }

  /// Writes what the ring holds to trace-<reason>.nztrace in the run folder. Returns a line for
  /// people, or nothing if there is no ring.
  std::optional<std::string> dump(const std::string& reason);

 private:
  std::filesystem::path folder_;
  std::uint64_t ring_seconds_ = 0;
  std::unique_ptr<runtime::trace::Recorder> recorder_;
};

}  // namespace nodezero::apps
