// SPDX-License-Identifier: BSD-3-Clause
#include "actors/laws/logical_run.hpp"

#include <algorithm>
#include <bit>
#include <memory>
#include <tuple>
#include <utility>

#include "actors/laws/fact_laws.hpp"
#include "actors/laws/fact_sources.hpp"
#include "actors/laws/known_facts.hpp"
#include "actors/laws/machines.hpp"

namespace nodezero::actors {
namespace {

using runtime::inspect::CausalOrder;
using runtime::inspect::EventNumber;
using runtime::trace::Event;
using runtime::trace::Kind;
using runtime::trace::Trace;

class Reader {
 public:
  explicit Reader(const Trace& trace)
      : trace_(trace),
        order_(trace),
        laws_(trace),
        hosts_(trace),
        between_machines_(trace),
        known_(order_.processes()),
        carried_(trace.messages.size()) {
    by_type_.resize(trace.names.size());
    for (std::size_t type = 0; type < trace.names.size(); ++type) {
      for (const auto& source : fact_sources()) {
        if (trace.names[type].text == source.type) {
          by_type_[type].push_back(&source);
        }
      }
    }
    for (auto& known : known_) {
      known = std::make_shared<KnownFacts>();
    }
  }

  LogicalRun read() {
    for (EventNumber number = 1; number <= trace_.events.size(); ++number) {
      const auto process = order_.process(number);
      if (process == CausalOrder::no_process) {
        continue;
      }
      const Event& event = trace_.event(number);
      learn_from_others(number, event, process);
      for (const auto* source : by_type_[event.type]) {
        if (source->event == event.kind &&
            (source->actor.empty() || name(event) == source->actor)) {
          take(*source, number);
        }
      }
      take_what_is_no_message(number, event);
      take_sums_between_machines(number, event);
      if (event.kind == Kind::send && event.life != 0) {
        carried_[event.life - 1] = known_[process];
      }
    }
    compare_replicas();
    find_limits();
    return std::move(run_);
  }

 private:
  std::string_view name(const Event& event) const { return trace_.actors[event.actor].name; }

  void learn_from_others(EventNumber number, const Event& event, std::uint32_t process) {
    const EventNumber cause = order_.cause(number);
    if (cause == 0) {
      return;
    }
    const auto& told =
        event.kind == Kind::begin ? carried_[event.life - 1] : known_[order_.process(cause)];
    auto& own = known_[process];
    if (told != nullptr && told != own && !own->contains(*told)) {
      if (told->contains(*own)) {
        own = told;
      } else {
        auto both = std::make_shared<KnownFacts>(*own);
        both->merge(*told);
        own = std::move(both);
      }
    }
    if (event.kind == Kind::begin) {
      carried_[event.life - 1] = nullptr;  // if it is put back, its receiver knows already
    }
  }

  void take(const FactSource& source, EventNumber event) {
    const bool is_evaluation = number_said(trace_, event, "purpose", 0) == 1;
    FactKey key{.epoch = number_said(trace_, event, "epoch", FactKey::none),
                .step = number_said(trace_, event, "step", FactKey::none),
                .kind = is_evaluation ? source.evaluation : source.training};
    switch (source.training) {
      case FactKind::stop_answered:
      case FactKind::run_ended:
        key.epoch = key.step = FactKey::none;
        add(key, source, event);
        break;
      case FactKind::planned:
        // What comes late is asked for again.
        if (!run_.facts.contains(key)) {
          add(key, source, event);
        }
        break;
      case FactKind::assigned:
        places_[trace_.event(event).actor] = {key.epoch, key.step};
        [[fallthrough]];
      case FactKind::closed:
      case FactKind::reported:
        add_positions(key, source, event);
        break;
      case FactKind::computed:
        key.first = number_said(trace_, event, "position", 0);
        add(key, source, event);
        break;
      case FactKind::handed_over:
      case FactKind::arrived:
        if (!is_evaluation) {
          add_range(key, source, event);
        }
        break;
      case FactKind::added:
        add_shard(key, source, event);
        break;
      case FactKind::applied:
      case FactKind::completed:
        if (is_for_a_newcomer(event)) {
          break;
        }
        if (hosts_.contains(trace_.event(event).actor)) {
          add_replica(key, source, event);
        } else {
          add(key, source, event);
        }
        break;
      default:
        add(key, source, event);
    }
  }

  /// Before a host gets the state, the coordinator asks the optimizer for it.
  bool is_for_a_newcomer(EventNumber event) const {
    const auto is_of_coordinator = [this](EventNumber sent) {
      return name(trace_.event(sent)) == "coordinator";
    };
    const auto* message = trace_.message_of(trace_.event(event));
    const auto asked = message == nullptr || message->request == 0
                           ? 0
                           : trace_.messages[message->request - 1].sent;
    return is_of_coordinator(event) || (asked != 0 && is_of_coordinator(asked));
  }

  /// What a host applies to its replica. That is not a fact of its own as long as it is what the
  /// root does: which machines take part is free.
  void add_replica(const FactKey& key, const FactSource& source, EventNumber event) {
    const auto& known = *known_[order_.process(event)];
    replicas_.emplace_back(key, Fact{.event = event,
                                     .values = values_of(source, event),
                                     .lacks = key.kind == FactKind::applied
                                                  ? laws_.lacks_at_host(key, known, run_.facts)
                                                  : laws_.lacks(key, event, known, run_.facts)});
    if (key.kind == FactKind::applied) {
      note(key, event);
    }
  }

  void compare_replicas() {
    for (auto& [key, replica] : replicas_) {
      const auto original = run_.facts.find(key);
      if (original == run_.facts.end() || original->second.values != replica.values ||
          !replica.lacks.empty()) {
        key.again = times_[key]++;
        run_.facts.emplace(key, std::move(replica));
      }
    }
  }

  void take_sums_between_machines(EventNumber number, const Event& event) {
    if (const auto added = between_machines_.take(event)) {
      static constexpr FactSource source{"sum", Kind::send, "", FactKind::added, FactKind::added};
      for (const auto& sum : added->sums) {
        add({.epoch = added->place.first,
             .step = added->place.second,
             .kind = FactKind::added,
             .first = sum.first,
             .last = sum.last},
            source, number);
      }
    }
  }

  void add_positions(FactKey key, const FactSource& source, EventNumber event) {
    std::vector<std::uint32_t> positions;
    trace_.numbers(trace_.event(event), "positions", positions);
    for (const auto position : positions) {
      key.first = position;
      add(key, source, event);
    }
  }

  void add_range(FactKey key, const FactSource& source, EventNumber event) {
    const auto first = number_said(trace_, event, "first", 0),
               last = number_said(trace_, event, "last", 0);
    if (last < first || last - first > most_positions) {
      key.first = first;
      key.last = last;
      add(key, source, event);
      return;
    }
    for (key.first = first; key.first < last; ++key.first) {
      add(key, source, event);
    }
  }

  /// Of a sum or an update: lanes share the work in as many shards as there are, of which the
  /// first one that is done counts.
  void add_shard(FactKey key, const FactSource& source, EventNumber event) {
    const auto* message = trace_.message_of(trace_.event(event));
    const auto asked = message->request == 0 ? 0 : trace_.messages[message->request - 1].sent;
    if (asked == 0) {
      return;
    }
    if (trace_.name(trace_.event(asked).type) == "update_shard") {
      // The copy for a checkpoint is made or not, depending on how fast the last one is written.
      constexpr std::uint64_t copying = 2;
      if (number_said(trace_, asked, "phase", 0) == copying) {
        return;
      }
      key.kind = FactKind::updated;
      key.first = number_said(trace_, asked, "phase", 0);
    } else {
      key.first = number_said(trace_, asked, "first", 0);
      key.last = number_said(trace_, asked, "last", 0);
    }
    if (!run_.facts.contains(key)) {
      add(key, source, event);
    } else if (key.kind == FactKind::updated) {
      note(key, event);  // each machine updates its replica
    }
  }

  void take_what_is_no_message(EventNumber event, const Event& what) {
    FactKey key{.epoch = FactKey::none, .step = FactKey::none};
    if (what.kind == Kind::state && name(what) == "lifecycle") {
      // States follow each other in one order, whatever the step: they are counted.
      key.kind = FactKind::lifecycle_state;
      key.first = states_++;
      static constexpr FactSource source{"", Kind::state, "", FactKind::lifecycle_state,
                                         FactKind::lifecycle_state};
      auto& fact = add(key, source, event);
      for (const char letter : trace_.name(what.type)) {
        fact.values.push_back({"state", static_cast<unsigned char>(letter)});
      }
    } else if (what.kind == Kind::exit && name(what) == "worker" && has_failed(what)) {
      if (const auto last = places_.find(what.actor); last != places_.end()) {
        std::tie(key.epoch, key.step) = last->second;
      }
      key.kind = FactKind::sphere_ended;
      static constexpr FactSource source{"", Kind::exit, "", FactKind::sphere_ended,
                                         FactKind::sphere_ended};
      add(key, source, event);
    }
  }

  /// Whoever made the actors ends them in the end.
  bool has_failed(const Event& exit) const {
    const auto reason = trace_.name(exit.type);
    return reason.find("kill") == std::string_view::npos &&
           reason.find("user_shutdown") == std::string_view::npos && reason != "none" &&
           reason != "normal";
  }

  Fact& add(FactKey key, const FactSource& source, EventNumber event) {
    Fact fact{.event = event,
              .values = values_of(source, event),
              .lacks = laws_.lacks(key, event, *known_[order_.process(event)], run_.facts)};
    if (FactLaws::is_needed_by_others(key.kind)) {
      note(key, event);
    }
    auto& count = times_[key];
    key.again = count++;
    return run_.facts.emplace(key, std::move(fact)).first->second;
  }

  void note(const FactKey& key, EventNumber event) {
    auto& known = known_[order_.process(event)];
    auto more = std::make_shared<KnownFacts>(*known);
    laws_.note(key, event, *more);
    known = std::move(more);
  }

  std::vector<FactValue> values_of(const FactSource& source, EventNumber event) const {
    std::vector<FactValue> values;
    for (const auto field : source.values) {
      std::uint64_t number = 0;
      double real = 0;
      if (!field.empty() && trace_.number(trace_.event(event), field, number)) {
        values.push_back({field, number, false});
      } else if (!field.empty() && trace_.real(trace_.event(event), field, real)) {
        values.push_back({field, std::bit_cast<std::uint64_t>(real), true});
      }
    }
    return values;
  }

  /// Where the trace is whole: the step in which the last seconds begin is not, nor are those at
  /// the end of what was written while the run went on, which takes a moment.
  void find_limits() {
    constexpr std::int64_t moment_ns = 100'000'000;
    const auto& completeness = trace_.completeness;
    const bool has_ended =
        !run_.facts.empty() && run_.facts.rbegin()->first.kind == FactKind::run_ended;
    const bool lacks_its_end = completeness.cut_off || (completeness.ring && !has_ended);
    const bool has_times = trace_.about.contains("started_unix_ns");
    const auto last_time = trace_.events.empty() ? 0 : trace_.events.back().time;
    run_.from = run_.to = {FactKey::none, FactKey::none};
    std::pair<std::uint64_t, std::uint64_t> last{0, 0};
    for (const auto& [key, fact] : run_.facts) {
      if (key.step == FactKey::none || key.kind < FactKind::planned ||
          key.kind > FactKind::completed) {
        continue;
      }
      const std::pair place{key.epoch, key.step};
      run_.from = std::min(run_.from, place);
      last = std::max(last, place);
      if (lacks_its_end && has_times && trace_.event(fact.event).time > last_time - moment_ns) {
        run_.to = std::min(run_.to, place);
      }
    }
    const bool lacks_its_beginning = completeness.ring;
    if (run_.from.second == FactKey::none && !lacks_its_beginning) {
      run_.from = {0, 0};  // it ended before its first step
    }
    run_.begins_later = lacks_its_beginning || run_.from.second > 0;
    // The step after the first one seen was planned before that.
    run_.from.second += lacks_its_beginning && run_.from.second != FactKey::none ? 2 : 0;
    run_.has_gaps = completeness.lost_records > 0;
    if (lacks_its_end) {
      run_.to = std::min(run_.to, last);
    }
  }

  const Trace& trace_;
  const CausalOrder order_;
  LogicalRun run_;
  FactLaws laws_;
  const HostActors hosts_;
  SumsBetweenMachines between_machines_;
  std::vector<std::pair<FactKey, Fact>> replicas_;
  std::vector<std::vector<const FactSource*>> by_type_;
  std::vector<KnownFacts::Pointer> known_;    ///< by process
  std::vector<KnownFacts::Pointer> carried_;  ///< by message
  std::map<FactKey, std::uint32_t> times_;
  std::map<std::uint32_t, std::pair<std::uint64_t, std::uint64_t>>
      places_;  ///< by worker, its last
  std::uint64_t states_ = 0;
};

}  // namespace

LogicalRun logical_run(const Trace& trace) {
  return Reader(trace).read();
}

bool is_of_a_run(const Trace& trace) {
  return std::ranges::any_of(trace.names, [](const auto& name) {
    return name.text == "begin_epoch" || name.text == "optimizer_complete";
  });
}

}  // namespace nodezero::actors
