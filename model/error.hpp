// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <utility>

#include <tl/expected.hpp>

namespace nodezero::model {

/// What kind of thing went wrong; decides how a program reacts, not what it prints.
enum class ErrorCode {
  invalid_argument,   ///< a size, rate or option that cannot work
  not_found,          ///< a file or folder that does not exist
  unreadable,         ///< exists, but cannot be read
  malformed,          ///< was read, but is not what it should be
  no_space,           ///< the disk is full or a quota is used up
  write_failed,       ///< any other failure to write
  unknown_character,  ///< text that the tokenizer has no token for
};

/// An error is a value: a type for programs and one sentence for people that says
/// what is wrong and how to mend it.
struct Error {
  ErrorCode code;
  std::string message;
};

template <class T>
using Result = tl::expected<T, Error>;

/// Makes the error side of any Result.
inline tl::unexpected<Error> fail(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

}  // namespace nodezero::model
