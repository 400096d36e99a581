// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace nodezero::apps {

/// How a command answers a program: with --json.
struct JsonOptions {
  bool json = false;
  std::uint64_t offset = 0;     ///< entries of the answer's long list that are left out
  std::uint64_t limit = 1'000;  ///< most entries of it; 0: all
};

/// An answer begins with `command` and `format`, the number of its form: it is raised when a name
/// or a meaning changes, and not when names are added.
nlohmann::ordered_json json_answer(std::string_view command);

/// Adds a long list, of which only a page is given: `<name>`, and `page` with `of`, `total`,
/// `offset` and `next`, the offset of the next page or null.
void add_page(nlohmann::ordered_json& answer, std::string_view name, nlohmann::ordered_json list,
              const JsonOptions& options);

/// Prints an answer on one line.
void print_json(const nlohmann::ordered_json& answer);

/// True if a command line asks for JSON, also one that cannot be understood.
bool asks_for_json(int argc, const char* const* argv);

/// What is printed in place of an answer: `error` with `message` and `exit_code`.
std::string json_error(int argc, const char* const* argv, int exit_code,
                       const std::string& message);

}  // namespace nodezero::apps
