// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/caf.hpp"
#include "runtime/envelope.hpp"

namespace nodezero::actors {

using runtime::Envelope;

/// Why an actor refused a message or an epoch failed.
enum class errc : std::uint8_t {
  none = 0,
  wrong_state,          ///< the receiver's state does not accept this message
  stale,                ///< the envelope names another run, epoch, step or version
  unsealed,             ///< a proof that its minter did not make
  conservation,         ///< reported micro-batches are not exactly the assigned ones
  non_finite_loss,      ///< a micro-batch's loss is infinite or not a number
  non_finite_gradient,  ///< the step's gradient norm is infinite or not a number
  sphere_failed,        ///< a micro-batch failed as often as it may
  component_lost,       ///< an actor that cannot be replaced has died
  stalled,              ///< no progress for the stall timeout
  stopped,              ///< the run was asked to stop
  training,             ///< inference is refused while an epoch runs
  overloaded,           ///< too many inference requests wait
  timed_out,            ///< no epoch boundary came within the bound
  not_saved,            ///< a checkpoint could not be written
  computation,          ///< a computation threw
};

std::string_view to_string(errc code);

/// A typed error with the ids that matter. `sphere` and `micro_batch` are -1 where none
/// is to blame.
struct failure {
  errc code = errc::none;
  Envelope envelope;
  std::int64_t sphere = -1;
  std::int64_t micro_batch = -1;
  std::string message;
};

/// One line for people: the message, then run, step, sphere and micro-batch.
std::string to_string(const failure& f);

/// Wraps a failure for CAF's responses and exit reasons.
caf::error make_error(failure f);

/// Unwraps; an error of CAF's own becomes component_lost, timed out ones stalled.
failure to_failure(const caf::error& error);

}  // namespace nodezero::actors

NODEZERO_LOCAL_MESSAGE(nodezero::actors::failure)
