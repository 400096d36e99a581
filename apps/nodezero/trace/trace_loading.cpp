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
    throw CommandError(exit_bad_input, fmt::format("the trace {} holds no events{}{}", path,
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

FilterOptions::FilterOptions(CLI::App& command, Events events) {
  const auto group = "Which events";
  command.add_option("--actor", actors_, "Only of these actors: worker, or \"worker 3\"")
      ->type_name("NAME")
      ->allow_extra_args(false)
      ->group(group);
  command.add_option("--type", types_, "Only about messages of these types, or these states")
      ->type_name("NAME")
      ->allow_extra_args(false)
      ->group(group);
  epoch_option_ =
      command.add_option("--epoch", epoch_, "Only of this epoch")->type_name("N")->group(group);
  step_option_ =
      command.add_option("--step", step_, "Only of this step")->type_name("N")->group(group);
  if (events == Events::numbered) {
    command.add_option("--between", between_, "Only events A to B")
        ->expected(2)
        ->type_name("A B")
        ->group(group);
  }
}

runtime::inspect::Filter FilterOptions::filter() const {
  runtime::inspect::Filter filter;
  filter.actors = actors_;
  filter.types = types_;
  if (*epoch_option_) {
    filter.epoch = epoch_;
  }
  if (*step_option_) {
    filter.step = step_;
  }
  if (between_.size() == 2) {
    filter.between = {between_[0], between_[1]};
  }
  return filter;
}

std::vector<std::uint32_t> FilterOptions::select(const Trace& trace) const {
  return unwrap(runtime::inspect::select(trace, filter()));
}

}  // namespace nodezero::apps
