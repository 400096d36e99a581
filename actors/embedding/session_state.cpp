// SPDX-License-Identifier: BSD-3-Clause

// Saving and restoring.

#include <algorithm>
#include <exception>
#include <string_view>

#include "actors/embedding/session.hpp"
#include "actors/embedding/state_bytes.hpp"
#include "model/files/atomic_file.hpp"

namespace nodezero {
namespace {

/// When that many steps are done, added up as advance_to does it: a product has other bits, and
/// with those the host's next time could fall short of a step.
double time_of(std::uint64_t steps, double per_step, double time) {
  for (std::uint64_t i = 0; i < steps && per_step > 0; ++i) {
    time += per_step;
  }
  return time;
}

}  // namespace

Result<SavedState> Trainer::Session::save() {
  if (auto error = refusal(false)) {
    return tl::unexpected<Error>(std::move(*error));
  }
  const Exchange exchange(*this);
  if (!system_) {
    return fail(ErrorCode::closed, "the trainer is closed");
  }
  try {
    if (auto revived = revive(); !revived) {
      return tl::unexpected<Error>(std::move(revived.error()));
    }
    auto checkpoint = halt();
    if (!checkpoint) {
      return tl::unexpected<Error>(std::move(checkpoint.error()));
    }
    auto state = actors::checkpoint_to_bytes(*checkpoint, options_);
    replace(std::move(*checkpoint), !is_revived_);
    return state;
  } catch (const std::exception& error) {
    return fail(ErrorCode::internal, error.what());
  }
}

Result<void> Trainer::Session::restore(std::span<const std::byte> state) {
  if (auto error = refusal(false)) {
    return tl::unexpected<Error>(std::move(*error));
  }
  try {
    auto checkpoint = actors::checkpoint_from_bytes(state, trained_->layout(), options_);
    if (!checkpoint) {
      return tl::unexpected<Error>(std::move(checkpoint.error()));
    }
    const Exchange exchange(*this);
    if (!system_) {
      return fail(ErrorCode::closed, "the trainer is closed");
    }
    static_cast<void>(halt());  // whatever it had is given up
    if (queue_) {
      queue_->clear();
    }
    {
      const std::lock_guard guard(mutex_);
      ended_.reset();
      status_.failure.clear();
      step_has_ended_ = epoch_has_ended_ = false;
    }
    is_revived_ = false;
    replace(std::move(*checkpoint), true);
    time_ = time_of(status().steps, options_.time_per_step, options_.start_time);
    return {};
  } catch (const std::exception& error) {
    return fail(ErrorCode::internal, error.what());
  }
}

Result<void> Trainer::Session::save(const std::string& name) {
  const auto path = folder_.file(name);
  if (!path) {
    return tl::unexpected<Error>(path.error());
  }
  const auto state = save();
  if (!state) {
    return tl::unexpected<Error>(state.error());
  }
  const std::string_view text(reinterpret_cast<const char*>(state->data()), state->size());
  return model::write_file_atomically(*path, text);
}

Result<void> Trainer::Session::restore(const std::string& name) {
  const auto path = folder_.file(name);
  if (!path) {
    return tl::unexpected<Error>(path.error());
  }
  const auto text = model::read_file(*path);
  if (!text) {
    return fail(text.error());
  }
  return restore(std::as_bytes(std::span(*text)));
}

}  // namespace nodezero
