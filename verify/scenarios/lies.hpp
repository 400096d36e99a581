// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <map>
#include <string>

#include "verify/explore/network.hpp"

namespace nodezero::verify {

/// Changes what a child's message says, if it is of the kind that the lie is about; true if it was.
using Lie = bool (*)(const explore::Delivery& delivery);

/// What a child may say that is not so, by name. A parent must notice each of them.
const std::map<std::string, Lie>& lies();

}  // namespace nodezero::verify
