// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/plot/run_history.hpp"

#include <cmath>
#include <functional>
#include <sstream>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/nodezero/common.hpp"
#include "formats/bounded_json.hpp"
#include "model/files/atomic_file.hpp"

namespace nodezero::apps {

namespace {

/// Calls function(object) for each whole line; a run may be about to write the last.
void for_each_object(const std::filesystem::path& path,
                     const std::function<void(const nlohmann::json&)>& function) {
  const auto text = model::read_file(path);
  if (!text && text.error().code == ErrorCode::not_found) {
    return;
  }
  std::istringstream lines(unwrap(text));
  for (std::string line; std::getline(lines, line) && !lines.eof();) {
    const auto object = formats::read_json(line).value_or(nlohmann::json());
    if (object.is_object()) {
      function(object);
    }
  }
}

/// Beyond these a picture could not tell values apart, and their differences might be infinite.
constexpr double most_steps = 1e15, largest_value = 1e100;

/// A session that went back to an earlier step replaces what was there.
void add_point(const nlohmann::json& object, const char* key, std::vector<Point>& points) {
  const auto step = object.find("step");
  const auto value = object.find(key);
  if (step == object.end() || !step->is_number_unsigned() || value == object.end() ||
      !value->is_number()) {
    return;
  }
  const Point point{step->get<double>(), value->get<double>()};
  if (point.x <= most_steps && std::abs(point.y) <= largest_value) {
    while (!points.empty() && points.back().x >= point.x) {
      points.pop_back();
    }
    points.push_back(point);
  }
}

}  // namespace

RunHistory read_history(const std::filesystem::path& folder) {
  RunHistory history;
  for_each_object(folder / "metrics.jsonl", [&](const nlohmann::json& object) {
    add_point(object, "loss", history.training);
    add_point(object, "learning_rate", history.learning_rate);
  });
  for_each_object(folder / "evaluations.jsonl", [&](const nlohmann::json& object) {
    add_point(object, "loss", history.validation);
  });
  if (history.training.empty()) {
    throw CommandError(exit_bad_input,
                       fmt::format("'{}' has no steps in a metrics.jsonl; name the folder of a run",
                                   folder.string()));
  }
  return history;
}

}  // namespace nodezero::apps
