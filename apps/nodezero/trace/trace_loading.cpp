// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/trace/trace_loading.hpp"

#include <cstdio>

#include <fmt/format.h>

#include "apps/nodezero/common.hpp"
#include "runtime/inspect/words.hpp"
#include "runtime/trace/trace_file.hpp"

namespace nodezero::apps {

using runtime::trace::Trace;

Trace load_trace(const std::string& path) {
  auto trace = unwrap(runtime::trace::read_trace(path));
  const auto warning = runtime::inspect::incompleteness(trace.completeness);
  if (trace.events.empty()) {
    throw CommandError(exit_bad_input, fmt::format("the trace {} has no events{}{}", path,
                                                   warning.empty() ? "" : ": ", warning));
  }
  if (!warning.empty()) {
    fmt::print(stderr, "nodezero: {}\n", warning);
  }
  return trace;
}

std::uint32_t event_in(const Trace& trace, std::uint64_t number) {
  if (const auto missing = runtime::inspect::missing_event(trace, number)) {
    throw CommandError(exit_bad_input, *missing);
  }
  return static_cast<std::uint32_t>(number);
}

std::vector<std::uint32_t> selected_events(const Trace& trace,
                                           const runtime::inspect::Filter& filter) {
  return unwrap(runtime::inspect::select(trace, filter));
}

}  // namespace nodezero::apps
