// SPDX-License-Identifier: BSD-3-Clause
#include "actors/laws/fact_laws.hpp"

#include <algorithm>

#include "actors/laws/fact_sources.hpp"

namespace nodezero::actors {
namespace {

bool is_of_evaluation(FactKind kind) {
  return kind >= FactKind::evaluate && kind <= FactKind::evaluated;
}

/// All facts of a kind that this step has so far.
template <class Need>
void need_all_of(FactKind kind, const FactKey& key, const FactLaws::Facts& facts,
                 const Need& need) {
  const FactKey first{key.epoch, key.step, kind}, last{key.epoch, key.step, kind, FactKey::none};
  for (auto at = facts.lower_bound(first); at != facts.end() && at->first < last; ++at) {
    need(kind, at->first.first, at->first.last);
  }
}

/// A sum is made of those within it.
template <class Need>
void need_sums_inside(const FactKey& key, const FactLaws::Facts& facts, const Need& need) {
  const FactKey first{key.epoch, key.step, FactKind::added, key.first};
  const FactKey last{key.epoch, key.step, FactKind::added, key.last};
  for (auto at = facts.lower_bound(first); at != facts.end() && at->first < last; ++at) {
    if (at->first.last <= key.last) {
      need(FactKind::added, at->first.first, at->first.last);
    }
  }
}

}  // namespace

bool FactLaws::is_needed_by_others(FactKind kind) {
  return (kind >= FactKind::evaluate && kind <= FactKind::evaluation_reported) ||
         (kind >= FactKind::planned && kind <= FactKind::completed) ||
         kind == FactKind::epoch_done || kind == FactKind::halted;
}

void FactLaws::note(const FactKey& key, EventNumber event, KnownFacts& known) {
  const StepPlace place{key.epoch, key.step, is_of_evaluation(key.kind)};
  known.add(place, bit_of(place, key));
  if (key.kind == FactKind::completed) {
    const auto version = number_said(trace_, event, "version", 0);
    known.versions = std::max(known.versions, version + 1);
    first_version_ = std::min(first_version_, version);
  } else if (key.kind == FactKind::epoch_done) {
    known.epochs_done = std::max(known.epochs_done, key.epoch + 1);
  } else if (key.kind == FactKind::halted) {
    known.has_halted = true;
  } else if (key.kind == FactKind::planned) {
    micro_batches_[{key.epoch, key.step}] = number_said(trace_, event, "micro_batches", 0);
  }
}

std::uint32_t FactLaws::bit_of(const StepPlace& place, const FactKey& key) {
  auto& bits = bits_[place];
  return bits.try_emplace({key.kind, key.first, key.last}, static_cast<std::uint32_t>(bits.size()))
      .first->second;
}

/// Whether the optimizer has something to update in this step.
bool has_gradient(const FactKey& key, const FactLaws::Facts& facts) {
  const auto applied = facts.find({key.epoch, key.step, FactKind::applied});
  return applied != facts.end() &&
         std::ranges::any_of(applied->second.values, [](const FactValue& value) {
           return value.name == "with_gradient" && value.bits == 1;
         });
}

std::uint64_t FactLaws::planned_in(const FactKey& key) const {
  const auto planned = micro_batches_.find({key.epoch, key.step});
  return planned == micro_batches_.end() ? 0 : std::min(planned->second, most_positions);
}

/// An epoch without steps asks for its proof with an `apply` that carries nothing.
template <class Need>
void FactLaws::need_all_reports(const FactKey& key, const Need& need) const {
  for (std::uint64_t position = 0; position < planned_in(key); ++position) {
    need(FactKind::arrived, position);
    need(FactKind::reported, position);
  }
}

std::vector<FactKey> FactLaws::lacks_at_host(const FactKey& key, const KnownFacts& known,
                                             const Facts& facts) {
  std::vector<FactKey> lacks;
  const StepPlace place{key.epoch, key.step, false};
  const auto need = [&](FactKind kind, std::uint64_t first, std::uint64_t last = 0) {
    constexpr std::size_t most = 10;
    const FactKey needed{key.epoch, key.step, kind, first, last};
    if (lacks.size() < most && !known.has(place, bit_of(place, needed))) {
      lacks.push_back(needed);
    }
  };
  for (std::uint64_t position = 0; position < planned_in(key); ++position) {
    need(FactKind::handed_over, position);
  }
  need_all_of(FactKind::added, key, facts, need);
  return lacks;
}

std::vector<FactKey> FactLaws::lacks(const FactKey& key, EventNumber event, const KnownFacts& known,
                                     const Facts& facts) {
  std::vector<FactKey> lacks;
  const StepPlace place{key.epoch, key.step, is_of_evaluation(key.kind)};
  const auto need = [&](FactKind kind, std::uint64_t first = 0, std::uint64_t last = 0) {
    constexpr std::size_t most = 10;
    const FactKey needed{key.epoch, key.step, kind, first, last};
    if (lacks.size() < most && !known.has(place, bit_of(place, needed))) {
      lacks.push_back(needed);
    }
  };
  const auto need_version = [&](std::uint64_t behind) {
    const auto version = number_said(trace_, event, "version", 0);
    if (version >= behind && version - behind > first_version_ &&
        known.versions <= version - behind) {
      lacks.push_back({key.epoch, key.step, FactKind::completed, version - behind, 0, 1});
    }
  };
  switch (key.kind) {
    case FactKind::assigned:
      need(FactKind::planned);
      need_version(0);
      break;
    case FactKind::evaluation_assigned:
      need(FactKind::evaluate);
      need_version(0);
      break;
    case FactKind::computed:
      need(FactKind::assigned, key.first);
      break;
    case FactKind::evaluation_computed:
      need(FactKind::evaluation_assigned, key.first);
      break;
    case FactKind::handed_over:
    case FactKind::closed:
      need(FactKind::computed, key.first);
      break;
    case FactKind::evaluation_closed:
      need(FactKind::evaluation_computed, key.first);
      break;
    case FactKind::arrived:
      need(FactKind::handed_over, key.first);
      break;
    case FactKind::reported:
      // A coordinator closes the step when all machines have the sum.
      need(trace_.actors[trace_.event(event).peer].name == "coordinator" ? FactKind::handed_over
                                                                         : FactKind::closed,
           key.first);
      break;
    case FactKind::evaluation_reported:
      need(FactKind::evaluation_closed, key.first);
      break;
    case FactKind::evaluated:
      need_all_of(FactKind::evaluation_reported, key, facts, need);
      break;
    case FactKind::added:
      for (auto position = key.first; position < std::min(key.last, key.first + most_positions);
           ++position) {
        need(FactKind::computed, position);
      }
      need_sums_inside(key, facts, need);
      break;
    case FactKind::applied:
      need_all_reports(key, need);
      need_all_of(FactKind::added, key, facts, need);
      break;
    case FactKind::updated:
      need(FactKind::applied);
      break;
    case FactKind::completed:
      need(FactKind::applied);
      if (has_gradient(key, facts)) {
        constexpr std::uint64_t updating = 1;
        need(FactKind::updated, updating);
      }
      need_all_of(FactKind::updated, key, facts, need);
      break;
    case FactKind::step_told:
      need(FactKind::completed);
      break;
    case FactKind::epoch_begun:
      if (key.epoch > 0 && has_epochs_ && known.epochs_done < key.epoch) {
        lacks.push_back({key.epoch - 1, 0, FactKind::epoch_done});
      }
      has_epochs_ = true;
      if (first_version_ == FactKey::none) {
        first_version_ = number_said(trace_, event, "version", 0);
      }
      break;
    case FactKind::epoch_done:
      need(FactKind::completed);
      need_version(0);
      break;
    case FactKind::stop_answered:
      if (!known.has_halted) {
        lacks.push_back({FactKey::none, FactKey::none, FactKind::halted});
      }
      break;
    case FactKind::epoch_told:
    case FactKind::snapshot:
    case FactKind::asked_to_generate:
    case FactKind::generated:
      need_version(0);
      break;
    default:
      break;
  }
  return lacks;
}

}  // namespace nodezero::actors
