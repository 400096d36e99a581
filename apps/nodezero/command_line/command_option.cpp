// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/command_line/command_option.hpp"

#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/nodezero/options/option_values.hpp"

namespace nodezero::apps {

CLI::Option* add_value(CLI::App& command, const OptionSpec& spec, OptionValue value) {
  return command
      .add_option_function<std::string>(
          fmt::format("--{}", spec.name),
          [spec, value](const std::string& text) { set_value(spec, {text}, value); },
          spec.description)
      ->group(spec.group)
      ->type_name(placeholder(value))
      ->default_str(shown_default(value))
      ->multi_option_policy(CLI::MultiOptionPolicy::Throw);
}

void add_options(CLI::App& command, GivenOptions& given) {
  command.add_option("--out", given.out, "Run folder for the model, checkpoints and metrics")
      ->type_name("DIR");
  for (const auto& [spec, value_in] : option_table()) {
    // The callback keeps this pointer into `given`.
    const OptionValue value = value_in(given.values);
    if (bool* const* flag = std::get_if<bool*>(&value)) {
      command
          .add_flag_callback(
              fmt::format("--{}", spec.name),
              [&spec = spec, flag = *flag, &given] {
                *flag = true;
                given.names.insert(spec.name);
              },
              spec.description)
          ->group(spec.group);
      continue;
    }
    auto* option =
        command.add_option(fmt::format("--{}", spec.name),
                           CLI::callback_t([&spec, value, &given](const CLI::results_t& texts) {
                             set_value(spec, texts, value);
                             given.names.insert(spec.name);
                             return true;
                           }),
                           spec.description);
    option->group(spec.group)->type_name(placeholder(value));
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    const std::string_view name = spec.name;
    if (name == "validation") {
      option->type_name("FRACTION|FILE");
    } else if (name == "init") {
      option->type_name("DIR");
    } else if (name == "trace") {
      option->type_name("FILE");
    }
    if (name == "data") {
      option->expected(1, CLI::detail::expected_max_vector_size)->allow_extra_args();
      option->type_name("PATH");
    } else {
      option->type_size(1)->expected(1)->allow_extra_args(false);
    }
    if (const auto text = shown_default(value); !text.empty()) {
      option->default_str(text);
    }
  }
}

}  // namespace nodezero::apps
