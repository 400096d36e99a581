// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <utility>

#include <tl/expected.hpp>

namespace nodezero {

/// What kind of thing went wrong. The values are those of `nodezero_code` in nodezero.h.
enum class ErrorCode {
  invalid_argument = 1,  ///< an option or argument that cannot work
  wrong_shape = 2,       ///< data whose sizes or type are not what the model takes
  not_finite = 3,        ///< data that holds a NaN or an infinity
  closed = 4,            ///< a call after `close`
  wrong_thread = 5,      ///< stepped, and not the thread that created the trainer
  wrong_mode = 6,        ///< this way of running has no such call
  queue_full = 7,        ///< a batch was refused, or its submitter would have waited for ever
  busy = 8,        ///< a call from a callback or a model's function that cannot be served there
  in_use = 9,      ///< another trainer works in that folder
  not_found = 10,  ///< no such file
  malformed = 11,  ///< was read, but is not what it should be
  io = 12,         ///< a file could not be read or written
  failed = 13,     ///< training has failed; `restore` goes on from an earlier state
  timed_out = 14,
  internal = 15,  ///< an exception that nobody expected, such as std::bad_alloc
};

/// A type for programs and one sentence for people that says what is wrong and how to mend it.
struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;
};

template <class T>
using Result = tl::expected<T, Error>;

/// Makes the error side of any Result.
inline tl::unexpected<Error> fail(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

}  // namespace nodezero
