// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/trace/trace_page.hpp"

#include <string_view>

#include "apps/nodezero/trace/trace_page_data.hpp"

namespace nodezero::apps {

/// The page with its style and script, built from trace_page/* by cmake/EmbedTracePage.cmake.
/// `data_mark` marks the place for the data.
extern const std::string_view trace_page_template;

namespace {
constexpr std::string_view data_mark = "@TRACE_DATA@";
}

std::string trace_page(const runtime::trace::Trace& trace,
                       std::span<const runtime::inspect::Violation> violations,
                       const runtime::inspect::Phrases& phrases) {
  const auto mark = trace_page_template.find(data_mark);
  std::string page{trace_page_template.substr(0, mark)};
  page += trace_page_data(trace, violations, phrases);
  page += trace_page_template.substr(mark + data_mark.size());
  return page;
}

}  // namespace nodezero::apps
