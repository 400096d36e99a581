// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <map>
#include <optional>
#include <string>

#include "apps/nodezero/train/prepared_run.hpp"
#include "runtime/trace/recorder.hpp"
#include "runtime/trace/trace.hpp"

namespace nodezero::apps {

/// What a trace must hold, apart from the run's options, for the run to be replayed: the hash of
/// the data, the folder that relative paths refer to, and the weights the run started from unless
/// they were drawn from the seed.
std::map<std::string, std::string> facts_for_replay(const PreparedRun& run);

/// Records the digest of the run's final weights in the trace.
void note_end(runtime::trace::Recorder& recorder, const std::string& weights);

/// The digest of the final weights of a recorded run; nothing if the trace has none.
std::optional<std::string> noted_weights(const runtime::trace::Trace& recorded);

/// The actors' settings of a recorded run. Reads its data and its checkpoint again.
/// @throws CommandError with exit_bad_input if the trace lacks a fact or something has changed
actors::RunSettings recorded_settings(const runtime::trace::Trace& recorded);

}  // namespace nodezero::apps
