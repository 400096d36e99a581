// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "runtime/inspect/words.hpp"

namespace nodezero::actors {

/// What the protocol's messages mean, for people who ask why something happened.
const runtime::inspect::Phrases& trace_phrases();

}  // namespace nodezero::actors
