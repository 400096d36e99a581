// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "actors/laws/known_facts.hpp"
#include "actors/laws/logical_run.hpp"

namespace nodezero::actors {

/// The law of each kind of fact: what its sender must know of.
class FactLaws {
 public:
  using EventNumber = runtime::inspect::EventNumber;
  using Facts = std::map<FactKey, Fact>;

  explicit FactLaws(const runtime::trace::Trace& trace) : trace_(trace) {}

  /// What had to happen before and is not known: at most ten. `facts` are those so far.
  std::vector<FactKey> lacks(const FactKey& key, EventNumber event, const KnownFacts& known,
                             const Facts& facts);
  /// The same of a host's `applied`, which follows what all machines have added.
  std::vector<FactKey> lacks_at_host(const FactKey& key, const KnownFacts& known,
                                     const Facts& facts);
  /// True for facts that others rely on, and which are to be noted.
  static bool is_needed_by_others(FactKind kind);
  void note(const FactKey& key, EventNumber event, KnownFacts& known);

 private:
  std::uint32_t bit_of(const StepPlace& place, const FactKey& key);
  /// How many micro-batches the step has, as far as is known.
  std::uint64_t planned_in(const FactKey& key) const;
  template <class Need>
  void need_all_reports(const FactKey& key, const Need& need) const;

  const runtime::trace::Trace& trace_;
  std::map<StepPlace, std::map<std::tuple<FactKind, std::uint64_t, std::uint64_t>, std::uint32_t>>
      bits_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> micro_batches_;
  std::uint64_t first_version_ = FactKey::none;
  bool has_epochs_ = false;
};

}  // namespace nodezero::actors
