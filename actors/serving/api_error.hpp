// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include "nodezero/error.hpp"

namespace nodezero::actors {

/// A refusal in the words of OpenAI's interface.
struct ApiError {
  int status = 400;
  std::string message;
  std::string code;   ///< for programs; may be empty
  std::string param;  ///< the parameter at fault; may be empty

  /// {"error": {...}}
  std::string to_json() const;
  /// Seconds after which it is worth another try; 0: it never is.
  int retry_after_s() const { return status == 429 || status == 503 ? 1 : 0; }
};

/// What a request that was refused, or failed, is answered with.
ApiError api_error(const Error& error);

}  // namespace nodezero::actors
