// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "nodezero/error.hpp"

namespace nodezero::apps {

/// The program's exit codes other than 0.
inline constexpr int exit_failure = 1;    ///< the run failed
inline constexpr int exit_bad_input = 2;  ///< the request was wrong; nothing was changed

/// How a command fails: `main` prints "nodezero: error: <message>" to stderr and exits with the
/// code. The message is one line that says what is wrong and what to do about it.
class CommandError : public std::runtime_error {
 public:
  CommandError(int exit_code, const std::string& message)
      : std::runtime_error(message), exit_code_(exit_code) {}
  int exit_code() const { return exit_code_; }

 private:
  int exit_code_;
};

/// Ends the program with a code but no message, because the command has printed everything itself.
struct CommandExit {
  int exit_code = 0;
};

/// The value of a result of the model layer.
/// @throws CommandError with the error's message and `exit_code`
template <class T>
T unwrap(Result<T> result, int exit_code = exit_bad_input) {
  if (!result) {
    throw CommandError(exit_code, result.error().message);
  }
  if constexpr (!std::is_void_v<T>) {
    return std::move(*result);
  }
}

}  // namespace nodezero::apps
