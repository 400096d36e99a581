// SPDX-License-Identifier: BSD-3-Clause
#include "verify/library/trace_output.hpp"

#include <deque>
#include <map>

#include "runtime/trace/recorder.hpp"
#include "verify/library/words.hpp"

namespace nodezero::explore {

using runtime::trace::HandlingResult;
using runtime::trace::Kind;
using runtime::trace::Record;
using runtime::trace::Recorder;
using verify::explore::Choice;
using verify::explore::Network;
using verify::explore::NodeIndex;
using verify::explore::outside;
using verify::explore::Run;

namespace {

/// Writes what can be seen of a run between its steps.
class TraceWriter {
 public:
  TraceWriter(Recorder& recorder, Run& run)
      : recorder_(recorder), log_(recorder.here()), run_(run), network_(run.network()) {}

  void write(const std::vector<Choice>& steps) {
    read_ahead(steps);
    run_.restart();
    note_spawns();
    for (const auto& link : network_.choices()) {
      note_sent(network_.label(link));
    }
    for (const auto& label : network_.queued()) {
      note_sent(label);
    }
    note_ends();
    for (const auto& step : steps) {
      take(step);
    }
  }

 private:
  struct Sent {
    std::uint64_t message = 0;
    std::uint16_t words = 0;
  };

  static std::uint32_t actor_of(NodeIndex node) { return node < outside ? node : 0; }
  static std::uint32_t link_of(const Choice& step) { return step.packed(Choice::Action::deliver); }

  /// What a message says is seen when it comes, and wanted when it is sent.
  void read_ahead(const std::vector<Choice>& steps) {
    run_.restart();
    for (const auto& step : steps) {
      if (step.action == Choice::Action::deliver || step.action == Choice::Action::lose ||
          step.action == Choice::Action::postpone) {
        words_[link_of(step)].push_back(in_words(network_, *network_.next(step).element));
      }
      run_.take(step);
    }
  }

  void take(const Choice& step) {
    if (!step.is_delivery()) {
      note_fault(step);
      run_.take(step);
      note_effects();
      return;
    }
    const bool handled = network_.is_alive(step.receiver);
    Record record = about(step, take_message(step));
    record.kind = handled ? Kind::begin : Kind::drop;
    log_.append(record);
    run_.take(step);
    note_effects();
    if (handled) {
      record.kind = Kind::end;
      record.peer = 0;
      record.detail = static_cast<std::uint8_t>(HandlingResult::consumed);
      log_.append(record);
    }
  }

  void note_effects() {
    note_spawns();
    for (const auto& label : network_.sent()) {
      note_sent(label);
    }
    note_ends();
  }

  void note_spawns() {
    for (; known_ < network_.actors(); ++known_) {
      const auto node = static_cast<NodeIndex>(known_ + 1);
      Record spawn{.actor = node,
                   .peer = actor_of(network_.parent(node)),
                   .kind = Kind::spawn,
                   .type = log_.intern(network_.name(node)),
                   .argument = node};
      spawn.time = log_.append(spawn);
      recorder_.keep_spawn(spawn);
      ended_.push_back(false);
    }
  }

  void note_sent(const Network::Label& label) {
    auto& words = words_[link_of(label.link)];
    std::string text = type_in_words(label.type);
    if (!words.empty()) {
      text = std::move(words.front());
      words.pop_front();
    }
    const Sent sent{log_.next_message(), log_.intern(text)};
    in_flight_[label.link.packed()].push_back(sent);
    log_.append(
        {.message = sent.message,
         .actor = actor_of(label.link.sender),
         .peer = label.link.receiver,
         .kind = Kind::send,
         .detail = static_cast<std::uint8_t>((label.is_response ? runtime::trace::is_response : 0) |
                                             (label.link.urgent ? runtime::trace::is_urgent : 0)),
         .type = sent.words});
  }

  void note_ends() {
    for (std::size_t i = 0; i < ended_.size(); ++i) {
      const auto node = static_cast<NodeIndex>(i + 1);
      if (!ended_[i] && !network_.is_alive(node)) {
        ended_[i] = true;
        log_.append({.actor = node, .kind = Kind::exit, .type = log_.intern("ended")});
      }
    }
  }

  void note_fault(const Choice& step) {
    if (step.action != Choice::Action::timer || step.receiver != 0) {
      recorder_.note(in_words(network_, step));
    }
    if (step.action == Choice::Action::duplicate) {
      note_sent(network_.label(step));
    } else if (step.action == Choice::Action::lose) {
      Record record = about(step, take_message(step));
      record.kind = Kind::drop;
      log_.append(record);
    } else if (step.action == Choice::Action::postpone) {
      in_flight_[step.packed(Choice::Action::deliver_late)].push_back(take_message(step));
    }
  }

  static Record about(const Choice& step, const Sent& sent) {
    return {.message = sent.message,
            .actor = step.receiver,
            .peer = actor_of(step.sender),
            .type = sent.words};
  }

  Sent take_message(const Choice& step) {
    auto& waiting = in_flight_[step.is_delivery() ? step.packed() : link_of(step)];
    const Sent sent = waiting.front();
    waiting.pop_front();
    return sent;
  }

  Recorder& recorder_;
  runtime::trace::ThreadLog& log_;
  Run& run_;
  Network& network_;
  std::map<std::uint32_t, std::deque<std::string>> words_;  ///< by link, in order
  std::map<std::uint32_t, std::deque<Sent>> in_flight_;
  std::vector<bool> ended_;
  std::size_t known_ = 0;
};

}  // namespace

std::string write_trace(Run& run, const std::vector<Choice>& steps, const std::string& problem,
                        const std::string& file) {
  Recorder::Options options;
  options.file = file;
  options.clock = Recorder::Clock::logical;
  options.flush_interval = std::chrono::milliseconds(0);
  options.when_full = Recorder::WhenFull::wait;
  auto recorder = Recorder::make(std::move(options));
  if (!recorder) {
    return recorder.error().message;
  }
  run.network().fingerprints = false;
  run.network().labels = true;
  TraceWriter(**recorder, run).write(steps);
  (*recorder)->note(problem);
  (*recorder)->here().publish();
  const auto closed = (*recorder)->close();
  return closed ? std::string() : closed.error().message;
}

}  // namespace nodezero::explore
