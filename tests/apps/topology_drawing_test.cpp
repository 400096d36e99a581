// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/topology/topology_drawing.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace nodezero::apps {
namespace {

std::ptrdiff_t lines(const std::string& text) {
  return std::count(text.begin(), text.end(), '\n');
}

TEST(TopologyDrawing, ShowsLevelsGroupsAndCounts) {
  EXPECT_EQ(draw_topology(13, 12),
            "level   control    workers\n"
            "    0 node_zero          0\n"
            "    1         2          0\n"
            "    2         0         13\n"
            "  16 nodes in total: 13 workers\n"
            "\n"
            "node_zero: 13 workers\n"
            "├─ control, groups 0-5: 7 workers, 8 nodes\n"
            "│  └─ 7 x worker, groups 0, 1-2, 3-4, 5, 6-7, 8-9, 10-11\n"
            "└─ control, groups 6-11: 6 workers, 7 nodes\n"
            "   └─ 6 x worker, groups 0-1, 2-3, 4-5, 6-7, 8-9, 10-11\n");
}

TEST(TopologyDrawing, ShowsASingleWorker) {
  EXPECT_NE(draw_topology(1, 12).find("2 nodes in total: 1 worker\n\nnode_zero: 1 worker\n"
                                      "└─ worker, groups 0-11\n"),
            std::string::npos);
}

TEST(TopologyDrawing, AFullTreeTakesALineALevel) {
  const auto text = draw_topology(20'736, 12);
  EXPECT_EQ(lines(text), 1 + 5 + 1 + 1 + 5);
  EXPECT_NE(text.find("22,621 nodes in total: 20,736 workers"), std::string::npos);
}

TEST(TopologyDrawing, AnUnevenTreeStaysReadable) {
  EXPECT_LT(lines(draw_topology(999'999, 12)), 40);
  // The deepest tree there is, whose shares are odd at every level.
  EXPECT_LT(lines(draw_topology(699'051, 2)), 120);
}

TEST(TopologyDrawing, SumsUpManyGroups) {
  EXPECT_NE(draw_topology(40, 100).find("40 x worker, groups 0-99, 2 or 3 each"),
            std::string::npos);
  EXPECT_NE(draw_topology(20, 100).find("20 x worker, groups 0-99, 5 each"), std::string::npos);
}

}  // namespace
}  // namespace nodezero::apps
