// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>

#include "nodezero/error.hpp"
#include "runtime/trace/recorder.hpp"
#include "runtime/trace/trace.hpp"

namespace nodezero::actors {

/// Who is missing where a trace ends, as one paragraph: which step is open for how long, which
/// spheres have not reported what, which of their requests are open, and what those wait for.
/// `now` is the time up to which things last, in nanoseconds as in the trace; 0: that of its last
/// event.
std::string open_work_in_words(const runtime::trace::Trace& trace, std::int64_t now = 0);

/// The same about a run that goes on, from what its recorder's ring holds. Takes as long as to
/// write and read the ring: some tenths of a second for 32 MB. May be called from any thread.
Result<std::string> open_work_in_words(runtime::trace::Recorder& recorder);

}  // namespace nodezero::actors
