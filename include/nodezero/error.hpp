// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <tl/expected.hpp>

#include "nodezero/export.h"

namespace nodezero {

/// The kind of an error, which decides how a program reacts. The values equal those of
/// `nodezero_code` in nodezero.h.
enum class ErrorCode {
  invalid_argument = 1,  ///< an option or argument that cannot work
  wrong_shape = 2,       ///< data whose size or type the model does not accept
  not_finite = 3,        ///< data, a loss or a gradient containing a NaN or an infinity
  closed = 4,            ///< the trainer has been closed
  wrong_thread = 5,      ///< a stepped trainer called from a thread other than its creator's
  wrong_mode = 6,        ///< this call does not exist in this way of running
  queue_full = 7,        ///< too much is queued, or submitting would have blocked forever
  busy = 8,              ///< called from a callback or model function that the call would wait for,
                         ///< or during an epoch when the policy is to refuse
  in_use = 9,            ///< another trainer is using the folder
  not_found = 10,        ///< no such file
  malformed = 11,        ///< a file or state that is damaged or of another kind
  io = 12,               ///< a file could not be read or written
  failed = 13,           ///< a computation or training has failed; `restore` continues from a state
  timed_out = 14,        ///< no answer or no progress within a bound
  internal = 15,         ///< an unexpected exception, such as std::bad_alloc
  // 16 is NODEZERO_BUFFER_TOO_SMALL.
  wrong_state = 17,     ///< the receiver's state does not accept this message
  stale = 18,           ///< a message from another run, epoch, step or version
  unsealed = 19,        ///< a proof that the optimizer did not make
  conservation = 20,    ///< the reported micro-batches are not exactly the assigned ones
  stopped = 21,         ///< the run was asked to stop
  component_lost = 22,  ///< an actor that cannot be replaced has died
};

/// The code in words, such as "wrong shape".
NODEZERO_EXPORT std::string_view to_string(ErrorCode code);

/// Where in a run something went wrong.
struct ErrorPlace {
  std::uint64_t run = 0;
  std::uint64_t epoch = 0;
  std::uint64_t step = 0;                              ///< counted across epochs
  std::uint64_t version = 0;                           ///< of the weights
  std::optional<std::uint32_t> sphere = std::nullopt;  ///< the one at fault, if there is one
  /// The position of the one at fault, if there is one.
  std::optional<std::uint32_t> micro_batch = std::nullopt;
};

/// An error as a value: a code for programs, one sentence for people that says what is wrong and
/// what to do, and its place in a run, if it has one.
struct [[nodiscard]] Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;
  std::optional<ErrorPlace> place = std::nullopt;
};

/// One line for people: the message and the place.
NODEZERO_EXPORT std::string to_string(const Error& error);

/// A value, or the Error that says why there is none. Test it like a pointer. The compiler warns if
/// a Result is ignored.
template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
  using Base = tl::expected<T, Error>;

 public:
  using Base::Base;
  Result(Base base) : Base(std::move(base)) {}

  /// The Result of calling `next` with the value, or this error.
  template <class Next>
  auto and_then(Next&& next) const& {
    return chain(*this, std::forward<Next>(next));
  }
  template <class Next>
  auto and_then(Next&& next) && {
    return chain(std::move(*this), std::forward<Next>(next));
  }

 private:
  template <class Self, class Next>
  static auto chain(Self&& self, Next&& next) {
    if constexpr (std::is_void_v<T>) {
      using Following = std::invoke_result_t<Next>;
      return self ? std::forward<Next>(next)() : Following(tl::unexpected<Error>(self.error()));
    } else {
      using Following = std::invoke_result_t<Next, decltype(*std::forward<Self>(self))>;
      return self ? std::forward<Next>(next)(*std::forward<Self>(self))
                  : Following(tl::unexpected<Error>(self.error()));
    }
  }
};

/// The error side of a Result: `return fail(ErrorCode::wrong_shape, "the batch is empty");`.
[[nodiscard]] inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}
[[nodiscard]] inline tl::unexpected<Error> fail(ErrorCode code, std::string message) {
  return fail(Error{code, std::move(message)});
}

}  // namespace nodezero
