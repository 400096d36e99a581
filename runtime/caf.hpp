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

// What CAF makes for each type of message, to put it into a mailbox, copy and show it, is half of
// what a source with actors would compile. So it is compiled once: a messages.cpp says `template`
// here before it includes its messages. CAF's dispose(), which nothing calls, does not compile.
#define NODEZERO_MESSAGE_TEMPLATE extern template
#define NODEZERO_COMPILED_ONCE(type)                                                             \
  NODEZERO_MESSAGE_TEMPLATE class caf::detail::type_erased_value_impl<type>;                     \
  NODEZERO_MESSAGE_TEMPLATE class caf::detail::tuple_vals_impl<caf::detail::message_data, type>; \
  NODEZERO_MESSAGE_TEMPLATE class caf::detail::tuple_vals_impl<caf::type_erased_tuple, type>;    \
  NODEZERO_MESSAGE_TEMPLATE class caf::detail::tuple_vals<type>;                                 \
  template <>                                                                                    \
  inline void caf::mailbox_element_vals<type>::dispose() noexcept {                              \
    delete this;                                                                                 \
  }                                                                                              \
  NODEZERO_MESSAGE_TEMPLATE class caf::mailbox_element_vals<type>;

/// NODEZERO_LOCAL_MESSAGE for a type that many sources send.
#define NODEZERO_SHARED_MESSAGE(type) \
  NODEZERO_LOCAL_MESSAGE(type)        \
  NODEZERO_COMPILED_ONCE(type)
