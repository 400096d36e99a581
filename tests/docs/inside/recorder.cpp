// SPDX-License-Identifier: BSD-3-Clause

// What a fragment that attaches a recorder takes as given.

#include "runtime/trace/recorder.hpp"

#include "actors/laws/trace_catalogue.hpp"
#include "runtime/actor_trace.hpp"

using namespace nodezero;
using namespace nodezero::actors;
using namespace nodezero::runtime;
using namespace nodezero::runtime::trace;

void host() {
#include SNIPPET
}
