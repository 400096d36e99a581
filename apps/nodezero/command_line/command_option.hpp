// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "apps/nodezero/options/given_options.hpp"
#include "apps/nodezero/options/option_table.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace nodezero::apps {

/// Adds --<spec.name> to a command. Values are parsed strictly and checked against the spec's
/// limits, like the options of `train`. `value` points to the default and must outlive the command.
CLI::Option* add_value(CLI::App& command, const OptionSpec& spec, OptionValue value);

/// Adds --out and every option in the table to the command. The given values are stored in
/// `given`, which must outlive the command.
void add_options(CLI::App& command, GivenOptions& given);

}  // namespace nodezero::apps
