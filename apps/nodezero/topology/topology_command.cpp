// SPDX-License-Identifier: BSD-3-Clause
#include <cstdio>
#include <memory>

#include <fmt/format.h>

#include "apps/nodezero/commands.hpp"
#include "apps/nodezero/options/command_option.hpp"
#include "apps/nodezero/topology/topology_drawing.hpp"

namespace nodezero::apps {

namespace {

struct TopologyOptions {
  std::uint32_t spheres = 3;
  std::uint32_t symmetry = 12;
};

}  // namespace

void add_topology_command(CLI::App& program) {
  auto* command = program.add_subcommand("topology", "Draw the tree of spheres of a run");
  const auto options = std::make_shared<TopologyOptions>();
  // The limits are those of `train`, whose options these are.
  for_each_option([&](const OptionSpec& spec, auto) {
    const std::string_view name = spec.name;
    if (name == "spheres") {
      add_value(*command, spec, options->spheres)->required();
    } else if (name == "symmetry") {
      add_value(*command, spec, options->symmetry);
    }
  });
  command->callback(
      [options] { fmt::print("{}", draw_topology(options->spheres, options->symmetry)); });
}

}  // namespace nodezero::apps
