// SPDX-License-Identifier: BSD-3-Clause
#include "actors/laws/open_work.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <sys/mman.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "actors/laws/trace_phrases.hpp"
#include "runtime/inspect/words.hpp"
#include "runtime/trace/trace_file.hpp"

namespace nodezero::actors {
namespace {

using runtime::inspect::EventNumber;
using runtime::trace::Event;
using runtime::trace::Kind;
using runtime::trace::Message;
using runtime::trace::Trace;

/// Spheres and requests that are named one by one.
constexpr std::size_t most_named = 3;

/// A step, as (epoch, step, purpose).
struct OpenPlace {
  std::uint64_t epoch = 0, step = 0, purpose = 0;
  friend auto operator<=>(const OpenPlace&, const OpenPlace&) = default;
};

/// What a sphere was given and has not reported.
struct Share {
  std::set<std::uint32_t> positions;
  EventNumber assigned = 0;
};

std::string plural(const std::string& unit) {
  return unit + (unit.ends_with("ch") ? "es" : "s");
}

/// "3 5 7", "0 1 2 and 40 more"
std::string listed(const std::set<std::uint32_t>& positions) {
  constexpr std::size_t most = 8;
  const auto end =
      std::next(positions.begin(), static_cast<std::ptrdiff_t>(std::min(most, positions.size())));
  const auto rest = positions.size() > most ? fmt::format(" and {} more", positions.size() - most)
                                            : std::string();
  return fmt::format("{}{}", fmt::join(positions.begin(), end, " "), rest);
}

class OpenWork {
 public:
  OpenWork(const Trace& trace, std::int64_t now) : trace_(trace), now_(now) {
    for (const auto& event : trace.events) {
      now_ = std::max(now_, event.time);
    }
    find_shares();
    find_requests();
  }

  std::string in_words() {
    if (place_) {
      say_step();
    }
    const bool is_computing = place_ && !missing_.empty();
    if (is_computing) {
      say_missing_spheres();
    } else if (!say_oldest_request_of("node_zero")) {
      say_oldest_request_of("driver");
    }
    if (said_.empty() && !open_.empty()) {
      const auto oldest = std::ranges::min_element(
          open_, {}, [&](EventNumber sent) { return trace_.event(sent).time; });
      say("{}", request_in_words(*oldest));
    }
    return said_.empty() ? "Nothing is open: no step is assigned and no request waits." : said_;
  }

 private:
  template <class... Values>
  void say(fmt::format_string<Values...> text, Values&&... values) {
    said_ += said_.empty() ? "" : " ";
    said_ += fmt::format(text, std::forward<Values>(values)...);
  }

  std::string_view type(const Event& event) const { return trace_.name(event.type); }
  bool is_alive(std::uint32_t actor) const {
    return actor != 0 && trace_.actors[actor].exited == 0;
  }
  std::string since(EventNumber event) const {
    return runtime::inspect::time_in_words(now_ - trace_.event(event).time);
  }
  std::optional<OpenPlace> place_of(const Event& event) const {
    OpenPlace place;
    return trace_.number(event, "epoch", place.epoch) && trace_.number(event, "step", place.step) &&
                   trace_.number(event, "purpose", place.purpose)
               ? std::optional(place)
               : std::nullopt;
  }
  std::set<std::uint32_t> positions_of(const Event& event) const {
    std::vector<std::uint32_t> positions;
    trace_.numbers(event, "positions", positions);
    return {positions.begin(), positions.end()};
  }

  /// The newest step that spheres work on, and who of them has not reported.
  void find_shares() {
    std::map<std::uint32_t, Share> shares;  // by worker
    for (EventNumber number = 1; number <= trace_.events.size(); ++number) {
      const Event& event = trace_.event(number);
      if (event.kind != Kind::send) {
        continue;
      }
      if (type(event) == "assign") {
        take_assignment(number, event, shares);
      } else if (type(event) == "report" && place_ && place_of(event) == place_) {
        for (const auto position : positions_of(event)) {
          if (trace_.actors[event.actor].name == "worker") {
            shares[event.actor].positions.erase(position);
            reported_.insert(position);
          }
        }
      } else if (type(event) == "apply" || type(event) == "evaluated") {
        shares.clear();
        is_closed_ = true;
      }
    }
    for (auto& [worker, share] : shares) {
      if (!share.positions.empty() && is_alive(worker)) {
        missing_.emplace_back(worker, std::move(share));
      }
    }
    std::ranges::stable_sort(missing_, {}, [](const auto& entry) { return entry.second.assigned; });
  }

  void take_assignment(EventNumber number, const Event& event,
                       std::map<std::uint32_t, Share>& shares) {
    const auto place = place_of(event);
    if (!place) {
      return;
    }
    if (!place_ || is_closed_ || *place != *place_) {
      place_ = place;
      begun_ = number;
      is_closed_ = false;
      shares.clear();
      assigned_.clear();
      reported_.clear();
    }
    if (event.peer != 0 && trace_.actors[event.peer].name == "worker") {
      auto& share = shares[event.peer];
      share.assigned = number;
      share.positions.merge(positions_of(event));
      assigned_.merge(positions_of(event));
    }
  }

  void find_requests() {
    for (const auto& message : trace_.messages) {
      if (message.sent == 0 || message.response != 0 || message.dropped != 0) {
        continue;
      }
      const Event& request = trace_.event(message.sent);
      if ((request.detail & runtime::trace::is_request) != 0 && is_alive(request.actor) &&
          is_alive(request.peer)) {
        open_.push_back(message.sent);
      }
    }
    for (EventNumber number = 1; number <= trace_.events.size(); ++number) {
      const Event& event = trace_.event(number);
      const auto* message = trace_.message_of(event);
      if (event.kind == Kind::begin && message->begun == number && message->ended == 0 &&
          is_alive(event.actor)) {
        handling_[event.actor] = number;
      }
    }
  }

  void say_step() {
    const auto what = place_->purpose == 0
                          ? fmt::format("Step {} of epoch {}", place_->step, place_->epoch)
                          : fmt::format("The evaluation before step {}", place_->step);
    const auto unit = plural(place_->purpose == 0 ? "micro-batch" : "window");
    if (is_closed_) {
      say("{} has all its {}.", what, unit);
    } else {
      say("{} has been open for {}: {} of {} {} are reported.", what, since(begun_),
          reported_.size(), assigned_.size(), unit);
    }
  }

  void say_missing_spheres() {
    for (std::size_t i = 0; i < std::min(most_named, missing_.size()); ++i) {
      const auto& [worker, share] = missing_[i];
      const std::string unit = place_->purpose == 0 ? "micro-batch" : "window";
      say("{} has not reported {} {}, assigned {} ago.", trace_.actor_name(worker),
          share.positions.size() == 1 ? unit : plural(unit), listed(share.positions),
          since(share.assigned));
      if (const auto request = oldest_request_of(worker); request != 0) {
        say("{}", request_in_words(request));
      } else if (const auto handling = handling_.find(worker); handling != handling_.end()) {
        say("It has been handling {} for {}.", type(trace_.event(handling->second)),
            since(handling->second));
      } else {
        say("It waits for nobody.");
      }
    }
    if (missing_.size() > most_named) {
      say("{} more spheres are missing.", missing_.size() - most_named);
    }
  }

  bool say_oldest_request_of(std::string_view name) {
    const auto found = std::ranges::find_if(open_, [&](EventNumber sent) {
      return trace_.actors[trace_.event(sent).actor].name == name;
    });
    if (found == open_.end()) {
      return false;
    }
    say("{}", request_in_words(*found));
    return true;
  }

  EventNumber oldest_request_of(std::uint32_t actor) const {
    const auto found = std::ranges::find_if(
        open_, [&](EventNumber sent) { return trace_.event(sent).actor == actor; });
    return found == open_.end() ? 0 : *found;
  }

  /// "worker 3 asked lane_scheduler to compute micro-batch 5 of step 7 12.3 s ago, which waits for
  /// lane 1, which has been handling compute for 12.2 s."
  std::string request_in_words(EventNumber sent) const {
    const Event& request = trace_.event(sent);
    auto text = fmt::format("{} {} ago", runtime::inspect::in_words(trace_, sent, trace_phrases()),
                            since(sent));
    auto at = request.peer;
    auto last = sent;
    for (std::set<std::uint32_t> seen; seen.insert(at).second;) {
      if (const auto handling = handling_.find(at); handling != handling_.end()) {
        return fmt::format(
            "{}, and {} has been handling {} for {}.", text, trace_.actor_name(at),
            runtime::inspect::message_in_words(trace_, trace_.event(handling->second)),
            since(handling->second));
      }
      const auto next = request_that_serves(at, request);
      if (next == 0) {
        return fmt::format(
            "{}, and {} {}.", text, trace_.actor_name(at),
            has_taken(last) ? "has taken it up and not answered" : "has not taken it up");
      }
      text += fmt::format(", {} asked {} {} ago", trace_.actor_name(at),
                          trace_.actor_name(trace_.event(next).peer), since(next));
      at = trace_.event(next).peer;
      last = next;
    }
    return text + ".";
  }

  bool has_taken(EventNumber sent) const {
    return trace_.message_of(trace_.event(sent))->begun != 0;
  }

  /// The open request that an actor made for another's: of the same type and content, if there is
  /// one, or else its oldest.
  EventNumber request_that_serves(std::uint32_t actor, const Event& request) const {
    EventNumber oldest = 0;
    for (const auto sent : open_) {
      const Event& own = trace_.event(sent);
      if (own.actor != actor) {
        continue;
      }
      oldest = oldest == 0 ? sent : oldest;
      if (own.type == request.type &&
          std::ranges::equal(trace_.payload(own), trace_.payload(request))) {
        return sent;
      }
    }
    return oldest;
  }

  const Trace& trace_;
  std::int64_t now_;
  std::optional<OpenPlace> place_;
  EventNumber begun_ = 0;
  bool is_closed_ = false;
  std::set<std::uint32_t> assigned_, reported_;
  std::vector<std::pair<std::uint32_t, Share>> missing_;
  std::vector<EventNumber> open_;                  ///< sendings, the oldest first
  std::map<std::uint32_t, EventNumber> handling_;  ///< by actor: what it is in the middle of
  std::string said_;
};

/// A file in memory that a recorder can write its ring to.
class MemoryFile {
 public:
  MemoryFile() : descriptor_(::memfd_create("nodezero-ring", MFD_CLOEXEC)) {}
  ~MemoryFile() {
    if (descriptor_ >= 0) {
      ::close(descriptor_);
    }
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  bool is_open() const { return descriptor_ >= 0; }
  std::filesystem::path path() const { return fmt::format("/proc/self/fd/{}", descriptor_); }

 private:
  int descriptor_;
};

using Moment = std::chrono::system_clock::time_point;

/// Nanoseconds from the beginning of the recording to a moment; 0 if the trace does not say.
std::int64_t time_in(const Trace& trace, Moment moment) {
  const auto found = trace.about.find("started_unix_ns");
  std::int64_t start = 0;
  if (found == trace.about.end()) {
    return 0;
  }
  std::from_chars(found->second.data(), found->second.data() + found->second.size(), start);
  const auto since_1970 = moment.time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(since_1970).count() - start;
}

}  // namespace

std::string open_work_in_words(const Trace& trace, std::int64_t now) {
  return OpenWork(trace, now).in_words();
}

Result<std::string> open_work_in_words(runtime::trace::Recorder& recorder) {
  const auto now = std::chrono::system_clock::now();
  const MemoryFile file;
  if (!file.is_open()) {
    return fail(ErrorCode::io, fmt::format("no file in memory can be made ({})",
                                           std::system_category().message(errno)));
  }
  if (const auto written = recorder.dump(file.path()); !written) {
    return fail(written.error());
  }
  return runtime::trace::read_trace(file.path()).map([now](const Trace& trace) {
    return open_work_in_words(trace, time_in(trace, now));
  });
}

}  // namespace nodezero::actors
