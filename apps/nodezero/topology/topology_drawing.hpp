// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>

namespace nodezero::apps {

/// A tree of spheres for people: a table of its levels, then the tree. Siblings with equal
/// subtrees share a line and each shape of subtree is drawn once, so that 20,736 workers
/// take as many lines as the tree has levels.
/// workers >= 1, symmetry >= 2.
std::string draw_topology(std::uint32_t workers, std::uint32_t symmetry);

}  // namespace nodezero::apps
