// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "apps/nodezero/checking/verify_command.hpp"

namespace nodezero::apps {

/// What `verify_command` answers with --json (docs/json.md).
/// @throws CommandError, std::invalid_argument, or CommandExit if a rule is broken
void verify_as_json(const VerifyOptions& options);

}  // namespace nodezero::apps
