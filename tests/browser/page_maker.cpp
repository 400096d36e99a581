// SPDX-License-Identifier: BSD-3-Clause

// page_maker EVENTS FILE [diff]: the page of a synthetic trace, incomplete, with two planted
// violations and a text that tries to break out of it; for 0 events, the page of an empty trace.
// With `diff`, the page of that trace and of the same on a slower machine, with three differences.
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "apps/nodezero/trace/trace_page.hpp"
#include "support/synthetic_trace.hpp"

namespace {

using namespace nodezero;
using runtime::trace::Kind;
using runtime::trace::Trace;

int write(const char* path, const std::string& page) {
  std::ofstream file(path, std::ios::binary);
  file << page;
  return file.flush() ? 0 : 2;
}

/// The nth event from the middle on that begins to handle a report in node_zero.
std::uint32_t report_at_root(const Trace& trace, int nth) {
  for (auto number = static_cast<std::uint32_t>(trace.events.size() / 2) + 1;
       number <= trace.events.size(); ++number) {
    const auto& event = trace.event(number);
    if (event.kind == Kind::begin && trace.name(event.type) == "report" &&
        trace.actors[event.actor].name == "node_zero" && --nth == 0) {
      return number;
    }
  }
  return 0;
}

/// The same run on a slower machine, in which one report says something else, as the comparison
/// would say that.
std::string two_runs(const Trace& left) {
  Trace right = left;
  for (auto& event : right.events) {
    event.time = event.time * 3 / 2;
  }
  actors::RunComparison comparison;
  comparison.facts = left.events.size();
  for (int nth = 1; nth <= 3; ++nth) {
    const auto event = report_at_root(left, nth);
    if (event != 0) {
      comparison.differences.push_back(
          {nth == 2 ? actors::RunDifference::Kind::only_left : actors::RunDifference::Kind::value,
           {},
           event,
           nth == 2 ? 0 : event,
           "difference " + std::to_string(nth) + " </script>"});
    }
  }
  return apps::diff_page(left, right, comparison, {"left.nztrace", "right.nztrace"});
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3 && count != 4) {
    return 2;
  }
  const auto least_events = std::strtoull(arguments[1], nullptr, 10);
  if (least_events == 0) {
    return write(arguments[2],
                 count == 4 ? apps::diff_page({}, {}, {}, {"a", "b"}) : apps::trace_page({}, {}));
  }
  auto trace = apps::synthetic_trace(least_events);
  if (count == 4) {
    return write(arguments[2], two_runs(trace));
  }
  trace.about["note"] = "</script><script>document.title = 'broken'</script>";
  trace.completeness.lost_records = 12;
  const std::vector<runtime::inspect::Violation> violations = {
      {"one-report-a-step", report_at_root(trace, 1), report_at_root(trace, 2),
       "a child reported the same step twice"},
      {"every-message-has-an-end", 0, static_cast<std::uint32_t>(trace.events.size()),  // the drop
       "a message was neither handled nor is it pending"}};
  return write(arguments[2],
               apps::trace_page(trace, violations, {{"report", "reported step {step} to {to}"}}));
}
