// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "runtime/inspect/filter.hpp"
#include "runtime/trace/trace.hpp"

namespace nodezero::apps {

/// Reads a trace file for a command. Says on stderr how far it can be trusted if it is not
/// complete.
/// @throws CommandError if it cannot be read, is no trace, or holds no event
runtime::trace::Trace load_trace(const std::string& path);

/// The number of an event as it stands on the command line.
/// @throws CommandError if the trace has no such event
std::uint32_t event_in(const runtime::trace::Trace& trace, std::uint64_t number);

/// --actor, --type, --epoch, --step and --between of a command.
class FilterOptions {
 public:
  enum class Events { numbered, still_coming };
  /// Adds them, --between only for numbered events; the result must live as long as the command.
  explicit FilterOptions(CLI::App& command, Events events = Events::numbered);

  /// @throws CommandError if the trace has no such actor, type or event
  std::vector<std::uint32_t> select(const runtime::trace::Trace& trace) const;

  runtime::inspect::Filter filter() const;

 private:
  std::vector<std::string> actors_, types_;
  std::uint64_t epoch_ = 0, step_ = 0;
  std::vector<std::uint32_t> between_;
  CLI::Option* epoch_option_ = nullptr;
  CLI::Option* step_option_ = nullptr;
};

}  // namespace nodezero::apps
