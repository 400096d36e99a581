// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "runtime/trace/catalogue.hpp"

namespace nodezero::actors {

/// What is recorded of messages between machines.
void add_wire_messages(runtime::trace::Catalogue& catalogue);

}  // namespace nodezero::actors
