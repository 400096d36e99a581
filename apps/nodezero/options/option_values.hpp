// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "apps/nodezero/options/option_table.hpp"

namespace nodezero::apps {

/// Sets the value of an option from the texts that were given for it, strictly and within the
/// limits of `spec`: one text, or as many as there are for a list.
/// @throws CommandError that names the option, says what it takes and quotes the text
void set_value(const OptionSpec& spec, const std::vector<std::string>& texts, OptionValue value);

/// How the help shows a default; empty for none.
std::string shown_default(OptionValue value);

/// What stands for the value of an option in the help.
const char* placeholder(OptionValue value);

/// The names of an enumeration's values, as on the command line.
std::string_view value_name(model::Tokenizer::Kind kind);
std::string_view value_name(model::Precision precision);
std::string_view value_name(actors::RoutingPolicy policy);
std::string_view value_name(actors::InferencePolicy policy);

/// All options by name: numbers as numbers, names as strings, lists as arrays.
nlohmann::json to_json(const TrainOptions& options);

/// The reverse. Options that are missing keep their defaults.
/// @throws CommandError if a value is of the wrong type or out of its limits
TrainOptions options_from_json(const nlohmann::json& json);

}  // namespace nodezero::apps
