// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>

#include "runtime/envelope.hpp"
#include "runtime/errors.hpp"

namespace nodezero::actors {

using runtime::Envelope;
using runtime::make_error;
using runtime::to_error;

/// The place of an error: where a message belonged to, and whom to blame.
inline ErrorPlace at(const Envelope& envelope, std::optional<std::uint32_t> sphere = {},
                     std::optional<std::uint32_t> micro_batch = {}) {
  return {envelope.run, envelope.epoch, envelope.step, envelope.version, sphere, micro_batch};
}

}  // namespace nodezero::actors
