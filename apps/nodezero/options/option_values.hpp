// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "apps/nodezero/options/option_table.hpp"

namespace nodezero::apps {

/// How a value of each type is written on the command line: each `parse_value` sets `out`
/// from `text`, strictly and within the limits of `spec`.
/// @throws CommandError that names the option, says what it takes and quotes the text

void parse_value(const OptionSpec& spec, const std::string& text, std::int64_t& out);
void parse_value(const OptionSpec& spec, const std::string& text, std::uint64_t& out);
void parse_value(const OptionSpec& spec, const std::string& text, std::uint32_t& out);
void parse_value(const OptionSpec& spec, const std::string& text, double& out);
void parse_value(const OptionSpec& spec, const std::string& text, std::string& out);
void parse_value(const OptionSpec& spec, const std::string& text, model::Tokenizer::Kind& out);
void parse_value(const OptionSpec& spec, const std::string& text, model::Precision& out);
void parse_value(const OptionSpec& spec, const std::string& text, actors::RoutingPolicy& out);
void parse_value(const OptionSpec& spec, const std::string& text, actors::InferencePolicy& out);

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
