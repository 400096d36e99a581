// SPDX-License-Identifier: BSD-3-Clause

// Mutants of what clients of a server notice: pieces, policies of their own, versions that are
// held, and leaving.

#include "verify/mutants/mutant.hpp"

namespace nodezero::mutants {
namespace {

constexpr auto gate = "actors/inference/lifecycle.cpp";
constexpr auto generator = "actors/inference/inference.cpp";

}  // namespace

std::vector<Mutant> of_serving() {
  return {
      {"left_while_waiting_forgotten",
       "a client that leaves while it waits for a boundary is not answered",
       "",
       {{gate,
         "entry.mapped().promise.deliver(make_error({ErrorCode::stopped, \"nobody wants the answer "
         "any more\", at(state_.envelope)}));",
         ""}},
       {},
       {},
       "whether a client that has left is answered is not compared, and the run does all its "
       "steps"},
      {"left_while_ready_forgotten",
       "a client that leaves between two turns on a lane is not answered",
       "",
       {{generator, "std::erase(state_.ready, number); go_on(number);",
         "std::erase(state_.ready, number);"}}},
      {"pieces_lost",
       "what a lane has generated is not told",
       "",
       {{generator, "tell_listener(found->second);", ""}},
       {},
       {},
       "in which pieces a client hears an answer is not compared"},
      {"pieces_told_again",
       "each piece begins with what was told before",
       "",
       {{generator, "std::exchange(session.news, {})", "session.news"}},
       {},
       {},
       "in which pieces a client hears an answer is not compared"},
      {"versions_mixed",
       "requests of different versions take a turn on a lane together",
       "",
       {{generator, "session.weights == first.weights", "true"}},
       {},
       {},
       "a trace says how many tokens an answer has, and not which"},
      {"own_policy_ignored",
       "a request that wants to wait for a boundary is answered at once",
       "",
       {{gate, "request.options.policy.value_or(settings_.policy)", "settings_.policy"}}},
      {"too_many_versions_held",
       "any number of versions may be held",
       "",
       {{gate, "held.size() < settings_.most_versions", "true"}},
       {},
       {},
       "which version a request is given depends on when it comes, and is not compared"},
      {"held_version_not_let_go",
       "an answered request goes on holding its version",
       "",
       {{gate, "--state_.held[version] > 0", "true"}},
       {},
       "whoever waits for its version to be let go is answered by the last one, when the run ends"},
  };
}

}  // namespace nodezero::mutants
