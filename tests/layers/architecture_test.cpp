// SPDX-License-Identifier: BSD-3-Clause

// docs/architecture.md draws the arrows between the rooms of each layer as they are in the table.

#include <algorithm>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "tests/layers/layer_rules.hpp"
#include "tests/support/source_folder.hpp"

namespace nodezero::layers {
namespace {

/// The words of "gpt2 --> kernels & tensors", without the signs.
std::vector<std::string> rooms_in(const std::string& line) {
  std::istringstream words(line);
  std::vector<std::string> rooms;
  for (std::string word; words >> word;) {
    if (word != "&" && word != "-->") {
      rooms.push_back(word);
    }
  }
  return rooms;
}

/// The arrows below the headings "### LAYER" of the page, one by one.
std::vector<std::string> drawn_arrows() {
  std::ifstream page(test::source_folder() / "docs/architecture.md");
  std::vector<std::string> arrows;
  std::string layer;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("#")) {
      layer = line.starts_with("### ") ? line.substr(4) : "";
    } else if (!layer.empty() && line.find(" --> ") != std::string::npos) {
      const auto arrow = line.find(" --> ");
      for (const auto& from : rooms_in(line.substr(0, arrow))) {
        for (const auto& to : rooms_in(line.substr(arrow))) {
          // "root" stands for the files at the door of the layer.
          arrows.push_back((from == "root" ? layer : layer + "/" + from) + " --> " + layer + "/" +
                           to);
        }
      }
    }
  }
  std::sort(arrows.begin(), arrows.end());
  return arrows;
}

TEST(Architecture, DrawsTheArrowsBetweenRooms) {
  EXPECT_EQ(drawn_arrows(), arrows_inside_layers());
}

}  // namespace
}  // namespace nodezero::layers
