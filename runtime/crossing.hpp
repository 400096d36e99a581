// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// What traces hold of messages between processes. The receiver's has their arrival, as of any
// message; what the sender's has is recorded here, because whoever takes them there is CAF's.

#include <string_view>
#include <typeinfo>

#include "runtime/caf.hpp"
#include "runtime/trace/elsewhere.hpp"

namespace nodezero::runtime {

/// The same for a process wherever it is asked for.
trace::ProcessKey process_key(const caf::node_id& process);

/// Records that an actor sends a message to one in another process, if it is in another and the
/// system is recorded. To be called before the sending, in the handler that sends.
void record_crossing(const caf::local_actor& sender, const caf::strong_actor_ptr& receiver,
                     const std::type_info& type, const void* message);

/// Notes in the trace of a system, if it has one, which machine of a run it is of.
void record_machine(const caf::actor_system& system, std::string_view machine);

}  // namespace nodezero::runtime
