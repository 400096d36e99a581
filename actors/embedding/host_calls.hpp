// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "nodezero/trainer.hpp"

namespace nodezero::actors {

/// Knows on which threads a trainer is calling code of its host's: a call that this code makes of
/// the same trainer would wait for itself.
class HostCalls {
 public:
  /// Whether this thread is inside of such a call.
  bool is_inside() const;

  /// While it lives, this thread is.
  class Scope {
   public:
    explicit Scope(const HostCalls& calls);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    friend class HostCalls;
    const HostCalls& calls_;
    const Scope* outer_;  ///< on the same thread, of any trainer
  };
};

/// The function, known to `calls` while it runs. Null stays null.
template <class Answer, class... Arguments>
std::function<Answer(Arguments...)> known_to(std::shared_ptr<const HostCalls> calls,
                                             std::function<Answer(Arguments...)> function) {
  if (!function) {
    return nullptr;
  }
  return [calls = std::move(calls), function = std::move(function)](Arguments... arguments) {
    const HostCalls::Scope scope(*calls);
    return function(std::forward<Arguments>(arguments)...);
  };
}

/// The model, whose functions are known to `calls` while they run. Null stays null.
std::shared_ptr<const AnyTrainable> known_to(std::shared_ptr<const HostCalls> calls,
                                             std::shared_ptr<const AnyTrainable> model);

/// The options with all their functions so.
TrainerOptions known_to(const std::shared_ptr<const HostCalls>& calls, TrainerOptions options);

}  // namespace nodezero::actors
