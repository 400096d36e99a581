// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "actors/interfaces.hpp"
#include "runtime/explorable.hpp"
#include "runtime/recorded.hpp"

namespace nodezero::verify {

/// What a client has asked for and been told, and whether that keeps the rules of serving.
struct ClientCase {
  std::uint64_t ticket = 0;
  std::int64_t tokens = 0;
  actors::InferencePolicy policy = actors::InferencePolicy::snapshot;
  bool leaves = false;

  std::size_t told = 0;                       ///< tokens in pieces
  std::optional<std::uint64_t> version = {};  ///< of all that it was told
  std::optional<std::size_t> answered = {};   ///< tokens in the answer
  bool is_refused = false;

  /// The rule that is broken by it, or nothing.
  std::string hear(const actors::generated_piece& piece);
  std::string hear(const actors::generated& answer);
  /// At the end of a run.
  std::string verdict() const;
  std::uint64_t digest() const;

 private:
  std::string note_version(std::uint64_t of_answer);
};

/// Asks the lifecycle for text as it comes, and leaves afterwards if it is one that leaves: an
/// explorer may have that heard at any moment.
class client : public runtime::recorded<caf::event_based_actor> {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void client_told(ClientCase& client, const actors::generated_piece& piece) = 0;
    virtual void client_answered(ClientCase& client, const actors::generated& answer) = 0;
    virtual void client_refused(ClientCase& client, const caf::error& error) = 0;
  };
  /// Both must outlive it.
  client(caf::actor_config& config, actors::lifecycle_actor gate, ClientCase& asks,
         Listener& listener)
      : recorded(config), gate_(std::move(gate)), case_(asks), listener_(listener) {}

  const char* name() const override { return "client"; }
  void on_exit() override { gate_ = nullptr; }

 protected:
  caf::behavior make_behavior() override;

 private:
  actors::lifecycle_actor gate_;
  ClientCase& case_;
  Listener& listener_;
};

}  // namespace nodezero::verify
