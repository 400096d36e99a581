#pragma once

#include <cstddef>
#include <filesystem>
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
/// - model, runtime, actors and apps (bench beside it) stand in this order, model and
///   runtime side by side, and nothing includes what stands above it; the public headers of
///   include/nodezero stand below all of them and include but each other;
/// - only runtime/caf.hpp includes CAF, and include/nodezero/caf.hpp for hosts that use it;
/// - model starts no thread.
/// Comments and strings do not count.
std::vector<Violation> violations_in(const std::filesystem::path& file, std::string_view text);

/// The same for every C++ file below the layers' folders of a tree, except for the programs of
/// examples, which stand for those of others.
std::vector<Violation> violations_in_tree(const std::filesystem::path& root);

}  // namespace nodezero::layers
