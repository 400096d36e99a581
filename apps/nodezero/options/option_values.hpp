// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "apps/nodezero/options/option_table.hpp"
#include "nodezero/error.hpp"

namespace nodezero::apps {

/// Sets the value of an option from the texts given for it, strictly and within the limits of
/// `spec`: from exactly one text, unless the value is a list.
/// @throws CommandError naming the option, what it takes and the text
void set_value(const OptionSpec& spec, const std::vector<std::string>& texts, OptionValue value);

/// A default as the help shows it; empty for none.
std::string shown_default(OptionValue value);

/// The placeholder for the value of an option in the help.
const char* placeholder(OptionValue value);

/// The values that can be chosen for an option, if they have names; empty for others.
std::vector<std::string> choices(OptionValue value);

/// "a, b or c"
std::string either_of(const std::vector<std::string>& texts);

/// The name of an enumerator on the command line.
std::string_view value_name(model::Tokenizer::Kind kind);
std::string_view value_name(model::Precision precision);
std::string_view value_name(model::ExchangePrecision precision);
std::string_view value_name(model::Activation activation);
std::string_view value_name(model::TokenType type);
std::string_view value_name(LearningRateSchedule schedule);
std::string_view value_name(actors::RoutingPolicy policy);
std::string_view value_name(actors::InferencePolicy policy);

/// The kind that --tokenizer names, or nothing for a path.
std::optional<model::Tokenizer::Kind> tokenizer_kind(std::string_view text);

/// All options by name: numbers as numbers, names as strings, lists as arrays; what is not UTF-8 as
/// in byte_text.hpp.
nlohmann::json to_json(const TrainOptions& options);

/// The inverse of to_json.
/// @throws CommandError if an option is missing, is none, has the wrong type or is outside its
/// limits
TrainOptions options_from_json(const nlohmann::json& json);

/// The value of --validation as a fraction, or nothing if it is a path.
/// @throws CommandError if it is a number outside [0, 1)
std::optional<double> validation_fraction(const std::string& text);

/// A message of the model with options in place of the members that it quotes by name.
std::string with_option_names(std::string message);

/// What the model thinks of values that people gave, with the names of options.
/// @throws CommandError if they cannot work
void check_options(const Result<void>& valid);

}  // namespace nodezero::apps
