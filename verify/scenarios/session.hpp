// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "runtime/trace/recorder.hpp"
#include "verify/explore/report.hpp"
#include "verify/scenarios/run_scenario.hpp"
#include "verify/scenarios/tree_scenario.hpp"

namespace nodezero::verify {

/// How much of the protocol's machinery takes part.
enum class Scope {
  bare,      ///< assignments and reports; gradients and all work in place
  tree,      ///< node_zero, spheres and optimizer's answers; work in place
  run,       ///< all actors
  host,      ///< all actors behind a keeper, and a host's calls
  machines,  ///< the exchange of several machines; each machine's own work in place
};

enum class Mode {
  exhaustive,
  classes,
  random,
  pct,
  twice,   ///< as random, each schedule twice: the same states
  traced,  ///< as random, each schedule twice and recorded: the same bytes, and the traces' laws
};

/// Everything that a verification depends on; its text is the header of schedule files.
struct Question {
  Scope scope = Scope::run;
  Mode mode = Mode::exhaustive;
  std::string tree;  ///< in brackets; empty: the tree of `spheres` workers
  std::uint32_t spheres = 2;
  std::uint32_t symmetry = 12;
  std::uint32_t lanes = 1;
  bool work_in_place = false;
  std::uint64_t epochs = 1;
  std::uint64_t steps = 1;
  std::uint32_t micro_batches = 0;  ///< of a step; 0: one for each worker
  std::uint64_t checkpoint_every = 0;
  std::uint64_t evaluate_every = 0;
  std::uint32_t inference = 0;
  std::string policy = "snapshot";
  std::uint32_t stops = 0;
  std::uint32_t clients = 0;   ///< of a server
  std::uint32_t leaving = 0;   ///< of them
  std::uint32_t versions = 0;  ///< that their answers may hold; 0: any number
  std::string calls;           ///< of a host, see HostScenario
  std::uint32_t machines = 2;  ///< the root's among them
  std::uint32_t joins = 0;     ///< hosts that join at any moment
  std::uint32_t faults = 0;
  bool kills = true;  ///< what kinds of faults there are, if there are any
  bool duplicates = false;
  bool timers = false;
  bool cuts = false;     ///< the connection between a host and the root may end, and it comes again
  bool backups = false;  ///< the machine that computes last may count as slow
  std::string lie;       ///< what the first sphere of a tree says wrongly, see lies.hpp
  std::uint64_t seed = 1;
  std::uint32_t depth = 3;
  bool reduced = true;

  /// One line of JSON.
  std::string text() const;
  /// @throws std::invalid_argument with a line for people
  static Question from_text(const std::string& text);
};

/// The names of modes, as on the command line.
const std::map<std::string, Mode>& mode_names();

/// A scenario and a system to run it in.
class Session {
 public:
  /// @throws std::invalid_argument with a line for people if the question makes no sense
  /// A recorder of the actors must outlive it.
  explicit Session(const Question& question, runtime::trace::Recorder* recorder = nullptr);
  ~Session();

  explore::Report explore(const explore::Bounds& bounds);
  explore::Run& run();

  const Question& question() const { return question_; }
  /// Product of the factorials of numbers of children to the power of epochs.
  double classes_of_bare_protocol() const;

 private:
  struct State;
  Question question_;
  std::unique_ptr<State> state_;
};

}  // namespace nodezero::verify
