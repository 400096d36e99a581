// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <typeinfo>

#include "verify/explore/network.hpp"

namespace nodezero::explore {

/// "account 3"; "outside" for what is not an actor of the run.
std::string label(const verify::explore::Network& network, verify::explore::NodeIndex node);

/// The last part of a type's name; "a message" if the type is not known.
std::string type_in_words(const std::type_info* type);
std::string element_type(const caf::type_erased_tuple& content, std::size_t index);

/// "withdraw(70)", "add 1 2", "nothing" if it is empty.
std::string in_words(const verify::explore::Network& network,
                     const caf::type_erased_tuple& content);
std::string in_words(const verify::explore::Network& network, const caf::mailbox_element& element);

/// Who a message seems to come from, which for a forwarded one is not who forwarded it.
verify::explore::NodeIndex sender_of(const verify::explore::Network& network,
                                     const verify::explore::Delivery& delivery);

/// One line about a step that is possible now.
std::string in_words(const verify::explore::Network& network, const verify::explore::Choice& step);

}  // namespace nodezero::explore
