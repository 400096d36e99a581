// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "runtime/inspect/compare.hpp"
#include "runtime/inspect/words.hpp"

namespace nodezero::actors {

/// What the protocol's messages mean, for people who ask why something happened.
const runtime::inspect::Phrases& trace_phrases();

/// What may differ between two runs that compute the same bits: which lane did what, what the
/// clock decides, sums in the order of arrival, and files.
const runtime::inspect::CompareOptions& trace_freedoms();

}  // namespace nodezero::actors
