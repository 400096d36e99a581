// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/errors.hpp"

#include <utility>

namespace nodezero::runtime {
namespace {

caf::atom_value category() {
  return caf::atom("nodezero");
}

}  // namespace

caf::error make_error(Error error) {
  const auto code = static_cast<std::uint8_t>(error.code);
  return {code, category(), caf::make_message(std::move(error))};
}

Error to_error(const caf::error& error) {
  if (error && error.category() == category() && error.context().match_elements<Error>()) {
    return error.context().get_as<Error>(0);
  }
  return error == caf::sec::request_timeout
             ? Error{ErrorCode::timed_out, "an actor did not answer in time"}
             : Error{ErrorCode::component_lost, caf::to_string(error)};
}

}  // namespace nodezero::runtime
