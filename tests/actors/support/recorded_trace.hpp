// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>

#include "runtime/trace/recorder.hpp"
#include "runtime/trace/trace.hpp"
#include "support/tiny_run.hpp"

namespace nodezero::actors::testing {

/// Two epochs on five workers below controls, with evaluations and samples.
RunSettings busy_settings();

/// What `run` does with settings that record, as a trace.
/// @throws std::runtime_error if it cannot be written or read
runtime::trace::Trace recorded(RunSettings settings, runtime::trace::Recorder::Clock clock,
                               const std::function<void(const RunSettings&)>& run);

/// A whole run under the testing scheduler.
runtime::trace::Trace staged_run(const RunSettings& settings);
/// Of `busy_settings`, made once.
const runtime::trace::Trace& staged_trace();

}  // namespace nodezero::actors::testing
