// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/options/given_options.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/nodezero/common.hpp"
#include "apps/nodezero/options/option_values.hpp"

namespace nodezero::apps {

namespace {

constexpr const char* section = "train";

void check_epochs_or_steps(const GivenOptions& given) {
  if (given.has("epochs") && given.has("steps") && given.values.training.steps > 0) {
    throw CommandError(exit_bad_input, "give --epochs or --steps, not both");
  }
}

/// The text of a file without the mark of UTF-8 that some editors put at its start.
std::string without_mark(const std::filesystem::path& path) {
  constexpr std::string_view mark = "\xEF\xBB\xBF";
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return text.starts_with(mark) ? text.substr(mark.size()) : text;
}

/// Paths in a file are meant from where the file is, wherever the program is started.
void resolve_paths(const std::filesystem::path& folder, GivenOptions& given) {
  const auto resolve = [&](std::string& path) {
    if (!path.empty() && path != "-") {
      path = (folder / path).lexically_normal().string();
    }
  };
  std::ranges::for_each(given.values.data, resolve);
  if (!validation_fraction(given.values.validation)) {
    resolve(given.values.validation);
  }
  if (!tokenizer_kind(given.values.tokenizer)) {
    resolve(given.values.tokenizer);
  }
  resolve(given.values.init);
  resolve(given.values.trace);
  resolve(given.values.prometheus);
  resolve(given.out);
}

}  // namespace

GivenOptions read_config_file(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    throw CommandError(
        exit_bad_input,
        fmt::format("there is no configuration file '{}': check --config", path.string()));
  }
  std::vector<CLI::ConfigItem> items;
  try {
    std::istringstream text(without_mark(path));
    items = CLI::ConfigTOML().from_config(text);
  } catch (const CLI::Error& problem) {
    throw CommandError(exit_bad_input,
                       fmt::format("configuration file '{}': {}", path.string(), problem.what()));
  }
  GivenOptions given;
  for (const auto& item : items) {
    if (item.name == "++" || item.name == "--") {
      continue;  // CLI11's marks for the start and end of a section
    }
    const bool in_place =
        item.parents.empty() || (item.parents.size() == 1 && item.parents.front() == section);
    bool known = in_place && item.name == "out" && item.inputs.size() == 1;
    if (known) {
      given.out = item.inputs.front();
    }
    for (const auto& [spec, value_in] : option_table()) {
      if (in_place && item.name == spec.name) {
        known = true;
        try {
          set_value(spec, item.inputs, value_in(given.values));
        } catch (const CommandError& problem) {
          throw CommandError(exit_bad_input, fmt::format("configuration file '{}': {}",
                                                         path.string(), problem.what()));
        }
        given.names.insert(spec.name);
      }
    }
    if (!known) {
      throw CommandError(
          exit_bad_input,
          fmt::format("configuration file '{}': unknown option '{}', see train --help",
                      path.string(), item.fullname()));
    }
  }
  check_epochs_or_steps(given);
  resolve_paths(path.parent_path(), given);
  return given;
}

GivenOptions merge(GivenOptions stronger, const GivenOptions& weaker) {
  check_epochs_or_steps(stronger);
  const bool length_is_said = stronger.has("epochs") || stronger.has("steps");
  for (const Option& option : option_table()) {
    const std::string_view name = option.spec.name;
    const bool silenced = length_is_said && (name == "epochs" || name == "steps");
    if (weaker.has(option.spec.name) && !stronger.has(option.spec.name) && !silenced) {
      copy_value(option, weaker.values, stronger.values);
      stronger.names.insert(option.spec.name);
    }
  }
  if (stronger.out.empty()) {
    stronger.out = weaker.out;
  }
  return stronger;
}

}  // namespace nodezero::apps
