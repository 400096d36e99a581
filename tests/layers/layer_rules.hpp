// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace nodezero::layers {

/// A line of source that points against the layers.
struct Violation {
  std::filesystem::path file;  ///< below the root of the tree
  std::size_t line = 0;        ///< from 1
  std::string reason;

  friend bool operator==(const Violation&, const Violation&) = default;
};

std::string to_string(const Violation& violation);

/// What `text`, the content of `file` (a path below the root), does against the rules:
/// - project headers are included by their path from the root, so that an include names
///   its layer;
/// - a file includes its own room and those that the table in layer_rules.cpp allows it: rooms
///   are folders inside of the layers model, runtime, actors, verify and apps (bench beside
///   them), and no arrow between layers points upwards; the public headers of include/nodezero
///   include but each other;
/// - only runtime/caf.hpp includes CAF, and include/nodezero/caf.hpp for hosts that use it;
/// - model starts no thread;
/// - below apps nobody knows an option of the command line: no string names one.
/// Comments do not count, and strings only for the last rule.
std::vector<Violation> violations_in(const std::filesystem::path& file, std::string_view text);

/// The same for every C++ file of a tree that stands in a layer.
std::vector<Violation> violations_in_tree(const std::filesystem::path& root);

/// The arrows of the table between two rooms of the same layer, as "model/text --> model/files", in
/// order. Arrows to the files at the door of a layer are left out, except for those from there.
std::vector<std::string> arrows_inside_layers();

/// All that the files of a room may include, directly or by way of other rooms.
std::set<std::string> rooms_below(std::string_view folder);

/// The folders of a tree that hold more than `most` sources, each with its number of them.
std::vector<std::string> full_folders(const std::filesystem::path& root, std::size_t most);

}  // namespace nodezero::layers
