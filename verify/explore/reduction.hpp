// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <vector>

#include "verify/explore/forecast.hpp"
#include "verify/explore/run.hpp"

namespace nodezero::verify::explore {

/// Chooses, in a state, a part of the possible steps that is enough: a persistent set in
/// Godefroid's sense. Handlings by different actors commute, because a handler sees its own
/// actor alone. So if nothing that the others may do can put another message before actor A,
/// the order between A's next message and all the others' does not matter, and it is enough
/// to go on with A. Answers are known to need a request. What a step has others handle in place
/// belongs to it: two steps do not commute if one leaves an actor in another state that the other
/// has handle something. What actors share (Scenario::shares) is treated as such an actor.
///
/// What the others may do is learned while exploring (Forecast). A set is chosen by what is known
/// so far, and looked at again when everything below the state has been explored. Then what it
/// relies on holds: a path of the others from there, at whose end a message overtakes A's, could
/// be taken as well after A's next step, where what was explored stands for all paths. So each of
/// its steps has been met, by the same actors in the same states, and is known. Needs a space
/// without cycles, which the exploration checks.
class Reduction {
 public:
  /// What it sees of a state.
  struct View {
    std::vector<Choice> steps;           ///< all that are possible
    std::vector<bool> optional;          ///< parallel: it may also never be taken
    std::vector<std::uint64_t> digests;  ///< by actor; the first is that of what they share
    std::vector<bool> waits;             ///< by actor, for an answer
    Forecast::View rough;                ///< the messages of the steps come first
    Forecast::View exact;
    bool is_whole = false;  ///< the order of all steps matters
  };
  View look(const Run& run, Network& network);

  /// The steps to follow from there, as far as is known; those of one actor or all.
  std::vector<Choice> select(const View& view);
  /// True if the steps of this actor are enough, by what is known now.
  bool is_enough(const View& view, NodeIndex node);
  /// To be called after a step, with what was seen before it.
  void learn(const View& before, const Choice& step, const Run& run, Network& network);
  /// True if two steps that are possible there are known to lead to the same state in either order.
  bool commute(const View& view, const Choice& one, const Choice& other) const;

  /// Grows with everything that is learned.
  std::uint64_t knowledge() const { return exact_.knowledge() + rough_.knowledge(); }

 private:
  const Forecast::Effect* effect(const View& view, const Choice& step) const;

  Forecast rough_{true};
  Forecast exact_{false};
};

}  // namespace nodezero::verify::explore
