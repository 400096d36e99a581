// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "runtime/trace/catalogue.hpp"

namespace nodezero::actors {

/// What a trace shows of every message of the protocol: its short name, and in this order where
/// it has them epoch, step and version of the envelope, then what is its own. Weights, batches
/// and gradients are not recorded.
runtime::trace::Catalogue trace_catalogue();

}  // namespace nodezero::actors
