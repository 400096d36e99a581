// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/trace/join.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "runtime/trace/clock_alignment.hpp"
#include "runtime/trace/elsewhere.hpp"
#include "runtime/trace/merge.hpp"

namespace nodezero::runtime::trace {
namespace {

constexpr std::string_view process_words = " is process ";

/// A message between two machines, as one of them recorded its sending: the one that sent it, or
/// the one that it came to.
struct Crossing {
  std::uint64_t message = 0;
  std::uint64_t time = 0;
  std::uint16_t type = 0;
};

struct Machine {
  TraceParts parts;
  std::string name;
  ProcessKey process = 0;
  std::int64_t shift = 0;            ///< of its clock, in nanoseconds
  std::uint32_t number = 0;          ///< of the actor that stands for it
  std::vector<std::uint16_t> names;  ///< in the joined trace, by its own
};

struct Thread {
  std::uint32_t number = 0;    ///< in the joined trace
  std::uint64_t next = 0;      ///< index of what follows the records so far
  std::uint64_t left_out = 0;  ///< of them
  bool is_left_out = false;    ///< the last one
};

/// From one actor to another, as numbers elsewhere.
using Pair = std::pair<std::uint32_t, std::uint32_t>;
/// A message by its machine and its id there.
using MessageKey = std::pair<std::size_t, std::uint64_t>;

class Joiner {
 public:
  explicit Joiner(std::vector<TraceParts> traces) {
    for (auto& trace : traces) {
      // A file may have a thread's blocks in another order than they were recorded.
      std::ranges::sort(trace.runs, {},
                        [](const RecordRun& run) { return std::tuple(run.thread, run.first); });
      machines_.emplace_back().parts = std::move(trace);
    }
  }

  Result<Trace> join() {
    for (auto& machine : machines_) {
      if (machine.parts.about.contains(std::string(machines_key))) {
        return fail(ErrorCode::invalid_argument,
                    "one of them is of several machines already; give what each recorded");
      }
      if (auto named = find_name(machine); !named) {
        return fail(named.error());
      }
    }
    if (auto distinct = check_distinct(); !distinct) {
      return fail(distinct.error());
    }
    number_actors();
    match_crossings();
    align_clocks();
    for (std::size_t i = 0; i < machines_.size(); ++i) {
      if (auto added = add(i); !added) {
        return fail(added.error());
      }
    }
    return merge(std::move(joined_));
  }

 private:
  // -- which machines ------------------------------------------------------------------------

  static Result<void> find_name(Machine& machine) {
    for (const auto& run : machine.parts.runs) {
      for (const auto& record : run.records) {
        if (record.kind == Kind::note && record.type < machine.parts.names.size() &&
            read_note(machine.parts.names[record.type].text, machine)) {
          return {};
        }
      }
    }
    return fail(ErrorCode::invalid_argument,
                "it does not say which machine it was recorded on: only traces of runs on several "
                "machines can be merged, and no parts of them");
  }

  static bool read_note(std::string_view text, Machine& machine) {
    const auto words = text.find(process_words);
    if (!text.starts_with(machine_prefix) || words == std::string_view::npos) {
      return false;
    }
    const auto digits = text.substr(words + process_words.size());
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), machine.process, 16);
    machine.name = text.substr(machine_prefix.size(), words - machine_prefix.size());
    return error == std::errc() && end == digits.data() + digits.size();
  }

  /// A host that came again has the same name.
  Result<void> check_distinct() {
    std::set<ProcessKey> processes;
    std::map<std::string, std::uint32_t> times;
    for (auto& machine : machines_) {
      if (!processes.insert(machine.process).second) {
        return fail(ErrorCode::invalid_argument,
                    fmt::format("two of them are of the same process on machine {}; give each "
                                "trace once",
                                machine.name));
      }
      const std::uint32_t time = ++times[machine.name];
      if (time > 1) {
        machine.name += fmt::format(" ({})", time);
      }
    }
    return {};
  }

  // -- actors --------------------------------------------------------------------------------

  static void for_each_record(const TraceParts& parts, auto&& call) {
    for (const auto& run : parts.runs) {
      for (const auto& record : run.records) {
        if (record.kind != Kind::summary) {
          call(record);
        }
      }
    }
  }

  void number_actors() {
    std::uint32_t next = 0;
    for (std::size_t i = 0; i < machines_.size(); ++i) {
      auto& machine = machines_[i];
      machine.number = ++next;
      const auto add = [&](const Record& record) {
        if (record.kind == Kind::spawn && actors_.try_emplace({i, record.actor}, next + 1).second) {
          elsewhere_.emplace(number_elsewhere(machine.process, record.actor), ++next);
        }
      };
      std::ranges::for_each(machine.parts.spawns, add);
      for_each_record(machine.parts, add);
    }
  }

  std::uint32_t actor(std::size_t machine, std::uint32_t recorded) const {
    if (is_elsewhere(recorded)) {
      const auto found = elsewhere_.find(recorded);
      return found == elsewhere_.end() ? 0 : found->second;
    }
    const auto found = actors_.find({machine, recorded});
    return found == actors_.end() ? 0 : found->second;
  }

  // -- messages between machines -------------------------------------------------------------

  static std::vector<Crossing> in_order(std::vector<Crossing> crossings) {
    std::ranges::stable_sort(crossings, {}, &Crossing::time);
    return crossings;
  }

  void match_crossings() {
    std::map<Pair, std::pair<std::size_t, std::vector<Crossing>>> departures;
    std::map<Pair, std::pair<std::size_t, std::vector<Crossing>>> arrivals;
    for (std::size_t i = 0; i < machines_.size(); ++i) {
      for_each_record(machines_[i].parts, [&](const Record& record) {
        if (record.kind != Kind::send || is_elsewhere(record.actor) == is_elsewhere(record.peer)) {
          return;
        }
        const auto here = [&](std::uint32_t number) {
          return is_elsewhere(number) ? number : number_elsewhere(machines_[i].process, number);
        };
        auto& there = is_elsewhere(record.peer) ? departures : arrivals;
        auto& [machine, list] = there[{here(record.actor), here(record.peer)}];
        machine = i;
        list.push_back({record.message, record.time, record.type});
      });
    }
    for (auto& [pair, sent] : departures) {
      if (const auto found = arrivals.find(pair); found != arrivals.end()) {
        match(sent.first, in_order(std::move(sent.second)), found->second.first,
              in_order(std::move(found->second.second)));
      }
    }
  }

  void match(std::size_t from, const std::vector<Crossing>& sent, std::size_t to,
             const std::vector<Crossing>& arrived) {
    const auto& sender = machines_[from].parts;
    const auto& receiver = machines_[to].parts;
    for (std::size_t k = 0; k < std::min(sent.size(), arrived.size()); ++k) {
      // Records were lost if these are not one: from here on nothing is known of this pair.
      if (text(sender, sent[k].type) != text(receiver, arrived[k].type)) {
        return;
      }
      departure_of_.emplace(MessageKey{to, arrived[k].message}, MessageKey{from, sent[k].message});
      matched_.push_back({from, to, nanoseconds(sender.clock, sent[k].time),
                          nanoseconds(receiver.clock, arrived[k].time)});
    }
  }

  static std::string_view text(const TraceParts& parts, std::uint16_t name) {
    return name < parts.names.size() ? std::string_view(parts.names[name].text) : "";
  }

  // -- clocks --------------------------------------------------------------------------------

  void align_clocks() {
    const auto shifts = trace::align_clocks(machines_.size(), matched_);
    for (std::size_t i = 0; i < machines_.size(); ++i) {
      auto& machine = machines_[i];
      machine.shift = shifts[i];
      for_each_record(machine.parts, [&](const Record& record) {
        earliest_ = std::min(earliest_, on_first_clock(machine, record.time));
      });
    }
  }

  static std::int64_t on_first_clock(const Machine& machine, std::uint64_t ticks) {
    return later(nanoseconds(machine.parts.clock, ticks), machine.shift);
  }
  std::uint64_t time(const Machine& machine, std::uint64_t ticks) const {
    return static_cast<std::uint64_t>(difference(on_first_clock(machine, ticks), earliest_));
  }

  // -- one trace -----------------------------------------------------------------------------

  Result<void> add(std::size_t index) {
    auto& machine = machines_[index];
    if (index == 0) {
      joined_.about = machine.parts.about;
      joined_.names.emplace_back();
    }
    auto& all = joined_.about[std::string(machines_key)];
    all += (all.empty() ? "" : ", ") + machine.name;
    if (auto added = add_names(machine); !added) {
      return added;
    }
    joined_.spawns.push_back({.actor = machine.number,
                              .kind = Kind::spawn,
                              .type = intern({std::string(machine_prefix) + machine.name, {}}),
                              .argument = Actor::unnumbered});
    for (Record spawn : machine.parts.spawns) {
      rewrite(index, spawn);
      joined_.spawns.push_back(spawn);
    }
    for (auto& run : machine.parts.runs) {
      add_run(index, run);
    }
    joined_.completeness.lost_records += machine.parts.completeness.lost_records;
    joined_.completeness.ring |= machine.parts.completeness.ring;
    joined_.completeness.cut_off |= machine.parts.completeness.cut_off;
    return {};
  }

  std::uint16_t intern(const Name& name) {
    std::string key = name.text;
    for (const auto& field : name.fields) {
      key += '\n' + field.name + static_cast<char>('0' + static_cast<int>(field.kind));
    }
    const auto [found, is_new] =
        names_.try_emplace(key, static_cast<std::uint16_t>(joined_.names.size()));
    if (is_new) {
      joined_.names.push_back(name);
    }
    return found->second;
  }

  Result<void> add_names(Machine& machine) {
    constexpr std::size_t most = std::numeric_limits<std::uint16_t>::max();
    if (joined_.names.size() + machine.parts.names.size() > most) {
      return fail(ErrorCode::invalid_argument, "they have too many names together");
    }
    for (const auto& name : machine.parts.names) {
      machine.names.push_back(name.text.empty() ? 0 : intern(name));
    }
    return {};
  }

  /// Without the sendings of messages that another machine sent, which its own trace has.
  void add_run(std::size_t index, const RecordRun& run) {
    const auto number = static_cast<std::uint32_t>(threads_.size());
    auto& thread =
        threads_.try_emplace({index, run.thread}, Thread{.number = number}).first->second;
    RecordRun rewritten{thread.number, run.first - thread.left_out, {}};
    // A payload may begin a block.
    thread.is_left_out = thread.is_left_out && run.first == thread.next;
    thread.next = run.first + run.records.size();
    for (Record record : run.records) {
      if (record.kind != Kind::summary) {
        thread.is_left_out = record.kind == Kind::send && is_elsewhere(record.actor) &&
                             departure_of_.contains({index, record.message});
        rewrite(index, record);
      }
      if (thread.is_left_out) {
        ++thread.left_out;
      } else {
        rewritten.records.push_back(record);
      }
    }
    if (!rewritten.records.empty()) {
      joined_.runs.push_back(std::move(rewritten));
    }
  }

  void rewrite(std::size_t index, Record& record) {
    const auto& machine = machines_[index];
    const bool is_spawn = record.kind == Kind::spawn;
    record.time = time(machine, record.time);
    record.actor = actor(index, record.actor);
    record.peer = is_spawn && record.peer == 0 ? machine.number : actor(index, record.peer);
    record.type = record.type < machine.names.size() ? machine.names[record.type] : 0;
    if (record.message != 0) {
      MessageKey key{index, record.message};
      if (const auto departure = departure_of_.find(key); departure != departure_of_.end()) {
        key = departure->second;
      }
      record.message = messages_.try_emplace(key, messages_.size() + 1).first->second;
    }
  }

  std::vector<Machine> machines_;
  std::map<std::pair<std::size_t, std::uint32_t>, std::uint32_t> actors_;  ///< by machine, number
  std::unordered_map<std::uint32_t, std::uint32_t> elsewhere_;
  std::map<MessageKey, MessageKey> departure_of_;  ///< by arrival
  std::vector<DatedMessage> matched_;
  std::int64_t earliest_ = std::numeric_limits<std::int64_t>::max();
  std::map<std::string, std::uint16_t> names_;
  std::map<MessageKey, std::uint64_t> messages_;
  std::map<std::pair<std::size_t, std::uint32_t>, Thread> threads_;  ///< by machine, own number
  TraceParts joined_;
};

}  // namespace

std::string machine_note(std::string_view machine, ProcessKey process) {
  return fmt::format("{}{}{}{:016x}", machine_prefix, machine, process_words, process);
}

Result<Trace> join(std::vector<TraceParts> machines) {
  return Joiner(std::move(machines)).join();
}

}  // namespace nodezero::runtime::trace
