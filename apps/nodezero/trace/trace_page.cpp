// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/trace/trace_page.hpp"

#include <initializer_list>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "apps/nodezero/trace/trace_page_data.hpp"
#include "formats/printable_text.hpp"

namespace nodezero::apps {

// The pages with their styles and scripts, built from trace_page/* by cmake/EmbedTracePage.cmake.
// Marks stand for the data.
extern const std::string_view trace_page_template, diff_page_template;

namespace {

/// The template with what stands for each mark; marks come in this order.
std::string filled(std::string_view page,
                   std::initializer_list<std::pair<std::string_view, std::string>> marks) {
  std::string text;
  for (const auto& [mark, data] : marks) {
    const auto at = page.find(mark);
    text += page.substr(0, at);
    text += data;
    page.remove_prefix(at + mark.size());
  }
  text += page;
  return text;
}

}  // namespace

std::string trace_page(const runtime::trace::Trace& trace,
                       std::span<const runtime::inspect::Violation> violations,
                       const runtime::inspect::Phrases& phrases) {
  return filled(trace_page_template,
                {{"@TRACE_DATA@", trace_page_data(trace, violations, phrases)}});
}

std::string diff_page(const runtime::trace::Trace& left, const runtime::trace::Trace& right,
                      const actors::RunComparison& comparison,
                      const std::array<std::string, 2>& names,
                      const runtime::inspect::Phrases& phrases) {
  constexpr std::size_t most_differences = 5'000;
  auto list = nlohmann::json::array();
  for (const auto& one : comparison.differences) {
    if (list.size() == most_differences) {
      break;
    }
    const auto or_null = [](std::uint32_t event) {
      return event == 0 ? nlohmann::json(nullptr) : nlohmann::json(event);
    };
    list.push_back(
        {{"a", or_null(one.left)}, {"b", or_null(one.right)}, {"sentence", one.sentence}});
  }
  const nlohmann::json differences = {
      {"names", {formats::escaped_name(names[0]), formats::escaped_name(names[1])}},
      {"facts", comparison.facts},
      {"restriction", comparison.restriction},
      {"differences", std::move(list)}};
  return filled(diff_page_template, {{"@LEFT_DATA@", trace_page_data(left, {}, phrases)},
                                     {"@RIGHT_DATA@", trace_page_data(right, {}, phrases)},
                                     {"@DIFF_DATA@", page_data_text(differences)}});
}

}  // namespace nodezero::apps
