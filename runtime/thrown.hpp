// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <exception>
#include <string>

#include "runtime/caf.hpp"

namespace nodezero::runtime {

/// What was thrown, in words.
std::string words_of(const std::exception_ptr& thrown);

/// What an actor ends with whose handler threw: runtime_error with the exception's words. CAF's own
/// handler of exceptions writes to the terminal, which belongs to the program.
inline caf::error error_of(const std::exception_ptr& thrown) {
  return caf::make_error(caf::sec::runtime_error, words_of(thrown));
}

}  // namespace nodezero::runtime
