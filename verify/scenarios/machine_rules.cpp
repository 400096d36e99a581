// SPDX-License-Identifier: BSD-3-Clause
#include "verify/scenarios/machine_rules.hpp"

#include <fmt/format.h>

#include "runtime/fingerprint.hpp"

namespace nodezero::verify {

using namespace actors;

std::uint64_t MachineRules::digest() const {
  runtime::Fingerprint digest;
  for (const auto& [number, term] : terms_) {
    digest.add(number).add(term.members.size());
    for (const std::uint32_t machine : term.gathered) {
      digest.add(machine);
    }
  }
  for (const auto& [machine, version] : versions_) {
    digest.add(machine).add(version);
  }
  return digest.value();
}

void MachineRules::note(const explore::Delivery& delivery) {
  if (const auto* plan = delivery.as<wire::plan>()) {
    note_plan(*plan);
  } else if (const auto* gathered = delivery.as<wire::gathered>()) {
    terms_[gathered->term].gathered.insert(gathered->machine);
  } else if (const auto* commit = delivery.as<wire::commit>()) {
    note_commit(*commit);
  }
}

void MachineRules::note_plan(const wire::plan& plan) {
  std::set<std::uint32_t> members;
  for (const auto& member : plan.members) {
    members.insert(member.machine);
  }
  auto& known = terms_[plan.term].members;
  if (!known.empty() && known != members) {
    broken(fmt::format("two plans have the term {}", plan.term));
  }
  known = std::move(members);
}

void MachineRules::note_commit(const wire::commit& commit) {
  const auto& [members, gathered] = terms_[commit.term];
  for (const std::uint32_t machine : members) {
    if (!gathered.contains(machine)) {
      broken(fmt::format("term {} was committed before machine {} had gathered it", commit.term,
                         machine));
    }
  }
}

void MachineRules::has_version(std::uint32_t machine, std::uint64_t version) {
  versions_[machine] = version;
  const auto& members = newest().members;
  for (const auto& [other, its] : versions_) {
    if (members.contains(machine) && members.contains(other) && version > its + 1) {
      broken(fmt::format("machine {} made version {} when machine {} still had version {}", machine,
                         version, other, its));
    }
  }
}

void MachineRules::broken(std::string rule) {
  if (violation_.empty()) {
    violation_ = std::move(rule);
  }
}

const MachineRules::Term& MachineRules::newest() const {
  static const Term none;
  return terms_.empty() ? none : terms_.rbegin()->second;
}

}  // namespace nodezero::verify
