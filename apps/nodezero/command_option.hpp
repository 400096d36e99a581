#pragma once

#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/nodezero/option_values.hpp"

namespace nodezero::apps {

/// Adds --<spec.name> to a command. The value is parsed strictly and within the limits of
/// the spec, as those of `train` are; `value` holds the default and must live as long as the
/// command.
template <class Value>
CLI::Option* add_value(CLI::App& command, const OptionSpec& spec, Value& value) {
  return command
      .add_option_function<std::string>(
          fmt::format("--{}", spec.name),
          [spec, &value](const std::string& text) { parse_value(spec, text, value); },
          spec.description)
      ->group(spec.group)
      ->type_name("N")
      ->default_str(fmt::format("{}", value))
      ->multi_option_policy(CLI::MultiOptionPolicy::Throw);
}

}  // namespace nodezero::apps
