// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "apps/nodezero/options/train_options.hpp"

namespace nodezero::apps {

/// The options given in one place: their values, and the names of those that were given. The
/// other values are defaults and mean nothing.
struct GivenOptions {
  TrainOptions values;
  std::set<std::string> names;
  std::string out;  ///< the run folder, which no run records; empty if not given

  bool has(const char* name) const { return names.contains(name); }
};

/// Reads a TOML or INI file with the same option names, at its top level or in a section [train].
/// Relative paths in it are meant from the folder that the file is in.
/// @throws CommandError naming the file and the option
GivenOptions read_config_file(const std::filesystem::path& path);

/// The union of both; where both give an option, `stronger` wins. Because --epochs and --steps
/// both set the length, either in `stronger` overrides both in `weaker`.
GivenOptions merge(GivenOptions stronger, const GivenOptions& weaker);

}  // namespace nodezero::apps
