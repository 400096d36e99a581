// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <type_traits>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/nodezero/options/option_values.hpp"

namespace nodezero::apps {

template <class Value>
inline constexpr bool is_list = std::is_same_v<Value, std::vector<std::string>>;

/// What stands for a value of that type in the help.
template <class Value>
const char* placeholder() {
  if constexpr (is_list<Value>) {
    return "TEXT";
  } else if constexpr (std::is_arithmetic_v<Value>) {
    return "N";
  } else {
    return "NAME";
  }
}

/// How the help shows a default; empty for none.
template <class Value>
std::string default_text(const Value& value) {
  if constexpr (is_list<Value>) {
    return "";
  } else if constexpr (std::is_enum_v<Value>) {
    return std::string(value_name(value));
  } else {
    return fmt::format("{}", value);
  }
}

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
      ->type_name(placeholder<Value>())
      ->default_str(default_text(value))
      ->multi_option_policy(CLI::MultiOptionPolicy::Throw);
}

}  // namespace nodezero::apps
