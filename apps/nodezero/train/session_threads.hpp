// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <system_error>

#include <fmt/format.h>

#include "actors/settings.hpp"
#include "apps/nodezero/common.hpp"
#include "apps/nodezero/train/prepared_run.hpp"

namespace nodezero::apps {

/// All threads of a session: the log's, the trace's if it has a file, the one that serves signals,
/// and those of the actors with their clock.
inline std::size_t threads_of(const PreparedRun& run) {
  return (run.options.trace.empty() ? 2 : 3) + 1 + actors::workers_for(run.plan.lanes);
}

/// What `make` makes, which starts one thread of the session.
/// @throws CommandError that says how many there are and how many are wanted if it cannot
template <class Make>
auto with_its_thread(std::size_t before, const PreparedRun& run, Make make) {
  try {
    return make();
  } catch (const std::system_error& error) {
    throw CommandError(
        exit_failure, fmt::format("only {} of {} threads could be started ({}); allow more (ulimit "
                                  "-u and -v, or the container's limits), or ask for fewer",
                                  before, threads_of(run), error.code().message()));
  }
}

}  // namespace nodezero::apps
