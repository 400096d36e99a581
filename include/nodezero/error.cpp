// SPDX-License-Identifier: BSD-3-Clause
#include "nodezero/error.hpp"

#include <fmt/format.h>

namespace nodezero {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
      return "invalid argument";
    case ErrorCode::wrong_shape:
      return "wrong shape";
    case ErrorCode::not_finite:
      return "not finite";
    case ErrorCode::closed:
      return "closed";
    case ErrorCode::wrong_thread:
      return "wrong thread";
    case ErrorCode::wrong_mode:
      return "wrong mode";
    case ErrorCode::queue_full:
      return "queue full";
    case ErrorCode::busy:
      return "busy";
    case ErrorCode::in_use:
      return "in use";
    case ErrorCode::not_found:
      return "not found";
    case ErrorCode::malformed:
      return "malformed";
    case ErrorCode::io:
      return "input or output failed";
    case ErrorCode::failed:
      return "failed";
    case ErrorCode::timed_out:
      return "timed out";
    case ErrorCode::internal:
      return "internal error";
    case ErrorCode::wrong_state:
      return "wrong state";
    case ErrorCode::stale:
      return "stale";
    case ErrorCode::unsealed:
      return "unsealed";
    case ErrorCode::conservation:
      return "conservation of micro-batches violated";
    case ErrorCode::stopped:
      return "stopped";
    case ErrorCode::component_lost:
      return "component lost";
  }
  return "unknown";
}

std::string to_string(const Error& error) {
  std::string text = error.message;
  if (error.place) {
    const ErrorPlace& place = *error.place;
    text += fmt::format(" (run {:016x}, epoch {}, step {}", place.run, place.epoch, place.step);
    if (place.sphere) {
      text += fmt::format(", sphere {}", *place.sphere);
    }
    if (place.micro_batch) {
      text += fmt::format(", micro-batch {}", *place.micro_batch);
    }
    text += ')';
  }
  return text;
}

}  // namespace nodezero
