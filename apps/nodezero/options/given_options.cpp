// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/options/given_options.hpp"

#include <vector>

#include <fmt/format.h>

#include "apps/nodezero/common.hpp"
#include "apps/nodezero/options/command_option.hpp"
#include "apps/nodezero/options/option_values.hpp"

namespace nodezero::apps {

namespace {

constexpr const char* section = "train";

/// Sets one option from all the texts that were given for it.
template <class Value>
void set_value(const OptionSpec& spec, const std::vector<std::string>& texts, Value& value) {
  if constexpr (is_list<Value>) {
    value = texts;
  } else {
    if (texts.size() != 1) {
      throw CommandError(exit_bad_input, fmt::format("--{} takes one value, {} were given",
                                                     spec.name, texts.size()));
    }
    parse_value(spec, texts.front(), value);
  }
}

void check_epochs_or_steps(const GivenOptions& given) {
  if (given.has("epochs") && given.has("steps") && given.values.training.steps > 0) {
    throw CommandError(exit_bad_input, "give --epochs or --steps, not both");
  }
}

}  // namespace

void add_options(CLI::App& command, GivenOptions& given) {
  command.add_option("--out", given.out, "Run folder: model, checkpoints, run.json, metrics.jsonl")
      ->type_name("DIR");
  for_each_option([&](const OptionSpec& spec, auto field) {
    auto& value = field(given.values);
    using Value = std::remove_reference_t<decltype(value)>;
    // The callback keeps a reference to `value`, which lives in `given`.
    auto* option =
        command.add_option(fmt::format("--{}", spec.name),
                           CLI::callback_t([spec, &value, &given](const CLI::results_t& texts) {
                             set_value(spec, texts, value);
                             given.names.insert(spec.name);
                             return true;
                           }),
                           spec.description);
    option->group(spec.group)->type_name(placeholder<Value>());
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    const bool takes_several = std::string_view(spec.name) == "data";
    if (takes_several) {
      option->expected(1, CLI::detail::expected_max_vector_size)->allow_extra_args();
      option->type_name("PATH");
    } else {
      option->type_size(1)->expected(1)->allow_extra_args(false);
    }
    if (const auto text = default_text(value); !text.empty()) {
      option->default_str(text);
    }
  });
}

GivenOptions read_config_file(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    throw CommandError(exit_bad_input, fmt::format("no configuration file '{}'", path.string()));
  }
  std::vector<CLI::ConfigItem> items;
  try {
    items = CLI::ConfigTOML().from_file(path.string());
  } catch (const CLI::Error& problem) {
    throw CommandError(exit_bad_input,
                       fmt::format("configuration file '{}': {}", path.string(), problem.what()));
  }
  GivenOptions given;
  for (const auto& item : items) {
    if (item.name == "++" || item.name == "--") {
      continue;  // CLI11's marks for the borders of a section
    }
    const bool in_place =
        item.parents.empty() || (item.parents.size() == 1 && item.parents.front() == section);
    bool known = in_place && item.name == "out" && item.inputs.size() == 1;
    if (known) {
      given.out = item.inputs.front();
    }
    for_each_option([&](const OptionSpec& spec, auto field) {
      if (in_place && item.name == spec.name) {
        known = true;
        try {
          set_value(spec, item.inputs, field(given.values));
        } catch (const CommandError& problem) {
          throw CommandError(exit_bad_input, fmt::format("configuration file '{}': {}",
                                                         path.string(), problem.what()));
        }
        given.names.insert(spec.name);
      }
    });
    if (!known) {
      throw CommandError(exit_bad_input, fmt::format("configuration file '{}': no option '{}'",
                                                     path.string(), item.fullname()));
    }
  }
  check_epochs_or_steps(given);
  return given;
}

GivenOptions merge(GivenOptions stronger, const GivenOptions& weaker) {
  check_epochs_or_steps(stronger);
  const bool length_is_said = stronger.has("epochs") || stronger.has("steps");
  for_each_option([&](const OptionSpec& spec, auto field) {
    const std::string_view name = spec.name;
    const bool silenced = length_is_said && (name == "epochs" || name == "steps");
    if (weaker.has(spec.name) && !stronger.has(spec.name) && !silenced) {
      field(stronger.values) = field(weaker.values);
      stronger.names.insert(spec.name);
    }
  });
  if (stronger.out.empty()) {
    stronger.out = weaker.out;
  }
  return stronger;
}

}  // namespace nodezero::apps
