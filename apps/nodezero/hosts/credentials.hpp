// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "runtime/network/credentials.hpp"

namespace nodezero::apps {

using runtime::network::Credentials;

/// @throws CommandError with exit_bad_input if files are missing or cannot be used
runtime::network::Identity identity_from(const Credentials& credentials);

}  // namespace nodezero::apps
