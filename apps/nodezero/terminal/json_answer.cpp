// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/terminal/json_answer.hpp"

#include <algorithm>
#include <cstdio>
#include <span>
#include <utility>

#include <fmt/format.h>

namespace nodezero::apps {

namespace {

constexpr int answer_format = 1;

std::string text_of(const nlohmann::ordered_json& answer) {
  return answer.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

}  // namespace

nlohmann::ordered_json json_answer(std::string_view command) {
  return {{"command", command}, {"format", answer_format}};
}

void add_page(nlohmann::ordered_json& answer, std::string_view name, nlohmann::ordered_json list,
              const JsonOptions& options) {
  const std::uint64_t total = list.size();
  const auto first = std::min(options.offset, total);
  const auto last = options.limit == 0 ? total : first + std::min(options.limit, total - first);
  auto page = nlohmann::ordered_json::array();
  for (auto i = first; i < last; ++i) {
    page.push_back(std::move(list[i]));
  }
  answer[std::string(name)] = std::move(page);
  answer["page"] = {{"of", name}, {"total", total}, {"offset", first}, {"next", nullptr}};
  if (last < total) {
    answer["page"]["next"] = last;
  }
}

void print_json(const nlohmann::ordered_json& answer) {
  fmt::print("{}\n", text_of(answer));
}

bool asks_for_json(int argc, const char* const* argv) {
  const std::span arguments(argv, static_cast<std::size_t>(argc));
  return std::ranges::any_of(arguments,
                             [](const char* text) { return std::string_view(text) == "--json"; });
}

std::string json_error(int argc, const char* const* argv, int exit_code,
                       const std::string& message) {
  // The words up to the first that may be a file or an option.
  constexpr std::string_view groups[] = {"trace"};
  std::string command;
  for (int i = 1; i < std::min(argc, 3) && argv[i][0] != '-'; ++i) {
    command.append(command.empty() ? "" : " ").append(argv[i]);
    if (std::ranges::find(groups, command) == std::end(groups)) {
      break;
    }
  }
  auto answer = json_answer(command);
  answer["error"] = {{"message", message}, {"exit_code", exit_code}};
  return text_of(answer);
}

}  // namespace nodezero::apps
