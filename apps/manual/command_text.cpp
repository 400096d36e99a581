// SPDX-License-Identifier: BSD-3-Clause
#include "apps/manual/command_text.hpp"

#include <CLI/CLI.hpp>

#include "apps/nodezero/command_line/commands.hpp"
#include "apps/nodezero/options/option_table.hpp"
#include "apps/nodezero/options/option_values.hpp"
#include "apps/nodezero/options/presets.hpp"

namespace nodezero::apps {

namespace {

/// The values of an option by that name, wherever it is an option.
std::vector<std::string> choices_of(std::string_view name) {
  if (name == "preset") {
    return preset_names();
  }
  TrainOptions defaults;
  for (const auto& [spec, value_in] : option_table()) {
    if (spec.name == name) {
      return choices(value_in(defaults));
    }
  }
  return {};
}

/// What CLI11 shows as "NAME:{a,b}" is one of a and b.
std::vector<std::string> listed_choices(const std::string& type_name) {
  const auto begin = type_name.find('{');
  return begin == std::string::npos
             ? std::vector<std::string>{}
             : CLI::detail::split(type_name.substr(begin + 1, type_name.size() - begin - 2), ',');
}

OptionText describe(const CLI::Option& option) {
  OptionText text;
  text.is_positional = option.get_positional();
  text.name = text.is_positional ? option.get_name(true) : "--" + option.get_lnames().front();
  if (!option.get_snames().empty()) {
    text.short_name = "-" + option.get_snames().front();
  }
  const bool is_flag = option.get_items_expected_max() == 0;
  const std::string type_name = option.get_type_name();
  if (!is_flag && !text.is_positional) {
    text.placeholder = type_name.substr(0, type_name.find(':'));
    text.default_text = option.get_default_str();
    text.choices = listed_choices(type_name);
    if (text.choices.empty()) {
      text.choices = choices_of(option.get_lnames().front());
    }
  }
  text.description = option.get_description();
  text.group = option.get_group();
  text.is_required = option.get_required();
  text.takes_several = option.get_items_expected_max() > 2;
  return text;
}

CommandText describe(const CLI::App& command, const std::string& parent) {
  CommandText text;
  text.name = parent + command.get_name();
  text.description = command.get_description();
  for (const auto* option : command.get_options()) {
    text.options.push_back(describe(*option));
  }
  for (const auto* child : command.get_subcommands({})) {
    text.commands.push_back(describe(*child, text.name + " "));
  }
  return text;
}

}  // namespace

CommandText describe_command_line() {
  CLI::App program;
  define_program(program);
  return describe(program, "");
}

}  // namespace nodezero::apps
