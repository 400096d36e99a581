// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "apps/nodezero/options/train_options.hpp"

namespace nodezero::apps {

/// What was said in one place: the values and the names of those that were said. The other
/// values are defaults and mean nothing.
struct GivenOptions {
  TrainOptions values;
  std::set<std::string> names;
  std::string out;  ///< the run folder, which no run records; empty if it was not said

  bool has(const char* name) const { return names.contains(name); }
};

/// Reads a TOML or INI file of the same option names, at its top or in a section [train].
/// @throws CommandError that names the file and the option
GivenOptions read_config_file(const std::filesystem::path& path);

/// The union; where both say something, `stronger` holds. --epochs and --steps answer one
/// question, so one of them in `stronger` silences both in `weaker`.
GivenOptions merge(GivenOptions stronger, const GivenOptions& weaker);

}  // namespace nodezero::apps
