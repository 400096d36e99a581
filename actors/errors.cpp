// SPDX-License-Identifier: BSD-3-Clause
#include "actors/errors.hpp"

#include <fmt/format.h>

namespace nodezero::actors {
namespace {

caf::atom_value category() {
  return caf::atom("nodezero");
}

}  // namespace

std::string_view to_string(errc code) {
  switch (code) {
    case errc::none:
      return "none";
    case errc::wrong_state:
      return "wrong state";
    case errc::stale:
      return "stale";
    case errc::unsealed:
      return "unsealed";
    case errc::conservation:
      return "conservation of micro-batches violated";
    case errc::non_finite_loss:
      return "loss is not finite";
    case errc::non_finite_gradient:
      return "gradient is not finite";
    case errc::sphere_failed:
      return "sphere failed";
    case errc::component_lost:
      return "component lost";
    case errc::stalled:
      return "stalled";
    case errc::stopped:
      return "stopped";
    case errc::training:
      return "an epoch is running";
    case errc::overloaded:
      return "overloaded";
    case errc::timed_out:
      return "timed out";
    case errc::not_saved:
      return "not saved";
    case errc::computation:
      return "computation failed";
  }
  return "unknown";
}

std::string to_string(const failure& f) {
  std::string text = fmt::format("{}: {} (run {:016x}, epoch {}, step {}", to_string(f.code),
                                 f.message, f.envelope.run, f.envelope.epoch, f.envelope.step);
  if (f.sphere >= 0) {
    text += fmt::format(", sphere {}", f.sphere);
  }
  if (f.micro_batch >= 0) {
    text += fmt::format(", micro-batch {}", f.micro_batch);
  }
  return text + ")";
}

caf::error make_error(failure f) {
  const auto code = static_cast<std::uint8_t>(f.code);
  return {code, category(), caf::make_message(std::move(f))};
}

failure to_failure(const caf::error& error) {
  if (error.category() == category() && error.context().match_elements<failure>()) {
    return error.context().get_as<failure>(0);
  }
  failure f;
  f.code = error == caf::sec::request_timeout ? errc::stalled : errc::component_lost;
  f.message = caf::to_string(error);
  return f;
}

}  // namespace nodezero::actors
