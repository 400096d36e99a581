// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/trace/merge.hpp"

#include <algorithm>
#include <bit>
#include <queue>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace nodezero::runtime::trace {
namespace {

/// All that one thread recorded, without payloads.
struct ThreadEvents {
  std::uint32_t thread = 0;
  std::vector<Event> events;
  std::size_t next = 0;

  const Event& head() const { return events[next]; }
};

class Merger {
 public:
  explicit Merger(TraceParts parts) : parts_(std::move(parts)) {
    trace_.about = std::move(parts_.about);
    trace_.names = std::move(parts_.names);
    trace_.completeness = parts_.completeness;
    trace_.actors.emplace_back();
  }

  Trace merge() {
    gather_threads();
    find_causes();
    look_for_lost_sends();
    number_kept_actors();
    order();
    for (auto& event : trace_.events) {
      event.actor = number_of(event.actor);
      event.peer = number_of(event.peer);
    }
    for (std::uint32_t number = 1; number < trace_.actors.size(); ++number) {
      // Nobody is spawned by a later one: whoever draws the tree of actors comes to an end.
      const auto parent = number_of(trace_.actors[number].parent);
      trace_.actors[number].parent = parent < number ? parent : 0;
    }
    trace_.link();
    return std::move(trace_);
  }

 private:
  /// The threads' records in their order, payloads moved to Trace::words.
  void gather_threads() {
    std::ranges::sort(parts_.runs, {},
                      [](const RecordRun& run) { return std::tuple(run.thread, run.first); });
    std::uint64_t gaps = 0;
    std::uint64_t expected = 0;
    for (const auto& run : parts_.runs) {
      const bool is_new = threads_.empty() || threads_.back().thread != run.thread;
      if (is_new) {
        threads_.emplace_back().thread = run.thread;
      }
      const bool follows = !is_new && run.first == expected;
      // What a ring has forgotten is not lost.
      expected = is_new ? (trace_.completeness.ring ? run.first : 0) : expected;
      gaps += run.first <= expected ? 0 : run.first - expected;
      add(run, follows, threads_.back().events);
      expected = run.first + run.records.size();
    }
    auto& lost = trace_.completeness.lost_records;
    lost = std::max(lost, gaps);
  }

  void add(const RecordRun& run, bool has_owner, std::vector<Event>& events) {
    for (const auto& record : run.records) {
      if (record.kind == Kind::summary) {
        // A payload whose record was lost belongs to nothing.
        if (has_owner && !events.empty()) {
          const auto summary = std::bit_cast<SummaryRecord>(record);
          const std::size_t count = std::min<std::size_t>(summary.count, 3);
          events.back().word_count += static_cast<std::uint32_t>(count);
          trace_.words.insert(trace_.words.end(), summary.words, summary.words + count);
        }
        continue;
      }
      has_owner = true;
      auto& event = events.emplace_back();
      event.time = nanoseconds(parts_.clock, record.time);
      event.message = record.message;
      event.actor = record.actor;
      event.peer = record.peer;
      event.kind = record.kind;
      event.detail = record.detail;
      event.type = record.type < trace_.names.size() ? record.type : 0;
      event.argument = record.argument;
      event.thread = run.thread;
      event.first_word = static_cast<std::uint32_t>(trace_.words.size());
    }
  }

  enum class Seen : std::uint8_t { later, already };

  void find_causes() {
    for (const auto& thread : threads_) {
      for (const auto& event : thread.events) {
        if (event.kind == Kind::send) {
          sends_.emplace(event.message, Seen::later);
        } else if (event.kind == Kind::spawn) {
          spawns_.emplace(event.actor, Seen::later);
        }
      }
    }
  }

  /// Messages that are handled and were never sent: all of a thread's blocks may be missing, and no
  /// other thread's say how many there were. What a ring has forgotten or a file that was cut off
  /// does not hold yet is not lost.
  void look_for_lost_sends() {
    auto& completeness = trace_.completeness;
    if (completeness.ring || completeness.cut_off) {
      return;
    }
    std::uint64_t unsent = 0;
    for (const auto& thread : threads_) {
      for (const auto& event : thread.events) {
        unsent += event.kind == Kind::begin && !sends_.contains(event.message) ? 1 : 0;
      }
    }
    completeness.lost_records = std::max(completeness.lost_records, unsent);
  }

  /// What must come before an event and has not, if it is in the trace at all.
  template <class Key>
  static bool awaits(const std::unordered_map<Key, Seen>& causes, Key key) {
    const auto found = causes.find(key);
    return found != causes.end() && found->second == Seen::later;
  }

  void order() {
    using Head = std::pair<std::int64_t, std::size_t>;
    std::priority_queue<Head, std::vector<Head>, std::greater<>> ready;
    std::unordered_map<std::uint64_t, std::vector<std::size_t>> parked_for_send;
    std::unordered_map<std::uint32_t, std::vector<std::size_t>> parked_for_spawn;
    std::size_t left = 0;
    for (std::size_t i = 0; i < threads_.size(); ++i) {
      left += threads_[i].events.size();
      if (!threads_[i].events.empty()) {
        ready.emplace(threads_[i].head().time, i);
      }
    }
    trace_.events.reserve(left);
    const auto wake = [&](auto& parked, auto key) {
      if (const auto found = parked.find(key); found != parked.end()) {
        for (const auto i : found->second) {
          ready.emplace(threads_[i].head().time, i);
        }
        parked.erase(found);
      }
    };
    while (!ready.empty()) {
      const auto i = ready.top().second;
      ready.pop();
      const Event& event = threads_[i].head();
      if (event.kind == Kind::begin || event.kind == Kind::drop) {
        if (awaits(sends_, event.message)) {
          parked_for_send[event.message].push_back(i);
          continue;
        }
        if (awaits(spawns_, event.actor)) {
          parked_for_spawn[event.actor].push_back(i);
          continue;
        }
      }
      emit(event);
      if (++threads_[i].next < threads_[i].events.size()) {
        ready.emplace(threads_[i].head().time, i);
      }
      if (event.kind == Kind::send) {
        wake(parked_for_send, event.message);
      } else if (event.kind == Kind::spawn) {
        wake(parked_for_spawn, event.actor);
      }
    }
    // Causes that wait for each other come from a broken trace; nothing of it is left out.
    for (auto& thread : threads_) {
      while (thread.next < thread.events.size()) {
        emit(thread.events[thread.next++]);
      }
    }
  }

  void emit(const Event& event) {
    last_time_ = std::max(event.time, last_time_ + 1);
    trace_.events.push_back(event);
    trace_.events.back().time = last_time_;
    if (event.kind == Kind::send) {
      sends_[event.message] = Seen::already;
    } else if (event.kind == Kind::spawn) {
      spawns_[event.actor] = Seen::already;
      add_actor(event.actor, event.peer, event.type, event.argument);
    }
  }

  void number_kept_actors() {
    std::ranges::stable_sort(parts_.spawns, {}, &Record::time);
    for (const auto& spawn : parts_.spawns) {
      add_actor(spawn.actor, spawn.peer, spawn.type, spawn.argument);
    }
  }

  void add_actor(std::uint32_t actor, std::uint32_t parent, std::uint16_t name,
                 std::uint32_t number) {
    const auto index = static_cast<std::uint32_t>(trace_.actors.size());
    if (numbers_.emplace(actor, index).second) {
      const auto& text = trace_.names[name < trace_.names.size() ? name : 0].text;
      trace_.actors.push_back({.name = text, .number = number, .parent = parent});
    }
  }

  std::uint32_t number_of(std::uint32_t actor) const {
    const auto found = numbers_.find(actor);
    return found == numbers_.end() ? 0 : found->second;
  }

  TraceParts parts_;
  Trace trace_;
  std::vector<ThreadEvents> threads_;
  std::unordered_map<std::uint64_t, Seen> sends_;
  std::unordered_map<std::uint32_t, Seen> spawns_;
  std::unordered_map<std::uint32_t, std::uint32_t> numbers_;  ///< in the trace, by number recorded
  std::int64_t last_time_ = -1;
};

}  // namespace

std::int64_t nanoseconds(const std::optional<ClockReading>& clock, std::uint64_t ticks) {
  if (!clock) {
    return static_cast<std::int64_t>(ticks);
  }
  const auto since = static_cast<double>(static_cast<std::int64_t>(ticks - clock->start_ticks));
  const auto elapsed = static_cast<double>(clock->nanoseconds - clock->start_nanoseconds);
  const auto span = static_cast<double>(clock->ticks - clock->start_ticks);
  return static_cast<std::int64_t>(span > 0 ? since * (elapsed / span) : since);
}

Trace merge(TraceParts parts) {
  return Merger(std::move(parts)).merge();
}

}  // namespace nodezero::runtime::trace
