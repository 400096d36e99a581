// SPDX-License-Identifier: BSD-3-Clause

// page_maker EVENTS FILE: the page of a synthetic trace, incomplete, with two planted violations
// and a text that tries to break out of it; for 0 events, the page of an empty trace.
#include <cstdlib>
#include <fstream>

#include "apps/nodezero/trace/trace_page.hpp"
#include "support/synthetic_trace.hpp"

int main(int count, char** arguments) {
  using namespace nodezero;
  using runtime::trace::Kind;
  if (count != 3) {
    return 2;
  }
  const auto least_events = std::strtoull(arguments[1], nullptr, 10);
  std::ofstream file(arguments[2], std::ios::binary);
  if (least_events == 0) {
    file << apps::trace_page({}, {});
    return file.flush() ? 0 : 2;
  }
  auto trace = apps::synthetic_trace(least_events);
  trace.about["note"] = "</script><script>document.title = 'broken'</script>";
  trace.completeness.lost_records = 12;
  std::vector<runtime::inspect::Violation> violations = {
      {"one-report-a-step", 0, 0, "a child reported the same step twice"},
      {"every-message-has-an-end", 0, 0, "a message was neither handled nor is it pending"}};
  for (std::uint32_t number = 1; number <= trace.events.size(); ++number) {
    const auto& event = trace.event(number);
    if (event.kind == Kind::begin && trace.name(event.type) == "report" &&
        trace.actors[event.actor].name == "node_zero" && number > trace.events.size() / 2) {
      auto& violation = violations[0];
      (violation.first == 0 ? violation.first : violation.second) = number;
      if (violation.second != 0) {
        break;
      }
    }
  }
  violations[1].second = static_cast<std::uint32_t>(trace.events.size());  // the drop
  file << apps::trace_page(trace, violations, {{"report", "reported step {step} to {to}"}});
  return file.flush() ? 0 : 2;
}
