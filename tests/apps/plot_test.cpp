// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <zlib.h>

#include <gtest/gtest.h>

#include "apps/nodezero/common.hpp"
#include "apps/nodezero/plot/axis.hpp"
#include "apps/nodezero/plot/loss_chart.hpp"
#include "apps/nodezero/plot/strokes.hpp"

namespace nodezero::apps {
namespace {

RunHistory falling_loss(std::size_t steps) {
  RunHistory history;
  for (std::size_t i = 1; i <= steps; ++i) {
    const auto x = static_cast<double>(i);
    history.training.push_back({x, 1 + 4 * std::exp(-x / 100)});
    history.learning_rate.push_back({x, 1e-3});
    if (i % 100 == 0) {
      history.validation.push_back({x, 1.5 + 4 * std::exp(-x / 100)});
    }
  }
  return history;
}

/// The rows of a PNG of 8 bits for each of red, green and blue, unpacked; checks all sums.
std::string rows_of(const std::string& png, const Drawing& drawing) {
  EXPECT_EQ(png.substr(0, 8), "\x89PNG\r\n\x1A\n");
  const auto number = [&](std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      value = value << 8 | static_cast<unsigned char>(png[at + i]);
    }
    return value;
  };
  std::string names, rows;
  for (std::size_t at = 8; at < png.size();) {
    const auto size = number(at);
    const auto name = png.substr(at + 4, 4), data = png.substr(at + 8, size);
    const auto both = name + data;
    EXPECT_EQ(number(at + 8 + size), ::crc32(0, reinterpret_cast<const Bytef*>(both.data()),
                                             static_cast<uInt>(both.size())));
    if (name == "IHDR") {
      EXPECT_EQ(number(at + 8), static_cast<std::uint32_t>(drawing.width));
      EXPECT_EQ(number(at + 12), static_cast<std::uint32_t>(drawing.height));
    } else if (name == "IDAT") {
      rows.resize(static_cast<std::size_t>((3 * drawing.width + 1) * drawing.height));
      uLongf length = rows.size();
      EXPECT_EQ(::uncompress(reinterpret_cast<Bytef*>(rows.data()), &length,
                             reinterpret_cast<const Bytef*>(data.data()), data.size()),
                Z_OK);
      EXPECT_EQ(length, rows.size());
    }
    names += name;
    at += 12 + size;
  }
  EXPECT_EQ(names, "IHDRIDATIEND");
  return rows;
}

TEST(Plot, DrawsCurvesDotsAndLabelsWithinThePicture) {
  const auto drawing = draw_losses(falling_loss(1'000));
  EXPECT_EQ(drawing.dots.size(), 10u);
  const auto inside = [&](const Point& point) {
    return point.x >= 0 && point.x <= drawing.width && point.y >= 0 && point.y <= drawing.height;
  };
  for (const auto& line : drawing.lines) {
    for (const Point& point : line.points) {
      ASSERT_TRUE(inside(point)) << point.x << " " << point.y;
    }
  }
  for (const auto& label : drawing.labels) {
    ASSERT_TRUE(inside(label.at)) << label.text;
    // Every character of a chart can be drawn: each makes the text wider than a space would.
    for (const char character : label.text) {
      EXPECT_TRUE(character == ' ' || !strokes_of(std::string_view(&character, 1), 10).empty())
          << label.text;
    }
  }
}

TEST(Plot, MakesAPngWithTheColoursOfItsLines) {
  Drawing drawing{.width = 40, .height = 20, .lines = {}, .dots = {}, .labels = {}};
  drawing.lines.push_back({{{0, 10}, {40, 10}}, {200, 10, 20}, 4});
  const auto rows = rows_of(to_png(drawing), drawing);
  const auto pixel = [&](std::size_t x, std::size_t y) {
    return rows.substr(y * (3 * 40 + 1) + 1 + 3 * x, 3);
  };
  EXPECT_EQ(pixel(20, 10), std::string("\xC8\x0A\x14"));
  EXPECT_EQ(pixel(20, 2), std::string("\xFF\xFF\xFF"));
  const auto whole = draw_losses(falling_loss(300));
  rows_of(to_png(whole), whole);
}

TEST(Plot, MakesAnSvgWithItsLabels) {
  const auto svg = to_svg(draw_losses(falling_loss(300)));
  EXPECT_TRUE(svg.starts_with("<svg xmlns="));
  EXPECT_NE(svg.find(">learning rate</text>"), std::string::npos);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
}

TEST(Plot, LeavesOutWhatIsNotFinite) {
  auto history = falling_loss(300);
  history.training[20].y = std::numeric_limits<double>::quiet_NaN();
  history.training[21].y = std::numeric_limits<double>::infinity();
  EXPECT_EQ(to_svg(draw_losses(history)).find("nan"), std::string::npos);
  EXPECT_EQ(losses_as_text(history).find("inf"), std::string::npos);
}

TEST(Plot, ShowsAsDotsWhatIsOneStep) {
  const auto drawing = draw_losses(falling_loss(1));
  EXPECT_EQ(drawing.dots.size(), 3u);  // a mean, a mean of fewer columns, and the learning rate
  auto history = falling_loss(1);
  history.learning_rate[0].y = 1e28;  // whose labels have an exponent
  EXPECT_TRUE(std::ranges::any_of(draw_losses(history).labels, [](const auto& label) {
    return label.text.find("e+") != std::string::npos;
  }));
  EXPECT_EQ(strokes_of("1e+28", 10).size(), strokes_of("1e28", 10).size() + 2);
}

TEST(Plot, EndsForCurvesThatNumbersCannotTellFromLines) {
  auto history = falling_loss(2);
  history.training[0].y = 1e15;
  history.training[1].y = 1e15 + 0.125;
  EXPECT_LT(draw_losses(history).lines.size(), 100u);
  EXPECT_NE(losses_as_text(history), "");
}

TEST(Plot, IsTextOnATerminal) {
  const auto text = losses_as_text(falling_loss(1'000));
  EXPECT_NE(text.find("    4.68 |."), std::string::npos) << text;
  EXPECT_NE(text.find("o validation"), std::string::npos) << text;
  EXPECT_EQ(losses_as_text(falling_loss(1)), "");
}

TEST(Plot, HasRoundTicks) {
  const Axis axis{.least = -0.2, .most = 4.1, .from = 0, .to = 1};
  EXPECT_EQ(axis.ticks(5), (std::vector<double>{0, 1, 2, 3, 4}));
  const Axis small{.least = 1e-4, .most = 9e-4, .from = 0, .to = 1};
  EXPECT_EQ(small.ticks(3).size(), 4u);
}

TEST(RunHistory, IsReadWhileTheLastLineIsBeingWritten) {
  const auto folder = std::filesystem::path(testing::TempDir()) / "history";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "metrics.jsonl") << "{\"step\":1,\"loss\":5.5,\"learning_rate\":0.1}\n{"
                                             "\"step\":2,\"loss\":null}\n{\"step\":3,";
  const auto history = read_history(folder);
  ASSERT_EQ(history.training.size(), 1u);
  EXPECT_EQ(history.training[0].y, 5.5);
  EXPECT_TRUE(history.validation.empty());
  // Nobody has to believe what stands there.
  std::ofstream(folder / "metrics.jsonl")
      << "{\"step\":1,\"loss\":1}\n{\"step\":2,\"loss\":1e308}\n"
         "{\"step\":-3,\"loss\":1}\n{\"step\":1e30,\"loss\":1}\n"
         "{\"step\":5,\"loss\":1}\n{\"step\":3,\"loss\":2}\n";
  const auto odd = read_history(folder).training;
  ASSERT_EQ(odd.size(), 2u);  // the second session began at step 3 again
  EXPECT_EQ(odd[1].x, 3);
  EXPECT_EQ(odd[1].y, 2);
  std::filesystem::remove_all(folder);
  EXPECT_THROW(read_history(folder), CommandError);
}

}  // namespace
}  // namespace nodezero::apps
