// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <map>
#include <optional>
#include <string>

#include "apps/nodezero/train/prepared_run.hpp"
#include "runtime/trace/recorder.hpp"
#include "runtime/trace/trace.hpp"

namespace nodezero::apps {

/// What a trace must say of a run beside its options, so that the run can be replayed: the hash of
/// the data, the folder that relative paths are meant from, and the weights that it started from
/// if they were not drawn from the seed.
std::map<std::string, std::string> facts_for_replay(const PreparedRun& run);

/// Notes in the trace the digest of the weights that the run ended with.
void note_end(runtime::trace::Recorder& recorder, const std::string& weights);

/// The digest of the weights that a recorded run ended with; nothing if it did not say.
std::optional<std::string> noted_weights(const runtime::trace::Trace& recorded);

/// What the actors of a recorded run were made from: reads its data and its checkpoint again.
/// @throws CommandError with exit_bad_input if the trace does not say it, or something has changed
actors::RunSettings recorded_settings(const runtime::trace::Trace& recorded);

}  // namespace nodezero::apps
