// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string_view>

#include "runtime/caf.hpp"

namespace nodezero::runtime {

/// A fingerprint of a sequence of numbers: order matters, and so does their count.
class Fingerprint {
 public:
  constexpr Fingerprint& add(std::uint64_t value) {
    hash_ = mix(hash_ ^ (value + 0x9e3779b97f4a7c15U));
    return *this;
  }
  constexpr Fingerprint& add(std::string_view text) {
    for (const char c : text) {
      add(static_cast<unsigned char>(c));
    }
    return add(text.size());
  }
  constexpr std::uint64_t value() const { return hash_; }

  /// The finalizer of SplitMix64: a bijection in which every bit reaches every other.
  static constexpr std::uint64_t mix(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31U);
  }

 private:
  std::uint64_t hash_ = 0x243f6a8885a308d3U;
};

/// Names actors by their place in the run (who spawned them, as which of its children), so that
/// the same actor has the same name in every run, which its address and its id have not.
class ActorKeys {
 public:
  virtual ~ActorKeys() = default;
  /// 0 for nobody.
  virtual std::uint64_t key(caf::actor_id actor) const = 0;

  template <class Handle>
  std::uint64_t of(const Handle& handle) const {
    return handle ? key(handle.id()) : 0;
  }
};

/// What a checker of schedules must know of an actor beside its messages. Two schedules that
/// lead to equal fingerprints everywhere are taken for one state and only one of them is
/// followed, so whatever a later handler could notice belongs into the fingerprint; what no
/// handler can notice (counters of events, unreachable leftovers) should stay out, because it
/// would only multiply states.
///
/// Requests that wait for an answer need not be in it: the checker sees the requests
/// themselves. What the handlers of their answers have captured beside the request's content is
/// `continuation`.
class Explorable {
 public:
  virtual ~Explorable() = default;
  virtual std::uint64_t state_digest(const ActorKeys& keys) const = 0;
  /// What the handler of an answer to a request sent now keeps in mind.
  virtual std::uint64_t continuation(const ActorKeys&) const { return 0; }
  /// The state by the name that people know it by; a literal.
  virtual const char* state_name() const { return "always"; }
};

}  // namespace nodezero::runtime
