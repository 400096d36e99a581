// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>

#include "apps/nodezero/terminal/json_answer.hpp"

namespace nodezero::apps {

/// Draws a tree of spheres: a table of its levels, then the tree. Siblings with equal subtrees
/// share a line and each shape of subtree is drawn once, so that 20,736 workers take only one line
/// per level. Requires workers >= 1 and symmetry >= 2.
std::string draw_topology(std::uint32_t workers, std::uint32_t symmetry);

/// The same as JSON: `workers`, `symmetry`, and pages of `nodes`, in preorder.
nlohmann::ordered_json topology_as_json(std::uint32_t workers, std::uint32_t symmetry,
                                        const JsonOptions& options);

}  // namespace nodezero::apps
