// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/errors.hpp"  // whose messages are compiled with runtime

#undef NODEZERO_MESSAGE_TEMPLATE
#define NODEZERO_MESSAGE_TEMPLATE template
#include "actors/interfaces.hpp"
#include "actors/wire.hpp"
