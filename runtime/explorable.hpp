// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "runtime/fingerprint.hpp"

namespace nodezero::runtime {

/// What a checker of schedules must know of an actor beside its messages. Two schedules that
/// lead to equal fingerprints everywhere are taken for one state and only one of them is
/// followed, so whatever a later handler could notice belongs into the fingerprint; what no
/// handler can notice (counters for people, leftovers) should stay out, because it would only
/// multiply states. So an actor keeps what its handlers leave to later ones in one struct `State`,
/// whose members all go into the fingerprint but for those that are `Unseen`, and drops what has
/// become a leftover.
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
