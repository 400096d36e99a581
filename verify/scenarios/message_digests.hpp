// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "verify/explore/network.hpp"

namespace nodezero::verify {

/// Fingerprint of what a message of the protocol says.
/// @throws std::logic_error for a type that it does not know
std::uint64_t digest_of_message(const explore::Delivery& delivery, const runtime::ActorKeys& keys);

/// The same for people: type, step and positions, on one line.
std::string describe_message(const explore::Delivery& delivery);

}  // namespace nodezero::verify
