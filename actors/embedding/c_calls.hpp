// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// What the functions of nodezero.h have in common. No exception leaves one of them.

#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "actors/embedding/c_options.hpp"
#include "nodezero/nodezero.h"
#include "nodezero/trainer.hpp"
#include "runtime/floating_point_mode.hpp"

struct nodezero_trainer {
  struct Kept {
    nodezero::Trainer trainer;
    std::int64_t inputs = 0, outputs = 0;  ///< of a perceptron; else 0
    std::mutex mutex;
    std::string last_error;
  };
  std::shared_ptr<Kept> kept;  ///< calls keep it: the handle may be destroyed in their callbacks
};

namespace nodezero::c {

using Kept = nodezero_trainer::Kept;

inline void write_text(const std::string& text, char* out, std::size_t size) {
  if (out && size > 0) {
    const std::size_t length = std::min(text.size(), size - 1);
    std::memcpy(out, text.data(), length);
    out[length] = '\0';
  }
}

/// Runs a call that returns a Result<void> and gives what it failed with to `tell`.
template <class Call, class Tell>
nodezero_code code_of(Call call, Tell tell) {
  const nodezero::runtime::FloatingPointMode mode;
  Result<void> result;
  try {
    result = call();
  } catch (const std::exception& error) {
    result = fail(ErrorCode::internal, error.what());
  } catch (...) {
    result = fail(ErrorCode::internal, "an unknown exception");
  }
  if (result) {
    return NODEZERO_OK;
  }
  tell(std::move(result.error().message));
  return static_cast<nodezero_code>(result.error().code);
}

/// The same for a call of a trainer, which keeps the message.
template <class Call>
nodezero_code guarded(const nodezero_trainer* trainer, Call call) {
  if (!trainer) {
    return NODEZERO_INVALID_ARGUMENT;
  }
  const auto kept = trainer->kept;
  return code_of([&] { return call(*kept); },
                 [&](std::string message) {
                   const std::lock_guard lock(kept->mutex);
                   kept->last_error = std::move(message);
                 });
}

inline Result<void> missing(const char* what) {
  return fail(ErrorCode::invalid_argument, std::string(what) + " is NULL");
}

struct Made {
  std::shared_ptr<const nodezero::AnyTrainable> model;
  std::int64_t inputs = 0, outputs = 0;  ///< of a perceptron
};

/// What both ways to create a trainer have in common; `make` returns a Result<Made>.
template <class Make>
nodezero_code create(const nodezero_options* given, nodezero_trainer** out, char* message,
                     std::size_t message_size, Make make) {
  return code_of(
      [&]() -> Result<void> {
        if (!out) {
          return missing("the place for the trainer");
        }
        *out = nullptr;
        auto options = nodezero::to_options(given);
        if (!options) {
          return tl::unexpected<Error>(std::move(options.error()));
        }
        auto made = make();
        if (!made) {
          return tl::unexpected<Error>(std::move(made.error()));
        }
        auto trainer = nodezero::Trainer::create(std::move(made->model), std::move(*options));
        if (!trainer) {
          return tl::unexpected<Error>(std::move(trainer.error()));
        }
        // Made in place: it holds a mutex.
        *out = new nodezero_trainer{std::shared_ptr<Kept>(
            new Kept{std::move(*trainer), made->inputs, made->outputs, {}, {}})};
        return {};
      },
      [&](const std::string& text) { write_text(text, message, message_size); });
}

}  // namespace nodezero::c
