// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The one header that includes CAF. Everything whose spelling changes between CAF 0.17
// and CAF 1.x is named here, so that moving to another version is an edit of this file.

#include <chrono>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>

namespace nodezero::runtime {

/// The signature of a handler that answers In with Out.
template <class In, class Out>
using Answers = typename caf::replies_to<In>::template with<Out>;

/// The signature of a handler that answers nothing.
template <class In>
using Accepts = caf::reacts_to<In>;

}  // namespace nodezero::runtime

/// Lets a type travel inside this process without a serialised form.
#define NODEZERO_LOCAL_MESSAGE(type) CAF_ALLOW_UNSAFE_MESSAGE_TYPE(type)
