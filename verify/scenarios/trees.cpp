// SPDX-License-Identifier: BSD-3-Clause
#include "verify/scenarios/trees.hpp"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

namespace nodezero::verify {
namespace {

using actors::TopologyNode;

class Parser {
 public:
  Parser(std::string_view text, std::uint32_t symmetry) : text_(text), symmetry_(symmetry) {}

  std::vector<TopologyNode> go() {
    if (text_ == ".") {
      throw std::invalid_argument("a tree's root is no worker: begin with a bracket");
    }
    node(0, 0);
    if (at_ != text_.size()) {
      fail("ends");
    }
    for (std::size_t id = nodes_.size(); id-- > 1;) {
      auto& parent = nodes_[nodes_[id].parent];
      parent.workers += nodes_[id].workers;
      parent.nodes += nodes_[id].nodes;
    }
    share_groups();
    return std::move(nodes_);
  }

 private:
  [[noreturn]] void fail(const char* expected) const {
    throw std::invalid_argument(
        fmt::format("the tree '{}' is not well-formed at character {}: expected that it {}", text_,
                    at_ + 1, expected));
  }

  void node(std::uint32_t parent, std::uint32_t level) {
    const auto id = static_cast<std::uint32_t>(nodes_.size());
    nodes_.push_back({.id = id, .level = level, .parent = parent, .workers = 0, .nodes = 1});
    if (at_ < text_.size() && text_[at_] == '.') {
      ++at_;
      nodes_[id].is_worker = true;
      nodes_[id].workers = 1;
      return;
    }
    if (at_ >= text_.size() || text_[at_] != '(') {
      fail("opens a bracket or names a leaf");
    }
    ++at_;
    while (at_ < text_.size() && text_[at_] != ')') {
      node(id, level + 1);
    }
    if (at_ >= text_.size()) {
      fail("closes a bracket");
    }
    ++at_;
    if (level > 0 && nodes_.size() == id + 1U) {
      throw std::invalid_argument(
          fmt::format("the tree '{}' has a control without children", text_));
    }
  }

  void share_groups() {
    nodes_[0].last_group = symmetry_;
    std::vector<std::uint32_t> children(nodes_.size(), 0);
    std::vector<std::uint32_t> seen(nodes_.size(), 0);
    for (std::size_t id = 1; id < nodes_.size(); ++id) {
      ++children[nodes_[id].parent];
    }
    for (std::size_t id = 1; id < nodes_.size(); ++id) {
      const std::uint32_t parent = nodes_[id].parent;
      const auto groups = actors::owned_groups(seen[parent]++, children[parent], symmetry_);
      nodes_[id].first_group = groups.first;
      nodes_[id].last_group = groups.last;
    }
  }

  std::string_view text_;
  std::uint32_t symmetry_;
  std::size_t at_ = 0;
  std::vector<TopologyNode> nodes_;
};

void append_text(const std::vector<TopologyNode>& tree, std::uint32_t id, TreeText& text) {
  if (tree[id].is_worker) {
    text += '.';
    return;
  }
  text += '(';
  for (std::uint32_t child = id + 1; child < id + tree[id].nodes; child += tree[child].nodes) {
    append_text(tree, child, text);
  }
  text += ')';
}

/// Multisets of subtrees with `nodes` nodes in all, none of which comes before `at` in `parts`.
void forests(std::uint32_t nodes, const std::vector<std::pair<std::uint32_t, TreeText>>& parts,
             std::size_t at, const TreeText& begun, std::vector<TreeText>& result) {
  if (nodes == 0) {
    result.push_back(begun);
    return;
  }
  for (std::size_t i = at; i < parts.size(); ++i) {
    if (parts[i].first <= nodes) {
      forests(nodes - parts[i].first, parts, i, begun + parts[i].second, result);
    }
  }
}

std::vector<TreeText> trees_of(std::uint32_t nodes, bool is_root) {
  if (nodes == 1) {
    return {is_root ? "()" : "."};
  }
  std::vector<std::pair<std::uint32_t, TreeText>> parts;
  for (std::uint32_t size = 1; size < nodes; ++size) {
    for (auto& tree : trees_of(size, false)) {
      parts.emplace_back(size, std::move(tree));
    }
  }
  std::vector<TreeText> result;
  forests(nodes - 1, parts, 0, "", result);
  for (auto& text : result) {
    text = "(" + text + ")";
  }
  return result;
}

}  // namespace

std::vector<TopologyNode> parse_tree(std::string_view text, std::uint32_t symmetry) {
  return Parser(text, symmetry).go();
}

TreeText to_text(const std::vector<TopologyNode>& tree) {
  TreeText text;
  append_text(tree, 0, text);
  return text;
}

std::vector<TreeText> unordered_trees(std::uint32_t nodes) {
  return trees_of(nodes, true);
}

TreeText complete_tree(std::uint32_t fan_out, std::uint32_t levels) {
  TreeText text = ".";
  for (std::uint32_t level = 0; level < levels; ++level) {
    TreeText inner;
    for (std::uint32_t child = 0; child < fan_out; ++child) {
      inner += text;
    }
    text = "(" + inner + ")";
  }
  return text;
}

double orders_of_children(const std::vector<TopologyNode>& tree) {
  std::vector<std::uint32_t> children(tree.size(), 0);
  double orders = 1;
  for (std::size_t id = 1; id < tree.size(); ++id) {
    orders *= ++children[tree[id].parent];
  }
  return orders;
}

std::uint32_t leaves(const std::vector<TopologyNode>& tree) {
  return static_cast<std::uint32_t>(std::ranges::count_if(tree, &TopologyNode::is_worker));
}

}  // namespace nodezero::verify
