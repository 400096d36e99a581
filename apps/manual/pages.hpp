// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include "apps/manual/command_text.hpp"

namespace nodezero::apps {

/// The page nodezero(1), in the language of man.
std::string program_page(const CommandText& program);

/// The page of a command, such as nodezero-train(1); subcommands stand in it.
std::string command_page(const CommandText& command);

/// The file name of a command's page without its section, such as "nodezero-train".
std::string page_name(const CommandText& command);

}  // namespace nodezero::apps
