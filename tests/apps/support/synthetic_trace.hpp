// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>

#include "runtime/trace/trace.hpp"

namespace nodezero::apps {

/// A trace as a run of 144 workers below 12 control spheres leaves it, made without a run: whole
/// steps, twelve an epoch, until there are at least `least_events` events. Two lanes compute; each
/// message takes 1 to 60 microseconds to arrive and its handling a few more, drawn from a fixed
/// seed, so that the same number always gives the same trace. Nothing is lost; the last message
/// is dropped.
runtime::trace::Trace synthetic_trace(std::size_t least_events);

}  // namespace nodezero::apps
