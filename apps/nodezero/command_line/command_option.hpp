// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "apps/nodezero/options/given_options.hpp"
#include "apps/nodezero/options/option_table.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace nodezero::apps {

/// Adds --<spec.name> to a command. The value is parsed strictly and within the limits of
/// the spec, as those of `train` are; `value` points to the default and must live as long as the
/// command.
CLI::Option* add_value(CLI::App& command, const OptionSpec& spec, OptionValue value);

/// Adds --out and every option of the table to the command; what is given arrives in `given`, which
/// must live as long as the command.
void add_options(CLI::App& command, GivenOptions& given);

}  // namespace nodezero::apps
