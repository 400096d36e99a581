#pragma once

#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

#include "runtime/explore/run.hpp"

namespace nodezero::runtime::explore {

/// Chooses, in a state, a part of the possible steps that is enough: a persistent set in
/// Godefroid's sense. Handlings by different actors commute, because a handler sees its own
/// actor alone. So if nothing that the others may do can put another message before actor A,
/// the order between A's next message and all the others' does not matter, and it is enough
/// to go on with A.
///
/// What may follow from what is learned while exploring: for each label (link and type of a
/// message) the labels of what its handling has sent. If an exploration learns anything new, it
/// is run again with what it knows; the last one learned nothing, so what it relied on holds in
/// every state that it stands for. (The first step, on any path of the full space, that sends
/// what the table does not know would by the argument above also be made in the reduced space,
/// and would have been learned there.) Answers are known to need a request.
///
/// Needs a space without cycles, which the exploration checks.
class Reduction {
 public:
  /// The steps to follow in the run's state.
  std::vector<Choice> select(const Run& run, const Network& network);
  /// To be called after a step whose label was `cause`.
  void learn(const Network::Label& cause, const Network& network);

  /// What was learned since the last call.
  std::size_t take_news() { return std::exchange(news_, 0); }

 private:
  using Key = std::tuple<std::uint32_t, const void*>;
  struct Entry {
    Network::Label label;
    std::vector<std::uint32_t> effects;
  };

  std::uint32_t number(const Network::Label& label);
  bool can_be_overtaken(NodeIndex actor, const std::vector<std::uint32_t>& in_flight,
                        const Network& network);

  std::map<Key, std::uint32_t> numbers_;
  std::vector<Entry> entries_;
  std::size_t news_ = 0;
  std::vector<std::uint32_t> marked_;  ///< by number: the search that met it last
  std::vector<std::uint32_t> queue_;
  std::uint32_t search_ = 0;
};

}  // namespace nodezero::runtime::explore
