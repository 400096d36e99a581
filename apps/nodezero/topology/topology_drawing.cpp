// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/topology/topology_drawing.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "actors/spheres/topology.hpp"
#include "apps/nodezero/terminal/quantities.hpp"

namespace nodezero::apps {

namespace {

/// Most group ranges listed on a line; more are summarised.
constexpr std::size_t listed_ranges = 12;

std::string range_text(const actors::GroupRange& range) {
  return range.last - range.first == 1 ? fmt::format("{}", range.first)
                                       : fmt::format("{}-{}", range.first, range.last - 1);
}

/// "group 3", "groups 0-11", "groups 0-3, 4-7, 8-11", "groups 0-11, one each".
std::string groups_text(const std::vector<actors::GroupRange>& ranges) {
  const actors::GroupRange all{ranges.front().first, ranges.back().last};
  const auto size = all.last - all.first;
  std::string text = fmt::format("{} ", size == 1 ? "group" : "groups");
  if (ranges.size() > 1 && size == ranges.size()) {
    return text + range_text(all) + ", one each";
  }
  if (ranges.size() > listed_ranges) {
    const auto least = size / ranges.size();
    return text + range_text(all) +
           (size % ranges.size() == 0 ? fmt::format(", {} each", least)
                                      : fmt::format(", {} or {} each", least, least + 1));
  }
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    text += (i == 0 ? "" : ", ") + range_text(ranges[i]);
  }
  return text;
}

/// The number of a level's spheres, by number of workers below them; one worker is a leaf.
using Level = std::map<std::uint32_t, std::uint64_t>;

class Drawing {
 public:
  explicit Drawing(std::uint32_t symmetry) : symmetry_(symmetry) {}

  std::string draw(std::uint32_t workers) {
    draw_levels(workers);
    text_ += fmt::format("\nnode_zero: {}\n", counted(workers, "worker"));
    draw_children(workers, "");
    return text_;
  }

 private:
  void draw_levels(std::uint32_t workers) {
    text_ += "level   control    workers\n";
    Level level{{workers, 1}};
    std::uint64_t nodes = 0;
    for (std::uint32_t depth = 0; !level.empty(); ++depth) {
      std::uint64_t leaves = 0;
      std::uint64_t inner = 0;
      Level below;
      for (const auto& [size, count] : level) {
        const bool is_leaf = size == 1 && depth > 0;
        (is_leaf ? leaves : inner) += count;
        if (!is_leaf) {
          for (const auto share : actors::split_workers(size, symmetry_)) {
            below[share] += count;
          }
        }
      }
      nodes += leaves + inner;
      text_ += fmt::format("{:>5}{:>10}{:>11}\n", depth, depth == 0 ? "node_zero" : grouped(inner),
                           grouped(leaves));
      level = std::move(below);
    }
    text_ += fmt::format("  {} in total: {}\n", counted(nodes, "node"), counted(workers, "worker"));
  }

  void draw_children(std::uint32_t workers, const std::string& indent) {
    const auto shares = actors::split_workers(workers, symmetry_);
    const auto children = static_cast<std::uint32_t>(shares.size());
    for (std::uint32_t first = 0; first < children;) {
      // Shares never rise, so equal ones stand side by side.
      std::vector<actors::GroupRange> ranges;
      std::uint32_t next = first;
      for (; next < children && shares[next] == shares[first]; ++next) {
        ranges.push_back(actors::owned_groups(next, children, symmetry_));
      }
      draw_siblings(shares[first], next - first, groups_text(ranges), indent, next == children);
      first = next;
    }
  }

  void draw_siblings(std::uint32_t workers, std::uint32_t count, const std::string& groups,
                     const std::string& indent, bool is_last) {
    const bool is_leaf = workers == 1;
    const bool is_known = !is_leaf && !drawn_.insert(workers).second;
    text_ += indent + (is_last ? "└─ " : "├─ ") +
             (count == 1 ? "" : fmt::format("{} x ", grouped(count))) +
             (is_leaf ? "worker" : "control") + ", " + groups;
    if (!is_leaf) {
      text_ += fmt::format(": {}, {}{}", counted(workers, "worker"),
                           counted(actors::subtree_size(workers, symmetry_), "node"),
                           count == 1 ? "" : " each");
    }
    text_ += is_known ? ", as above\n" : "\n";
    if (!is_leaf && !is_known) {
      draw_children(workers, indent + (is_last ? "   " : "│  "));
    }
  }

  std::uint32_t symmetry_;
  std::set<std::uint32_t> drawn_;  ///< subtrees drawn so far, by number of workers
  std::string text_;
};

}  // namespace

std::string draw_topology(std::uint32_t workers, std::uint32_t symmetry) {
  return Drawing(symmetry).draw(workers);
}

nlohmann::ordered_json topology_as_json(std::uint32_t workers, std::uint32_t symmetry,
                                        const JsonOptions& options) {
  auto answer = json_answer("topology");
  answer["workers"] = workers;
  answer["symmetry"] = symmetry;
  auto nodes = nlohmann::ordered_json::array();
  for (const auto& node : actors::topology(workers, symmetry)) {
    nodes.push_back({{"id", node.id},
                     {"level", node.level},
                     {"parent", node.id == 0 ? nlohmann::ordered_json(nullptr)
                                             : nlohmann::ordered_json(node.parent)},
                     {"is_worker", node.is_worker},
                     {"workers", node.workers},
                     {"nodes", node.nodes},
                     {"first_group", node.first_group},
                     {"last_group", node.last_group}});
  }
  add_page(answer, "nodes", std::move(nodes), options);
  return answer;
}

}  // namespace nodezero::apps
