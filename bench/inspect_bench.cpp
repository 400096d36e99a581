// SPDX-License-Identifier: BSD-3-Clause

// Times what `nodezero trace` does with a large trace: inspect_bench [EVENTS] [ACTORS].
//
// The trace is synthetic, shaped like a run: lanes handle most messages, requests are answered,
// mailboxes are FIFO; it depends on nothing but the two numbers. Exports are written to
// /dev/null, SQLite's to memory.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "actors/laws/trace_phrases.hpp"
#include "actors/laws/trace_rules.hpp"
#include "runtime/inspect/chrome.hpp"
#include "runtime/inspect/compare.hpp"
#include "runtime/inspect/json_lines.hpp"
#include "runtime/inspect/mermaid.hpp"
#include "runtime/inspect/otlp.hpp"
#include "runtime/inspect/shiviz.hpp"
#include "runtime/inspect/summary.hpp"
#include "runtime/inspect/tables.hpp"
#include "runtime/inspect/why.hpp"
#include "runtime/trace/trace_file.hpp"

namespace {

namespace inspect = nodezero::runtime::inspect;
namespace trace = nodezero::runtime::trace;
using trace::Event;
using trace::Kind;

/// Requests and answers between actors, each on a thread of its own, until there are enough
/// events.
class Synthesis {
 public:
  Synthesis(std::uint32_t events, std::uint32_t actors) : random_(1) {
    trace_.names = {{"", {}}};
    for (const auto* type : {"worker", "lane", "compute", "computed", "report"}) {
      trace_.names.push_back({type, {}});
      for (const auto* field : {"epoch", "step", "version", "position"}) {
        trace_.names.back().fields.push_back({field, trace::FieldKind::number});
      }
    }
    trace_.names[1].fields.clear();
    trace_.names[2].fields.clear();
    trace_.actors.emplace_back();
    mailboxes_.resize(actors + 1);
    for (std::uint32_t actor = 1; actor <= actors; ++actor) {
      const bool is_lane = actor <= 4;
      trace_.actors.push_back({is_lane ? "lane" : "worker", actor, 0, 0, 0});
      add(Kind::spawn, actor, 0, 0, is_lane ? 2 : 1, 0);
    }
    for (std::uint32_t i = 0; i < actors; ++i) {
      send(0, 1 + below(actors), compute, 0);
    }
    while (trace_.events.size() < events) {
      const std::uint32_t actor = 1 + below(actors);
      if (!mailboxes_[actor].empty()) {
        handle(actor);
      }
    }
    trace_.link();
  }
  trace::Trace take() { return std::move(trace_); }

 private:
  static constexpr std::uint16_t compute = 3, computed = 4, report = 5;
  struct Sent {
    std::uint64_t message;
    std::uint32_t from;
    std::uint16_t type;
    std::uint32_t request;
  };

  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }

  Event& add(Kind kind, std::uint32_t actor, std::uint32_t peer, std::uint64_t message,
             std::uint16_t type, std::uint32_t thread) {
    Event event;
    event.time = time_ += 100 + below(900);
    event.kind = kind;
    event.actor = actor;
    event.peer = peer;
    event.message = message;
    event.type = type;
    event.thread = thread;
    return trace_.events.emplace_back(event);
  }

  void send(std::uint32_t from, std::uint32_t to, std::uint16_t type, std::uint32_t request) {
    const std::uint64_t step = messages_ / 1000;
    Event& event = add(Kind::send, from, to, ++messages_, type, from);
    event.first_word = static_cast<std::uint32_t>(trace_.words.size());
    event.word_count = 4;
    event.detail = type == compute ? trace::is_request : type == computed ? trace::is_response : 0;
    event.argument = type == compute ? ++requests_ : request;
    trace_.words.insert(trace_.words.end(), {step / 50, step, step, messages_ % 1000});
    mailboxes_[to].push_back({messages_, from, type, event.argument});
  }

  void handle(std::uint32_t actor) {
    const Sent sent = mailboxes_[actor].front();
    mailboxes_[actor].pop_front();
    add(Kind::begin, actor, sent.from, sent.message, sent.type, actor).argument =
        static_cast<std::uint32_t>(mailboxes_[actor].size());
    const auto actors = static_cast<std::uint32_t>(mailboxes_.size() - 1);
    if (sent.type == compute && sent.from != 0) {
      send(actor, sent.from, computed, sent.request);
    } else {
      send(actor, 1 + below(actors), below(4) == 0 ? report : compute, 0);
    }
    add(Kind::end, actor, sent.from, sent.message, sent.type, actor);
  }

  trace::Trace trace_;
  std::mt19937 random_;
  std::int64_t time_ = 0;
  std::uint64_t messages_ = 0;
  std::uint32_t requests_ = 0;
  std::vector<std::deque<Sent>> mailboxes_;
};

template <class Work>
auto timed(const char* what, Work work) {
  const auto start = std::chrono::steady_clock::now();
  auto result = work();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  fmt::print("{:<28}{:>9.3f} s", what, took.count());
  if constexpr (std::is_convertible_v<decltype(result), std::uint64_t>) {
    fmt::print("  {}", result);
  }
  fmt::print("\n");
  std::fflush(stdout);
  return result;
}

/// Bytes that `write` writes.
template <class Write>
void timed_export(const char* format, Write write) {
  timed(format, [&] {
    std::FILE* file = std::fopen("/dev/null", "wb");
    std::uint64_t bytes = 0;
    {
      inspect::TextOutput out(file);
      write(out);
      bytes = out.size();
    }
    std::fclose(file);
    return bytes;
  });
}

}  // namespace

int main(int argc, char** argv) {
  const auto argument = [&](int index, std::uint32_t value) {
    return argc > index ? static_cast<std::uint32_t>(std::strtoul(argv[index], nullptr, 10))
                        : value;
  };
  const std::uint32_t events = argument(1, 1'000'000), actors = argument(2, 100);
  const auto trace = timed("make the trace", [&] { return Synthesis(events, actors).take(); });
  fmt::print("{} events, {} messages, {} actors\n", trace.events.size(), trace.messages.size(),
             actors);
  const std::string path = std::string(std::getenv("TMPDIR") ? std::getenv("TMPDIR") : "/tmp") +
                           "/inspect_bench.nztrace";
  timed("write the file", [&] { return trace::write_trace(trace, path).has_value(); });
  timed("read the file", [&] { return trace::read_trace(path)->events.size(); });
  std::remove(path.c_str());
  std::vector<inspect::EventNumber> all(trace.events.size());
  std::iota(all.begin(), all.end(), 1);

  const auto order = timed("index: causal order", [&] { return inspect::CausalOrder(trace); });
  const auto handlings = timed("index: handlings", [&] { return inspect::Handlings(trace); });
  timed("summary", [&] {
    return inspect::summarize(trace, handlings, {.busy_actor = "lane", .span = ""}).events;
  });
  timed("check", [&] { return nodezero::actors::check_trace(trace).violations.size(); });
  const auto last = static_cast<inspect::EventNumber>(trace.events.size());
  timed("why the last event", [&] {
    const auto reasons = inspect::reasons_for(trace, handlings, last);
    return inspect::why_as_text(trace, last, reasons, nodezero::actors::trace_phrases(), 25).size();
  });
  timed("its causal past", [&] { return order.past(last).size(); });
  timed("happened before, 1 to last", [&] { return order.happened_before(1, last); });
  timed("mermaid", [&] { return inspect::mermaid_of_past(trace, order, last).size(); });
  timed("diff with itself", [&] { return inspect::first_difference(trace, trace).has_value(); });
  timed_export("chrome", [&](auto& out) {
    inspect::write_chrome(trace, order, handlings, all, {}, out, ~std::uint64_t{0});
  });
  timed_export("shiviz", [&](auto& out) { inspect::write_shiviz(trace, order, all, out); });
  timed_export("otlp", [&](auto& out) { inspect::write_otlp(trace, handlings, all, out); });
  timed_export("jsonl", [&](auto& out) { inspect::write_json_lines(trace, all, out); });
  timed_export("sqlite", [&](auto& out) {
    if (!inspect::write_tables(trace, all, out)) {
      std::exit(1);
    }
  });
  return 0;
}
