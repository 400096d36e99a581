// SPDX-License-Identifier: BSD-3-Clause
#include "support/synthetic_trace.hpp"

#include <algorithm>
#include <bit>
#include <initializer_list>
#include <map>
#include <numeric>
#include <queue>
#include <random>
#include <string>

namespace nodezero::apps {
namespace {

using namespace runtime::trace;

constexpr std::uint32_t controls = 12;
constexpr std::uint32_t workers_each = 12;
constexpr std::uint32_t workers = controls * workers_each;
constexpr std::uint32_t lanes = 2;
constexpr std::uint32_t steps_an_epoch = 12;

struct Letter {
  std::int64_t arrival = 0;
  std::uint64_t message = 0;
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  std::uint16_t type = 0;
  std::uint32_t position = 0;  ///< of the micro-batch that it is about
  bool operator<(const Letter& other) const {
    return std::pair(arrival, message) > std::pair(other.arrival, other.message);
  }
};

/// Lets messages arrive in order of time; each actor handles one after another.
class Simulation {
 public:
  Simulation() {
    trace_.names.emplace_back();
    trace_.actors.emplace_back();
    driver_ = spawn("driver", 0);
    node_zero_ = spawn("node_zero", driver_);
    corpus_ = spawn("corpus", driver_);
    optimizer_ = spawn("optimizer", driver_);
    scheduler_ = spawn("lane_scheduler", driver_);
    for (std::uint32_t i = 0; i < lanes; ++i) {
      lanes_.push_back(spawn("lane", scheduler_, i));
    }
    for (std::uint32_t i = 0; i < controls; ++i) {
      controls_.push_back(spawn("control", node_zero_, i * (workers_each + 1) + 1));
      for (std::uint32_t j = 0; j < workers_each; ++j) {
        workers_.push_back(spawn("worker", controls_[i], i * (workers_each + 1) + j + 2));
      }
    }
    free_at_.resize(trace_.actors.size());
  }

  void run(std::size_t least_events) {
    now_ = 1'000'000;
    while (trace_.events.size() < least_events) {
      send(driver_, 0, "begin_epoch", 0);
      for (std::uint32_t i = 0; i < steps_an_epoch && trace_.events.size() < least_events; ++i) {
        step();
      }
      ++epoch_;
    }
    record(Kind::state, node_zero_, 0, name("idle"), 0);
    send(node_zero_, 0, "stop", 0);
    const auto last = letters_.top();
    now_ = last.arrival;
    record(Kind::drop, last.to, last.from, last.type, last.message);
  }

  Trace finish() {
    std::stable_sort(trace_.events.begin(), trace_.events.end(),
                     [](const Event& a, const Event& b) { return a.time < b.time; });
    trace_.about = {{"program", "nodezero"}, {"version", "0.1.0"}, {"run", "synthetic"}};
    trace_.link();
    return std::move(trace_);
  }

 private:
  std::uint16_t name(const std::string& text) {
    const auto [found, is_new] =
        types_.try_emplace(text, static_cast<std::uint16_t>(trace_.names.size()));
    if (is_new) {
      trace_.names.push_back({text, {}});
    }
    return found->second;
  }

  /// A message's type: epoch and step come first in each payload.
  std::uint16_t type(const std::string& text) {
    const auto index = name(text);
    auto& fields = trace_.names[index].fields;
    if (fields.empty()) {
      fields = {{"epoch", FieldKind::number}, {"step", FieldKind::number}};
      if (text == "assign" || text == "report") {
        fields.push_back({"positions", FieldKind::numbers});
      }
      if (text == "computed" || text == "report") {
        fields.push_back({"loss", FieldKind::real});
      }
    }
    return index;
  }

  Event& record(Kind kind, std::uint32_t actor, std::uint32_t peer, std::uint16_t type,
                std::uint64_t message) {
    // An actor stays on one thread here, so that handlings of a thread do not interleave.
    return trace_.events.emplace_back(Event{.time = now_,
                                            .message = message,
                                            .actor = actor,
                                            .peer = peer,
                                            .kind = kind,
                                            .type = type,
                                            .thread = actor});
  }

  std::uint32_t spawn(const std::string& text, std::uint32_t parent,
                      std::uint32_t number = Actor::unnumbered) {
    trace_.actors.push_back({.name = text, .number = number, .parent = parent});
    const auto actor = static_cast<std::uint32_t>(trace_.actors.size() - 1);
    now_ += 1500;
    record(Kind::spawn, actor, parent, name(text), 0);
    return actor;
  }

  void send(std::uint32_t to, std::uint32_t from, const std::string& text, std::uint32_t position) {
    const auto which = type(text);
    auto& event = record(Kind::send, from, to, which, ++messages_);
    event.first_word = static_cast<std::uint32_t>(trace_.words.size());
    trace_.words.insert(trace_.words.end(), {epoch_, step_});
    for (const auto& field : trace_.names[which].fields) {
      if (field.kind == FieldKind::numbers) {
        trace_.words.insert(trace_.words.end(), {1, position});
      } else if (field.kind == FieldKind::real) {
        trace_.words.push_back(std::bit_cast<std::uint64_t>(1 + 3.0 / (step_ + 1)));
      }
    }
    event.word_count = static_cast<std::uint32_t>(trace_.words.size()) - event.first_word;
    letters_.push({now_ + between(1'000, 60'000), messages_, from, to, which, position});
  }

  std::int64_t between(std::int64_t least, std::int64_t most) {
    return least + static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(most - least));
  }

  void step() {
    reported_.assign(controls + 1, 0);
    is_done_ = false;
    send(node_zero_, driver_, "begin_step", 0);
    while (!letters_.empty() && !is_done_) {
      const Letter letter = letters_.top();
      letters_.pop();
      now_ = std::max(letter.arrival, free_at_[letter.to]);
      record(Kind::begin, letter.to, letter.from, letter.type, letter.message);
      handle(letter, trace_.names[letter.type].text);
      now_ += between(500, 4'000);
      record(Kind::end, letter.to, letter.from, letter.type, letter.message);
      free_at_[letter.to] = now_;
    }
    ++step_;
  }

  void pause() { now_ += between(200, 900); }

  void handle(const Letter& letter, const std::string& text) {
    pause();
    if (text == "begin_step") {
      record(Kind::state, node_zero_, 0, name("training"), 0);
      send(corpus_, node_zero_, "plan_step", 0);
    } else if (text == "plan_step") {
      send(node_zero_, corpus_, "step_plan", 0);
    } else if (text == "step_plan") {
      for (const auto control : controls_) {
        pause();
        send(control, node_zero_, "assign", 0);
      }
    } else if (text == "assign") {
      assign(letter);
    } else if (text == "compute" && letter.to == scheduler_) {
      send(lanes_[letter.position % lanes], scheduler_, "compute", letter.position);
    } else if (text == "compute") {
      now_ += between(60'000, 140'000);
      send(workers_[letter.position], letter.to, "computed", letter.position);
    } else if (text == "computed") {
      const auto parent = controls_[letter.position / workers_each];
      send(parent, letter.to, "gradient", letter.position);
      pause();
      send(parent, letter.to, "report", letter.position);
    } else if (text == "report") {
      report(letter);
    } else if (text == "apply") {
      now_ += between(300'000, 500'000);
      send(node_zero_, optimizer_, "optimizer_complete", 0);
    } else if (text == "optimizer_complete") {
      is_done_ = true;
    }
  }

  void assign(const Letter& letter) {
    const auto control = std::find(controls_.begin(), controls_.end(), letter.to);
    if (control == controls_.end()) {
      send(scheduler_, letter.to, "compute", letter.position);
      return;
    }
    const auto first = static_cast<std::uint32_t>(control - controls_.begin()) * workers_each;
    for (std::uint32_t position = first; position < first + workers_each; ++position) {
      pause();
      send(workers_[position], letter.to, "assign", position);
    }
  }

  void report(const Letter& letter) {
    const bool is_root = letter.to == node_zero_;
    const std::uint32_t parent = is_root ? controls : letter.position / workers_each;
    if (++reported_[parent] < (is_root ? controls : workers_each)) {
      return;
    }
    if (is_root) {
      send(optimizer_, node_zero_, "apply", 0);
    } else {
      send(node_zero_, letter.to, "report", letter.position);
    }
  }

  Trace trace_;
  std::map<std::string, std::uint16_t> types_;
  std::priority_queue<Letter> letters_;
  std::mt19937_64 random_{7};
  std::int64_t now_ = 0;
  std::uint64_t messages_ = 0;
  std::uint64_t epoch_ = 1;
  std::uint64_t step_ = 0;
  std::uint32_t driver_ = 0, node_zero_ = 0, corpus_ = 0, optimizer_ = 0, scheduler_ = 0;
  std::vector<std::uint32_t> lanes_, controls_, workers_;
  std::vector<std::int64_t> free_at_;
  std::vector<std::uint32_t> reported_;
  bool is_done_ = false;
};

}  // namespace

Trace synthetic_trace(std::size_t least_events) {
  Simulation simulation;
  simulation.run(least_events);
  return simulation.finish();
}

}  // namespace nodezero::apps
