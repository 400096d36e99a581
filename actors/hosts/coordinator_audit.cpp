// SPDX-License-Identifier: BSD-3-Clause

// Machines that compute other bits than the run's are put out of it, and the step is planned again
// without them before anything is applied.

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "actors/hosts/coordinator.hpp"

namespace nodezero::actors {

/// Has the micro-batch that is looked at be a range of its own, and another machine compute it too.
void coordinator::plan_audit() {
  OpenStep& open = *open_;
  const auto& envelope = open.step.envelope;
  const auto position =
      audited_position(settings_.run, envelope.step, open.positions(), settings_.audit);
  if (!position || open.members.size() < 2) {
    return;
  }
  open.audited = position;
  for (std::size_t i = 0; i < open.members.size(); ++i) {
    auto& ranges = open.members[i].ranges;
    if (ranges.empty() || *position < ranges[0].first || *position >= ranges[0].last) {
      continue;
    }
    const PositionRange whole = ranges[0];
    ranges.clear();
    for (const PositionRange range :
         {PositionRange{whole.first, *position}, PositionRange{*position, *position + 1},
          PositionRange{*position + 1, whole.last}}) {
      if (range.size() > 0) {
        ranges.push_back(range);
      }
    }
    open.members[i].audits = true;
    open.members[(i + 1) % open.members.size()].audits = true;
  }
}

/// True if two machines have found other results for a micro-batch. Then all look at it, and those
/// that are in the minority go.
bool coordinator::put_out_the_outvoted() {
  OpenStep& open = *open_;
  std::vector<FindingOf> findings;
  for (const auto& member : open.members) {
    if (member.finding) {
      findings.push_back({member.machine, *member.finding});
    }
  }
  const auto others = outvoted(findings);
  if (others.empty()) {
    return false;
  }
  if (findings.size() < open.members.size()) {
    notice(
        fmt::format("two machines have computed another gradient for the same micro-batch{}; "
                    "all compute it, to find out which is right",
                    standing_of_run()));
    audit_by_all();
    return true;
  }
  if (std::ranges::find(others, 0U) != others.end()) {
    step_lost(
        "most hosts compute another gradient than the root: its memory or processor may be "
        "faulty",
        nullptr);
    return true;
  }
  for (const std::uint32_t machine : others) {
    put_out(machine,
            findings.size() == 2
                ? "it computes another gradient than the root: the memory or processor of one of "
                  "them may be faulty"
                : "it computes another gradient than the others: its memory or processor may be "
                  "faulty");
  }
  return true;
}

void coordinator::audit_by_all() {
  std::vector<std::uint32_t> new_ones;
  for (auto& member : open_->members) {
    if (!std::exchange(member.audits, true)) {
      new_ones.push_back(member.machine);
    }
  }
  send_plan();
  for (const auto& member : open_->members) {
    if (std::ranges::find(new_ones, member.machine) != new_ones.end()) {
      send_work(member, {{*open_->audited, *open_->audited + 1}});
    }
  }
}

/// A host whose weights are not the root's has computed with others, so what it gave is worth
/// nothing.
bool coordinator::put_out_those_that_differ() {
  const auto& root = open_->members.front();
  for (const auto& member : open_->members) {
    if (member.weights_hash != root.weights_hash || member.sum_hash != root.sum_hash) {
      put_out(member.machine,
              fmt::format("its {} are not the run's: memory or processor may be faulty",
                          member.weights_hash != root.weights_hash ? "weights" : "sums"));
      return true;
    }
  }
  return false;
}

void coordinator::put_out(std::uint32_t machine, const std::string& reason) {
  const auto host = std::ranges::find(hosts_, machine, &Host::machine);
  if (host == hosts_.end()) {
    return;
  }
  host->session.send(*this, wire::refused{reason});
  demonitor(host->session.address());
  lose(host, reason);
}

}  // namespace nodezero::actors
