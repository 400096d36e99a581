// SPDX-License-Identifier: BSD-3-Clause

// Rules about epochs.

#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>

#include "actors/laws/trace_facts.hpp"

namespace nodezero::actors {
namespace {

constexpr std::uint64_t for_training = 0;  // Purpose::train

}  // namespace

void check_epoch_done_after_last_step(const TraceFacts& facts, Findings& findings) {
  const auto proofs = facts.begins({"optimizer_complete"});
  const auto work = facts.sends({"assign", "apply"});
  const auto beginnings = facts.sends({"training"});
  for (const auto done : facts.sends({"epoch_done"})) {
    const auto epoch = facts.number(done, "epoch");
    const auto step = facts.number(done, "step");
    EventNumber proof = 0, nearest = 0;
    for (const auto number : proofs) {
      if (number < done && facts.event(number).actor == facts.event(done).actor &&
          facts.field(number, "epoch") == epoch) {
        nearest = number;
        proof = facts.field(number, "step") == step ? number : proof;
      }
    }
    if (proof == 0) {
      findings.missing(facts.knows_the_past(), nearest, done,
                       fmt::format("epoch {} was answered with epoch_done before the optimizer's "
                                   "answer for step {} had been handled",
                                   epoch, step));
    }
    const auto other_end = std::find_if(beginnings.begin(), beginnings.end(), [&](auto number) {
      const auto last_step = facts.field(number, "last_step");
      return facts.field(number, "epoch") == epoch && last_step && *last_step != step;
    });
    if (other_end != beginnings.end()) {
      findings.violated(std::min(done, *other_end), std::max(done, *other_end),
                        fmt::format("epoch {} was answered with epoch_done after step {}, but was "
                                    "begun with step {} as its last",
                                    epoch, step, *facts.field(*other_end, "last_step")));
      continue;
    }
    const auto later = std::find_if(work.begin(), work.end(), [&](EventNumber number) {
      return facts.field(number, "epoch") == epoch && facts.number(number, "step") > step &&
             facts.number(number, "purpose") == for_training;
    });
    if (later != work.end()) {
      findings.violated(std::min(done, *later), std::max(done, *later),
                        fmt::format("epoch {} was answered with epoch_done after step {}, but "
                                    "step {} belongs to it as well",
                                    epoch, step, facts.number(*later, "step")));
    }
    if (facts.field(done, "sealed") == 0u) {
      findings.violated(nearest, done, "an epoch was answered with an epoch_done without proof");
    }
  }
}

void check_epoch_done_once(const TraceFacts& facts, Findings& findings) {
  std::map<std::uint64_t, EventNumber> ends;
  for (const auto done : facts.sends({"epoch_done"})) {
    const auto epoch = facts.number(done, "epoch");
    const auto [earlier, is_first] = ends.try_emplace(epoch, done);
    if (!is_first) {
      findings.violated(earlier->second, done,
                        fmt::format("epoch {} was answered with epoch_done twice", epoch));
    }
  }
}

void check_no_older_epoch(const TraceFacts& facts, Findings& findings) {
  // The epoch that each actor has shown to be in, and the event that showed it.
  struct Current {
    std::uint64_t epoch = 0;
    EventNumber since = 0;
  };
  std::map<std::uint32_t, Current> currents;
  const auto raise = [&](EventNumber number, std::uint64_t epoch) {
    auto& current = currents[facts.event(number).actor];
    if (current.since == 0 || epoch > current.epoch) {
      current = {epoch, number};
    }
  };
  constexpr std::array<std::string_view, 4> actors = {"node_zero", "control", "worker",
                                                      "optimizer"};
  auto events = facts.begins({"begin_epoch", "step_plan", "assign", "gradient", "report",
                              "step_failed", "apply", "optimizer_complete"});
  const auto sent = facts.sends({"assign", "apply"});
  events.insert(events.end(), sent.begin(), sent.end());
  std::sort(events.begin(), events.end());
  for (const auto number : events) {
    const auto epoch = facts.field(number, "epoch");
    if (!epoch || std::ranges::find(actors, facts.actor_kind(number)) == actors.end()) {
      continue;
    }
    const auto current = currents.find(facts.event(number).actor);
    const bool is_older = facts.event(number).kind == Kind::begin && current != currents.end() &&
                          *epoch < current->second.epoch;
    if (!is_older) {
      raise(number, *epoch);
    } else if (facts.had_effect(number)) {
      findings.violated(current->second.since, number,
                        fmt::format("{} of epoch {} was handled as if it were of epoch {}",
                                    facts.type(number), *epoch, current->second.epoch));
    }
  }
}

}  // namespace nodezero::actors
