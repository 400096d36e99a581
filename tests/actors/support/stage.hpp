// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "actors/run/assembly.hpp"
#include "runtime/actor_trace.hpp"
#include "runtime/ask.hpp"
#include "runtime/system_config.hpp"
#include "support/tiny_run.hpp"

namespace nodezero::actors::testing {

/// A whole run under CAF's testing scheduler: no thread, one message at a time, every
/// message seen before it is handled, and any of them held back for as long as a test likes.
class Stage {
 public:
  explicit Stage(const RunSettings& settings);
  ~Stage();

  /// A message that is about to be handled.
  struct Delivery {
    std::string receiver;  ///< the receiving actor's name
    caf::mailbox_element* element;
    caf::strong_actor_ptr actor;  ///< that receives it

    template <class T>
    const T* as() const {
      auto& content = element->content();
      return content.match_elements<T>() ? &content.template get_as<T>(0) : nullptr;
    }
  };
  using Predicate = std::function<bool(const Delivery&)>;

  /// Sees every delivery just before it is made.
  std::function<void(const Delivery&)> observe;
  /// Deliveries for which it is true wait until it is false.
  Predicate hold;

  /// Delivers one message; false if there is none that is not held.
  bool step();
  /// Delivers until nothing is left but what is held; returns how many.
  std::size_t run();
  /// Delivers until `reached` is true or nothing is left; true if it was reached.
  bool run_until(const std::function<bool()>& reached);
  /// Lets virtual time pass and delivers what comes of it.
  void advance(std::chrono::milliseconds time);

  /// From now on kills `count` spheres, each when it is about to handle a message, drawn by `seed`.
  /// Takes `observe`.
  void kill_spheres(std::uint64_t seed, std::uint32_t count);
  /// Spheres that kill_spheres has killed.
  std::uint32_t killed() const { return killed_; }

  /// A request from outside, whose answer is looked at later.
  template <class Answer>
  struct Asked {
    std::shared_ptr<std::future<Result<Answer>>> future;
    std::shared_ptr<std::optional<Result<Answer>>> settled =
        std::make_shared<std::optional<Result<Answer>>>();

    bool answered() {
      if (!*settled && future->wait_for(std::chrono::seconds(0)) == std::future_status::ready) {
        *settled = future->get();
      }
      return settled->has_value();
    }
    const Result<Answer>& get() {
      answered();
      return settled->value();
    }
    bool succeeded() { return answered() && get().has_value(); }
    /// What it was refused with; ErrorCode{} if it was not.
    ErrorCode code() { return answered() && !get() ? get().error().code : ErrorCode{}; }
  };
  template <class Answer, class Handle, class Request>
  Asked<Answer> ask(const Handle& receiver, Request request) {
    return {std::make_shared<std::future<Result<Answer>>>(
        runtime::ask<Answer>(system_, receiver, std::move(request)))};
  }

  /// Sends a message in somebody else's name.
  template <class Handle, class Message>
  void forge(const caf::strong_actor_ptr& sender, const Handle& receiver, Message message) {
    caf::actor_cast<caf::abstract_actor*>(receiver)->eq_impl(caf::make_message_id(), sender,
                                                             nullptr, std::move(message));
  }

  /// Where node_zero stands before any epoch.
  Envelope start() const { return {settings_.run, 0, 0, 0}; }

  /// Timeouts that wait in the system's clock.
  std::size_t timers() const { return scheduler_.clock().schedule().size(); }

  caf::actor_system& system() { return system_; }
  RunActors& actors() { return actors_; }
  Recorder& recorder() { return recorder_; }

 private:
  struct Config : caf::actor_system_config {
    explicit Config(runtime::trace::Recorder* recorder) {
      runtime::configure(*this, runtime::Scheduling::testing);
      if (recorder) {
        runtime::attach_recorder(*this, *recorder);
      }
    }
  };

  RunSettings settings_;
  Recorder recorder_;
  Config config_;
  caf::actor_system system_;
  caf::scheduler::test_coordinator& scheduler_;
  RunActors actors_;
  std::uint32_t killed_ = 0;
};

/// True for deliveries of a message type.
template <class T>
bool is(const Stage::Delivery& delivery) {
  return delivery.as<T>() != nullptr;
}

}  // namespace nodezero::actors::testing
