// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/plot/loss_chart.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>

#include <fmt/format.h>

#include "apps/nodezero/plot/axis.hpp"
#include "apps/nodezero/terminal/quantities.hpp"

namespace nodezero::apps {

namespace {

constexpr Colour black{40, 40, 40}, grey{120, 120, 120}, pale{228, 228, 228};
constexpr Colour blue{31, 96, 168}, pale_blue{178, 205, 234}, orange{214, 93, 14},
    green{64, 130, 62};

/// A curve without values that are not finite, which a run that has failed may have.
std::vector<Point> finite(const std::vector<Point>& points) {
  std::vector<Point> kept;
  std::ranges::copy_if(points, std::back_inserter(kept),
                       [](const Point& point) { return std::isfinite(point.y); });
  return kept;
}

/// Points in `columns` ranges of steps of equal size, each the mean of those in its range.
std::vector<Point> averaged(const std::vector<Point>& points, std::size_t columns) {
  std::vector<Point> means;
  if (points.empty()) {
    return means;
  }
  const double first = points.front().x;
  const double range = std::max(1.0, points.back().x - first) * (1 + 1e-9);
  std::size_t column = 0, count = 0;
  for (const Point& point : points) {
    const auto here =
        static_cast<std::size_t>((point.x - first) / range * static_cast<double>(columns));
    if (means.empty() || here != column) {
      means.push_back({0, 0});
      column = here;
      count = 0;
    }
    ++count;
    const double weight = 1 / static_cast<double>(count);
    means.back().x += weight * (point.x - means.back().x);
    means.back().y += weight * (point.y - means.back().y);
  }
  return means;
}

/// A rectangle of a drawing with an axis to the right and one upwards.
struct Panel {
  Axis x, y;
  Drawing& drawing;

  void draw_frame(double rough_ticks, const char* title) {
    for (const double tick : y.ticks(rough_ticks)) {
      line({{x.from, y.at(tick)}, {x.to, y.at(tick)}}, pale, 1);
      label({x.from - 8, y.at(tick) + 4}, fmt::format("{:.6g}", tick), Drawing::Label::Anchor::end,
            grey);
    }
    for (const double tick : x.ticks(8)) {
      line({{x.at(tick), y.from}, {x.at(tick), y.to}}, pale, 1);
    }
    line({{x.from, y.to}, {x.from, y.from}, {x.to, y.from}}, grey, 1);
    label({x.from, y.to - 10}, title, Drawing::Label::Anchor::start, black);
  }

  void draw_steps() {
    for (const double tick : x.ticks(8)) {
      if (tick == std::floor(tick)) {
        label({x.at(tick), y.from + 20}, grouped(static_cast<std::uint64_t>(tick)),
              Drawing::Label::Anchor::middle, grey);
      }
    }
    label({x.to, y.from + 40}, "steps", Drawing::Label::Anchor::end, black);
  }

  void draw_curve(const std::vector<Point>& points, Colour colour, double width) {
    std::vector<Point> places;
    for (const Point& point : points) {
      places.push_back(place(point));
    }
    if (places.size() == 1) {  // no line, but to be seen
      drawing.dots.push_back({places.front(), 3, colour});
    }
    line(std::move(places), colour, width);
  }

  void draw_dots(const std::vector<Point>& points, Colour colour) {
    for (const Point& point : points) {
      drawing.dots.push_back({place(point), 3, colour});
    }
  }

  Point place(const Point& point) const {
    return {x.at(point.x), y.at(std::clamp(point.y, y.least, y.most))};
  }
  void line(std::vector<Point> points, Colour colour, double width) {
    drawing.lines.push_back({std::move(points), colour, width});
  }
  void label(Point at, std::string text, Drawing::Label::Anchor anchor, Colour colour) {
    drawing.labels.push_back({at, std::move(text), anchor, colour});
  }
};

}  // namespace

Drawing draw_losses(const RunHistory& history) {
  constexpr std::size_t fine = 900, coarse = 120;
  const auto training = finite(history.training), validation = finite(history.validation),
             rates = finite(history.learning_rate);
  const auto noisy = averaged(training, fine), smooth = averaged(training, coarse);
  Drawing drawing{.width = 1'080, .height = 700, .lines = {}, .dots = {}, .labels = {}};

  Axis steps = axis_of({&training, &validation}, &Point::x, 0);
  steps.from = 80, steps.to = 1'050;
  Axis losses = axis_of({&noisy, &validation}, &Point::y, 0.03);
  losses.from = 470, losses.to = 50;
  Panel upper{steps, losses, drawing};
  upper.draw_frame(8, "loss");
  upper.draw_curve(noisy, pale_blue, 1);
  upper.draw_curve(smooth, blue, 2);
  upper.draw_curve(validation, orange, 1.5);
  upper.draw_dots(validation, orange);

  Axis rate = axis_of({&rates}, &Point::y, 0.03);
  rate.from = 635, rate.to = 525;
  Panel lower{steps, rate, drawing};
  lower.draw_frame(3, "learning rate");
  lower.draw_curve(averaged(rates, fine), green, 2);
  lower.draw_steps();

  const auto note = [&](const char* what, const std::vector<Point>& points, double y,
                        Colour colour) {
    if (!points.empty()) {
      upper.line({{steps.to - 190, y - 4}, {steps.to - 165, y - 4}}, colour, 2.5);
      upper.label({steps.to - 155, y}, fmt::format("{} {:.4f}", what, points.back().y),
                  Drawing::Label::Anchor::start, black);
    }
  };
  note("training", training, 70, blue);
  note("validation", validation, 92, orange);
  return drawing;
}

std::string losses_as_text(const RunHistory& history) {
  constexpr std::size_t columns = 64, rows = 10;
  const auto training = averaged(finite(history.training), columns);
  const auto validation = averaged(finite(history.validation), columns);
  if (training.size() < 2) {
    return {};
  }
  Axis x = axis_of({&training, &validation}, &Point::x, 0),
       y = axis_of({&training, &validation}, &Point::y, 0);
  x.to = columns - 1, y.from = rows - 1, y.to = 0;
  std::vector<std::string> lines(rows, std::string(columns, ' '));
  const auto mark = [&](const std::vector<Point>& points, char with) {
    for (const Point& point : points) {
      lines[static_cast<std::size_t>(std::lround(y.at(point.y)))]
           [static_cast<std::size_t>(std::lround(x.at(point.x)))] = with;
    }
  };
  mark(training, '.');
  mark(validation, 'o');
  std::string text;
  for (std::size_t row = 0; row < rows; ++row) {
    const auto value = row == 0          ? fmt::format("{:.2f}", y.most)
                       : row == rows - 1 ? fmt::format("{:.2f}", y.least)
                                         : std::string();
    lines[row].erase(lines[row].find_last_not_of(' ') + 1);
    text += fmt::format("{:>8} |{}\n", value, lines[row]);
  }
  text += fmt::format("{:>8} +{}\n", "", std::string(columns, '-'));
  const auto last = grouped(static_cast<std::uint64_t>(x.most));
  text += fmt::format("{:>10}{:<{}}{}\n", "", grouped(static_cast<std::uint64_t>(x.least)),
                      columns - last.size(), last);
  text += fmt::format("{:>10}loss: . training{}\n", "", validation.empty() ? "" : ", o validation");
  return text;
}

}  // namespace nodezero::apps
