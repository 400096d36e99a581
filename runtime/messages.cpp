// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/caf.hpp"

#undef NODEZERO_MESSAGE_TEMPLATE
#define NODEZERO_MESSAGE_TEMPLATE template
#include "runtime/errors.hpp"
