// SPDX-License-Identifier: BSD-3-Clause
#include "verify/mutants/kill.hpp"

#include "verify/explore/replay.hpp"
#include "verify/mutants/switches.hpp"
#include "verify/scenarios/message_digests.hpp"

namespace nodezero::mutants {

using verify::Mode;
using verify::Scope;
using verify::Session;

namespace {

// A run of more steps than this is taken for one that does not end.
constexpr std::uint64_t most_steps = 2000;

}  // namespace

SwitchedOn::SwitchedOn(std::span<const std::string_view> names) {
  for (const auto name : names) {
    switched_on.set(number_of(name));
  }
}

SwitchedOn::~SwitchedOn() {
  switched_on.reset();
}

std::vector<std::string_view> names_of(const Mutant& mutant) {
  auto names = mutant.with;
  names.push_back(mutant.name);
  return names;
}

std::optional<Kill> kill(const Mutant& mutant, Mode mode, std::uint64_t schedules) {
  const SwitchedOn on(names_of(mutant));
  std::uint64_t asked = 0;
  for (auto question : questions(mutant)) {
    question.mode = mode;
    Session session(question);
    session.run().most_steps = most_steps;
    verify::explore::Bounds bounds;
    bounds.cpu_seconds = 20;
    if (mode == Mode::exhaustive) {
      bounds.states = 20 * schedules;
    } else {
      bounds.schedules = schedules;
    }
    const auto report = session.explore(bounds);
    asked += mode == Mode::exhaustive ? report.states : report.schedules;
    if (report.counterexample) {
      Kill result{asked, verify::shrink({question, *report.counterexample}, most_steps), ""};
      const auto& [small, counterexample] = result.small;
      Session again(small);
      again.run().most_steps = most_steps;
      result.diagram =
          verify::explore::sequence_diagram(again.run(), counterexample, verify::describe_message);
      return result;
    }
  }
  return std::nullopt;
}

namespace {

using verify::Question;

std::vector<Question> questions_of_machines() {
  std::vector<Question> questions;
  Question machines;
  machines.scope = Scope::machines;
  machines.machines = 1;
  machines.joins = 1;
  machines.faults = 1;
  machines.steps = 3;  // one that is lost while the next step waits for it
  questions.push_back(machines);
  machines.machines = 2;
  machines.steps = 2;
  questions.push_back(machines);
  machines.joins = 0;
  machines.machines = 3;
  machines.micro_batches = 4;
  machines.steps = 2;
  machines.cuts = true;
  questions.push_back(machines);
  machines = {};
  machines.scope = Scope::machines;
  machines.faults = 1;
  machines.kills = false;
  machines.backups = true;
  machines.steps = 2;
  questions.push_back(machines);
  machines.machines = 3;
  machines.micro_batches = 7;
  questions.push_back(machines);
  // As many as use up all credit that is never given back.
  machines = {};
  machines.scope = Scope::machines;
  machines.steps = 10;
  questions.push_back(machines);
  return questions;
}

std::vector<Question> questions_of_one_machine() {
  std::vector<Question> questions;
  // Small ones first: what they show is short.
  Question tree;
  tree.scope = Scope::tree;
  tree.tree = "(..)";
  questions.push_back(tree);
  tree.micro_batches = 1;
  questions.push_back(tree);
  tree.steps = 2;
  tree.micro_batches = 3;
  questions.push_back(tree);
  tree.tree = "(.(..))";
  tree.epochs = 2;
  questions.push_back(tree);
  tree.epochs = 1;
  tree.steps = 1;
  tree.tree = "(.)";
  tree.micro_batches = 2;
  tree.faults = 1;
  questions.push_back(tree);
  tree.faults = 3;  // as often as a micro-batch may fail
  questions.push_back(tree);
  tree.faults = 1;
  tree.tree = "((..).)";
  tree.micro_batches = 4;
  questions.push_back(tree);
  Question duplicates = tree;
  duplicates.tree = "(..)";
  duplicates.kills = false;
  duplicates.duplicates = true;
  duplicates.steps = 2;
  duplicates.micro_batches = 2;
  questions.push_back(duplicates);

  Question run;
  run.spheres = 1;
  questions.push_back(run);
  run.micro_batches = 2;
  questions.push_back(run);
  run.micro_batches = 0;
  run.stops = 1;
  questions.push_back(run);
  run.stops = 2;
  questions.push_back(run);
  run.stops = 0;
  run.inference = 1;
  questions.push_back(run);
  run.steps = 2;
  questions.push_back(run);
  run.inference = 2;
  questions.push_back(run);
  run.inference = 1;
  run.policy = "wait";
  questions.push_back(run);
  run.stops = 1;
  questions.push_back(run);
  run.stops = 0;
  run.steps = 1;
  run.epochs = 2;
  questions.push_back(run);
  // Snapshots in mid-epoch, and another epoch whose end would be too late.
  run.steps = 2;
  run.evaluate_every = 1;
  questions.push_back(run);
  run = {};
  run.micro_batches = 6;
  run.faults = 1;
  questions.push_back(run);
  run.faults = 0;
  run.micro_batches = 4;
  run.epochs = 2;
  run.steps = 2;
  run.lanes = 2;
  run.micro_batches = 4;
  questions.push_back(run);
  run.stops = 1;
  run.checkpoint_every = 1;
  questions.push_back(run);
  run.stops = 0;
  run.inference = 1;
  run.policy = "wait";
  run.faults = 4;  // once more than a micro-batch may fail
  questions.push_back(run);
  // As many sums that wait for a sibling as there may be buffers, if they come in a bad order.
  run = {};
  run.micro_batches = 16;
  run.steps = 2;
  questions.push_back(run);

  Question served;
  served.spheres = 1;
  served.steps = 2;
  served.clients = 1;
  questions.push_back(served);
  served.leaving = 1;
  questions.push_back(served);
  served.clients = 3;
  served.epochs = 2;
  questions.push_back(served);
  served.versions = 1;
  served.stops = 1;
  questions.push_back(served);
  served = {};
  served.spheres = 1;
  served.steps = 2;
  served.clients = 2;
  served.leaving = 2;  // the second while it waits for a boundary
  questions.push_back(served);

  Question host;
  host.scope = Scope::host;
  host.spheres = 1;
  host.steps = 2;
  host.work_in_place = true;
  for (const char* calls : {"p", "s", "c", "ws", "wb", "bb", "ps", "pc"}) {
    host.calls = calls;
    questions.push_back(host);
  }
  host.steps = 1;
  host.calls = std::string("c");  // GCC 12 warns of a literal
  host.work_in_place = false;     // so that lanes may outlive others
  questions.push_back(host);
  return questions;
}

}  // namespace

bool is_of_machines(const Mutant& mutant) {
  return !mutant.edits.empty() && mutant.edits.front().file.starts_with("actors/hosts/");
}

std::vector<Question> questions(const Mutant& mutant) {
  return is_of_machines(mutant) ? questions_of_machines() : questions_of_one_machine();
}

}  // namespace nodezero::mutants
