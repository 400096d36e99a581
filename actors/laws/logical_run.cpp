// SPDX-License-Identifier: BSD-3-Clause
#include "actors/laws/logical_run.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "runtime/inspect/filter.hpp"

namespace nodezero::actors {
namespace {

using runtime::inspect::CausalOrder;
using runtime::inspect::EventNumber;
using runtime::trace::Event;
using runtime::trace::Kind;
using runtime::trace::Trace;

/// A file may claim any range: longer ones stand for themselves.
constexpr std::uint64_t most_positions = 1U << 20U;

/// Which events are facts.
struct Source {
  std::string_view type;
  Kind event;
  std::string_view actor;  ///< empty: any
  FactKind training, evaluation;
  std::array<std::string_view, 5> values = {};
};
constexpr std::array sources = {
    Source{"begin_epoch", Kind::send, "", FactKind::epoch_begun, FactKind::epoch_begun},
    Source{"training", Kind::send, "", FactKind::training, FactKind::training, {"last_step"}},
    Source{"step_plan", Kind::send, "", FactKind::planned, FactKind::evaluate, {"micro_batches"}},
    Source{"assign",
           Kind::begin,
           "worker",
           FactKind::assigned,
           FactKind::evaluation_assigned,
           {"version"}},
    Source{"computed",
           Kind::send,
           "lane",
           FactKind::computed,
           FactKind::evaluation_computed,
           {"version"}},
    Source{"gradient", Kind::send, "worker", FactKind::handed_over, FactKind::handed_over},
    Source{"report", Kind::send, "worker", FactKind::closed, FactKind::evaluation_closed},
    Source{"shard_done", Kind::send, "lane", FactKind::added, FactKind::added},
    Source{"gradient", Kind::begin, "node_zero", FactKind::arrived, FactKind::arrived},
    Source{"report", Kind::begin, "node_zero", FactKind::reported, FactKind::evaluation_reported},
    Source{"apply",
           Kind::send,
           "",
           FactKind::applied,
           FactKind::applied,
           {"version", "valid_tokens", "with_gradient"}},
    Source{"optimizer_complete",
           Kind::send,
           "",
           FactKind::completed,
           FactKind::completed,
           {"version", "sealed", "gradient_norm", "learning_rate"}},
    Source{"telemetry_step",
           Kind::send,
           "",
           FactKind::step_told,
           FactKind::step_told,
           {"version", "loss", "gradient_norm", "tokens", "micro_batches"}},
    Source{"evaluated",
           Kind::send,
           "",
           FactKind::evaluated,
           FactKind::evaluated,
           {"version", "loss", "tokens", "best"}},
    Source{"telemetry_evaluation",
           Kind::send,
           "",
           FactKind::evaluation_told,
           FactKind::evaluation_told,
           {"version", "loss", "tokens", "best"}},
    Source{"epoch_done",
           Kind::send,
           "",
           FactKind::epoch_done,
           FactKind::epoch_done,
           {"version", "sealed"}},
    Source{"telemetry_epoch",
           Kind::send,
           "",
           FactKind::epoch_told,
           FactKind::epoch_told,
           {"version", "steps", "loss", "tokens"}},
    Source{"telemetry_sample",
           Kind::send,
           "",
           FactKind::sample_told,
           FactKind::sample_told,
           {"version", "tokens"}},
    Source{"snapshot",
           Kind::send,
           "",
           FactKind::snapshot,
           FactKind::snapshot,
           {"version", "epoch_boundary"}},
    Source{"infer",
           Kind::send,
           "lifecycle",
           FactKind::asked_to_generate,
           FactKind::asked_to_generate,
           {"prompt_tokens", "tokens"}},
    Source{
        "generated", Kind::send, "inference", FactKind::generated, FactKind::generated, {"tokens"}},
    Source{"step_failed", Kind::send, "", FactKind::step_failed, FactKind::step_failed, {"code"}},
    Source{"halted", Kind::send, "", FactKind::halted, FactKind::halted, {"version"}},
    Source{"run_ended",
           Kind::send,
           "",
           FactKind::run_ended,
           FactKind::run_ended,
           {"was_stopped", "code"}},
};

constexpr std::uint64_t at_the_end = 0xffffffffffffffff;

/// A step, as (epoch, step, is an evaluation's).
using StepPlace = std::tuple<std::uint64_t, std::uint64_t, bool>;

/// What a process knows to have happened: of the last few steps each fact, of all the highest
/// version and how many epochs are done.
class Known {
 public:
  using Pointer = std::shared_ptr<const Known>;

  std::uint64_t versions = 0;  ///< the highest complete one plus 1
  std::uint64_t epochs_done = 0;

  bool has(const StepPlace& place, std::uint32_t bit) const {
    const auto found = std::ranges::find(steps_, place, &Step::place);
    return found != steps_.end() && bit / 64 < found->bits.size() &&
           (found->bits[bit / 64] >> (bit % 64) & 1) != 0;
  }
  void add(const StepPlace& place, std::uint32_t bit) {
    auto& bits = step(place).bits;
    bits.resize(std::max<std::size_t>(bits.size(), bit / 64 + 1));
    bits[bit / 64] |= std::uint64_t{1} << (bit % 64);
  }
  bool contains(const Known& other) const {
    return versions >= other.versions && epochs_done >= other.epochs_done &&
           std::ranges::all_of(other.steps_, [&](const Step& theirs) {
             const auto own = std::ranges::find(steps_, theirs.place, &Step::place);
             if (own == steps_.end()) {
               return steps_.size() == most_steps && theirs.place < steps_.front().place;
             }
             for (std::size_t i = 0; i < theirs.bits.size(); ++i) {
               if ((theirs.bits[i] & ~(i < own->bits.size() ? own->bits[i] : 0)) != 0) {
                 return false;
               }
             }
             return true;
           });
  }
  void merge(const Known& other) {
    versions = std::max(versions, other.versions);
    epochs_done = std::max(epochs_done, other.epochs_done);
    for (const auto& theirs : other.steps_) {
      auto& bits = step(theirs.place).bits;
      bits.resize(std::max(bits.size(), theirs.bits.size()));
      for (std::size_t i = 0; i < theirs.bits.size(); ++i) {
        bits[i] |= theirs.bits[i];
      }
    }
  }

 private:
  struct Step {
    StepPlace place;
    std::vector<std::uint64_t> bits;
  };
  static constexpr std::size_t most_steps = 6;

  Step& step(const StepPlace& place) {
    auto at = std::ranges::lower_bound(steps_, place, {}, &Step::place);
    if (at == steps_.end() || at->place != place) {
      at = steps_.insert(at, {place, {}});
    }
    if (steps_.size() > most_steps) {
      const bool is_first = at == steps_.begin();
      if (is_first) {
        forgotten_ = {place, {}};
        steps_.erase(at);
        return forgotten_;
      }
      const auto index = at - steps_.begin() - 1;
      steps_.erase(steps_.begin());
      at = steps_.begin() + index;
    }
    return *at;
  }

  std::vector<Step> steps_;  ///< ascending
  Step forgotten_;           ///< what is too old to be kept
};

class Reader {
 public:
  explicit Reader(const Trace& trace)
      : trace_(trace), order_(trace), known_(order_.processes()), carried_(trace.messages.size()) {
    by_type_.resize(trace.names.size());
    for (std::size_t type = 0; type < trace.names.size(); ++type) {
      for (const auto& source : sources) {
        if (trace.names[type].text == source.type) {
          by_type_[type].push_back(&source);
        }
      }
    }
    for (auto& known : known_) {
      known = std::make_shared<Known>();
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
      if (event.kind == Kind::send && event.life != 0) {
        carried_[event.life - 1] = known_[process];
      }
    }
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
        auto both = std::make_shared<Known>(*own);
        both->merge(*told);
        own = std::move(both);
      }
    }
    if (event.kind == Kind::begin) {
      carried_[event.life - 1] = nullptr;  // if it is put back, its receiver knows already
    }
  }

  /// What the event says about where in the run it happens: its message, or the request that it
  /// answers, or what was being handled.
  std::uint64_t number(EventNumber event, std::string_view field, std::uint64_t otherwise) const {
    std::uint64_t value = 0;
    const Event& said = trace_.event(event);
    if (trace_.number(said, field, value)) {
      return value;
    }
    if (const auto* message = trace_.message_of(said);
        message != nullptr && message->request != 0) {
      const auto asked = trace_.messages[message->request - 1].sent;
      if (asked != 0 && trace_.number(trace_.event(asked), field, value)) {
        return value;
      }
    }
    return runtime::inspect::number_around(trace_, said, field).value_or(otherwise);
  }

  void take(const Source& source, EventNumber event) {
    const bool is_evaluation = number(event, "purpose", 0) == 1;
    FactKey key{.epoch = number(event, "epoch", at_the_end),
                .step = number(event, "step", at_the_end),
                .kind = is_evaluation ? source.evaluation : source.training};
    switch (source.training) {
      case FactKind::run_ended:
        key.epoch = key.step = at_the_end;
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
        key.first = number(event, "position", 0);
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
      default:
        add(key, source, event);
    }
  }

  void add_positions(FactKey key, const Source& source, EventNumber event) {
    std::vector<std::uint32_t> positions;
    trace_.numbers(trace_.event(event), "positions", positions);
    for (const auto position : positions) {
      key.first = position;
      add(key, source, event);
    }
  }

  void add_range(FactKey key, const Source& source, EventNumber event) {
    const auto first = number(event, "first", 0), last = number(event, "last", 0);
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
  void add_shard(FactKey key, const Source& source, EventNumber event) {
    const auto* message = trace_.message_of(trace_.event(event));
    const auto asked = message->request == 0 ? 0 : trace_.messages[message->request - 1].sent;
    if (asked == 0) {
      return;
    }
    if (trace_.name(trace_.event(asked).type) == "update_shard") {
      // The copy for a checkpoint is made or not, depending on how fast the last one is written.
      constexpr std::uint64_t copying = 2;
      if (number(asked, "phase", 0) == copying) {
        return;
      }
      key.kind = FactKind::updated;
      key.first = number(asked, "phase", 0);
    } else {
      key.first = number(asked, "first", 0);
      key.last = number(asked, "last", 0);
    }
    if (!run_.facts.contains(key)) {
      add(key, source, event);
    }
  }

  void take_what_is_no_message(EventNumber event, const Event& what) {
    FactKey key{.epoch = at_the_end, .step = at_the_end};
    if (what.kind == Kind::state && name(what) == "lifecycle") {
      // States follow each other in one order, whatever the step: they are counted.
      key.kind = FactKind::lifecycle_state;
      key.first = states_++;
      static constexpr Source source{"", Kind::state, "", FactKind::lifecycle_state,
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
      static constexpr Source source{"", Kind::exit, "", FactKind::sphere_ended,
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

  Fact& add(FactKey key, const Source& source, EventNumber event) {
    const auto process = order_.process(event);
    Fact fact{.event = event, .values = values_of(source, event), .lacks = {}};
    find_what_it_lacks(key, fact, *known_[process]);
    if (is_needed_by_others(key.kind)) {
      auto known = std::make_shared<Known>(*known_[process]);
      note(key, event, *known);
      known_[process] = std::move(known);
    }
    auto& count = times_[key];
    key.again = count++;
    return run_.facts.emplace(key, std::move(fact)).first->second;
  }

  void note(const FactKey& key, EventNumber event, Known& known) {
    const StepPlace place{key.epoch, key.step, is_of_evaluation(key.kind)};
    known.add(place, bit_of(place, key));
    if (key.kind == FactKind::completed) {
      const auto version = number(event, "version", 0);
      known.versions = std::max(known.versions, version + 1);
      first_version_ = std::min(first_version_, version);
    } else if (key.kind == FactKind::epoch_done) {
      known.epochs_done = std::max(known.epochs_done, key.epoch + 1);
    } else if (key.kind == FactKind::planned) {
      micro_batches_[{key.epoch, key.step}] = number(event, "micro_batches", 0);
    }
  }

  static bool is_needed_by_others(FactKind kind) {
    return (kind >= FactKind::evaluate && kind <= FactKind::evaluation_reported) ||
           (kind >= FactKind::planned && kind <= FactKind::completed) ||
           kind == FactKind::epoch_done;
  }

  static bool is_of_evaluation(FactKind kind) {
    return kind >= FactKind::evaluate && kind <= FactKind::evaluated;
  }

  std::vector<FactValue> values_of(const Source& source, EventNumber event) const {
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

  std::uint32_t bit_of(const StepPlace& place, const FactKey& key) {
    auto& bits = bits_[place];
    return bits
        .try_emplace({key.kind, key.first, key.last}, static_cast<std::uint32_t>(bits.size()))
        .first->second;
  }

  /// The law of each kind of fact: what its sender must know of.
  void find_what_it_lacks(const FactKey& key, Fact& fact, const Known& known) {
    const StepPlace place{key.epoch, key.step, is_of_evaluation(key.kind)};
    const auto need = [&](FactKind kind, std::uint64_t first = 0, std::uint64_t last = 0) {
      constexpr std::size_t most = 10;
      const FactKey needed{key.epoch, key.step, kind, first, last};
      if (fact.lacks.size() < most && !known.has(place, bit_of(place, needed))) {
        fact.lacks.push_back(needed);
      }
    };
    const auto need_version = [&](std::uint64_t behind) {
      const auto version = number(fact.event, "version", 0);
      if (version >= behind && version - behind > first_version_ &&
          known.versions <= version - behind) {
        fact.lacks.push_back({key.epoch, key.step, FactKind::completed, version - behind, 0, 1});
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
        need(FactKind::closed, key.first);
        break;
      case FactKind::evaluation_reported:
        need(FactKind::evaluation_closed, key.first);
        break;
      case FactKind::evaluated:
        need_all_of(FactKind::evaluation_reported, key, need);
        break;
      case FactKind::added:
        for (auto position = key.first; position < std::min(key.last, key.first + most_positions);
             ++position) {
          need(FactKind::computed, position);
        }
        need_sums_inside(key, need);
        break;
      case FactKind::applied:
        need_all_reports(key, need);
        need_all_of(FactKind::added, key, need);
        break;
      case FactKind::updated:
        need(FactKind::applied);
        break;
      case FactKind::completed:
        need(FactKind::applied);
        need_all_of(FactKind::updated, key, need);
        break;
      case FactKind::step_told:
        need(FactKind::completed);
        break;
      case FactKind::epoch_begun:
        if (key.epoch > 0 && has_epochs_ && known.epochs_done < key.epoch) {
          fact.lacks.push_back({key.epoch - 1, 0, FactKind::epoch_done});
        }
        has_epochs_ = true;
        if (first_version_ == at_the_end) {
          first_version_ = number(fact.event, "version", 0);
        }
        break;
      case FactKind::epoch_done:
        need(FactKind::completed);
        need_version(0);
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
  }

  /// An epoch without steps asks for its proof with an `apply` that carries nothing.
  template <class Need>
  void need_all_reports(const FactKey& key, const Need& need) const {
    const auto planned = micro_batches_.find({key.epoch, key.step});
    if (planned == micro_batches_.end()) {
      return;
    }
    for (std::uint64_t position = 0; position < std::min(planned->second, most_positions);
         ++position) {
      need(FactKind::arrived, position);
      need(FactKind::reported, position);
    }
  }

  /// All facts of a kind that this step has so far.
  template <class Need>
  void need_all_of(FactKind kind, const FactKey& key, const Need& need) const {
    const FactKey first{key.epoch, key.step, kind}, last{key.epoch, key.step, kind, at_the_end};
    for (auto at = run_.facts.lower_bound(first); at != run_.facts.end() && at->first < last;
         ++at) {
      need(kind, at->first.first, at->first.last);
    }
  }

  /// A sum is made of those within it.
  template <class Need>
  void need_sums_inside(const FactKey& key, const Need& need) const {
    const FactKey first{key.epoch, key.step, FactKind::added, key.first};
    const FactKey last{key.epoch, key.step, FactKind::added, key.last};
    for (auto at = run_.facts.lower_bound(first); at != run_.facts.end() && at->first < last;
         ++at) {
      if (at->first.last <= key.last) {
        need(FactKind::added, at->first.first, at->first.last);
      }
    }
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
    run_.from = run_.to = {at_the_end, at_the_end};
    std::pair<std::uint64_t, std::uint64_t> last{0, 0};
    for (const auto& [key, fact] : run_.facts) {
      if (key.step == at_the_end || key.kind < FactKind::planned ||
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
    run_.begins_later = lacks_its_beginning || run_.from.second > 0;
    // The step after the first one seen was planned before that.
    run_.from.second += lacks_its_beginning && run_.from.second != at_the_end ? 2 : 0;
    run_.has_gaps = completeness.lost_records > 0;
    if (lacks_its_end) {
      run_.to = std::min(run_.to, last);
    }
  }

  const Trace& trace_;
  const CausalOrder order_;
  LogicalRun run_;
  std::vector<std::vector<const Source*>> by_type_;
  std::vector<Known::Pointer> known_;    ///< by process
  std::vector<Known::Pointer> carried_;  ///< by message
  std::map<StepPlace, std::map<std::tuple<FactKind, std::uint64_t, std::uint64_t>, std::uint32_t>>
      bits_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> micro_batches_;
  std::map<FactKey, std::uint32_t> times_;
  std::map<std::uint32_t, std::pair<std::uint64_t, std::uint64_t>>
      places_;  ///< by worker, its last
  std::uint64_t first_version_ = at_the_end;
  std::uint64_t states_ = 0;
  bool has_epochs_ = false;
};

}  // namespace

LogicalRun logical_run(const Trace& trace) {
  return Reader(trace).read();
}

bool is_of_a_run(const Trace& trace) {
  return std::ranges::any_of(trace.names,
                             [](const auto& name) { return name.text == "optimizer_complete"; });
}

std::string in_words(const FactKey& key) {
  const auto at_step =
      key.step == at_the_end ? std::string() : fmt::format(" of step {}", key.step);
  const auto again = key.again == 0   ? std::string()
                     : key.again == 1 ? std::string(" a second time")
                                      : fmt::format(" for the {}th time", key.again + 1);
  const auto say = [&](std::string_view what) { return fmt::format("{}{}", what, again); };
  switch (key.kind) {
    case FactKind::halted:
      return say(fmt::format("the run halted at step {}", key.step));
    case FactKind::sphere_ended:
      return say(fmt::format("a sphere ended in the middle{}", at_step));
    case FactKind::step_failed:
      return say(fmt::format("a sphere gave up its part{}", at_step));
    case FactKind::snapshot:
      return say(fmt::format("the weights before step {} were announced", key.step));
    case FactKind::lifecycle_state:
      return fmt::format("the lifecycle entered its state number {}", key.first + 1);
    case FactKind::asked_to_generate:
      return say("a request for text was given weights");
    case FactKind::generated:
      return say("a request for text was answered");
    case FactKind::evaluate:
      return say(fmt::format("the evaluation before step {} was planned", key.step));
    case FactKind::evaluation_assigned:
      return say(fmt::format("window {} of the evaluation before step {} was assigned", key.first,
                             key.step));
    case FactKind::evaluation_computed:
      return say(fmt::format("window {} of the evaluation before step {} was computed", key.first,
                             key.step));
    case FactKind::evaluation_closed:
      return say(fmt::format("a worker reported window {} of the evaluation before step {}",
                             key.first, key.step));
    case FactKind::evaluation_reported:
      return say(fmt::format("window {} of the evaluation before step {} was reported", key.first,
                             key.step));
    case FactKind::evaluated:
      return say(fmt::format("the evaluation before step {} ended", key.step));
    case FactKind::epoch_begun:
      return say(fmt::format("epoch {} began", key.epoch));
    case FactKind::training:
      return say(fmt::format("the last step of epoch {} was announced", key.epoch));
    case FactKind::planned:
      return say(fmt::format("step {} was planned", key.step));
    case FactKind::assigned:
      return say(fmt::format("micro-batch {}{} was assigned", key.first, at_step));
    case FactKind::computed:
      return say(fmt::format("micro-batch {}{} was computed", key.first, at_step));
    case FactKind::handed_over:
      return say(
          fmt::format("the gradient of micro-batch {}{} left its worker", key.first, at_step));
    case FactKind::closed:
      return say(fmt::format("a worker reported micro-batch {}{}", key.first, at_step));
    case FactKind::added:
      return say(
          fmt::format("micro-batches [{}, {}){} were added up", key.first, key.last, at_step));
    case FactKind::arrived:
      return say(
          fmt::format("the gradient of micro-batch {}{} reached node_zero", key.first, at_step));
    case FactKind::reported:
      return say(fmt::format("micro-batch {}{} was reported to node_zero", key.first, at_step));
    case FactKind::applied:
      return say(fmt::format("the optimizer was given the sum{}", at_step));
    case FactKind::updated:
      return say(fmt::format("phase {} of the update{} was done", key.first, at_step));
    case FactKind::completed:
      return key.first != 0 ? fmt::format("version {} of the weights was complete", key.first)
                            : say(fmt::format("the optimizer completed step {}", key.step));
    case FactKind::step_told:
      return say(fmt::format("step {} was reported to the observer", key.step));
    case FactKind::evaluation_told:
      return say(
          fmt::format("the evaluation before step {} was reported to the observer", key.step));
    case FactKind::epoch_told:
      return say(fmt::format("epoch {} was reported to the observer", key.epoch));
    case FactKind::epoch_done:
      return say(
          fmt::format("epoch {} was answered with epoch_done after step {}", key.epoch, key.step));
    case FactKind::sample_told:
      return say("a sample of text was reported to the observer");
    case FactKind::run_ended:
      return say("the run ended");
  }
  return "something happened";
}

}  // namespace nodezero::actors
