// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/train/run_origin.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "apps/nodezero/common.hpp"
#include "apps/nodezero/options/option_values.hpp"
#include "apps/nodezero/train/data_set.hpp"
#include "formats/bounded_json.hpp"

namespace nodezero::apps {

namespace {

/// Paths are compared by what is found there, and a preset by what it means.
constexpr std::array<std::string_view, 3> not_compared{"preset", "data", "init"};

bool is_compared(const Option& option, const TrainOptions& options) {
  const std::string_view name = option.spec.name;
  return option.spec.on_resume == OnResume::fixed && std::ranges::count(not_compared, name) == 0 &&
         (name != "validation" || validation_fraction(options.validation));
}

}  // namespace

RunOrigin origin_of(const TrainOptions& options, nlohmann::json data, std::uint64_t steps) {
  RunOrigin origin{.options = nlohmann::json::object(),
                   .data = std::move(data),
                   .lengths = {{.from_step = 0, .steps = steps}}};
  const auto all = to_json(options);
  for (const Option& option : option_table()) {
    if (is_compared(option, options)) {
      origin.options[option.spec.name] = all[option.spec.name];
    }
  }
  return origin;
}

std::string to_text(const RunOrigin& origin) {
  auto lengths = nlohmann::json::array();
  for (const auto& [from_step, steps] : origin.lengths) {
    lengths.push_back({{"from_step", from_step}, {"steps", steps}});
  }
  const nlohmann::ordered_json json = {{"arithmetic", origin.arithmetic},
                                       {"options", origin.options},
                                       {"data", origin.data},
                                       {"lengths", lengths}};
  return json.dump(2) + "\n";
}

RunOrigin origin_from_text(std::string_view text) {
  try {
    const auto json = unwrap(formats::read_json(text));
    RunOrigin origin{.arithmetic = json.value("arithmetic", 1),
                     .options = json.at("options"),
                     .data = json.at("data"),
                     .lengths = {}};
    for (const auto& length : json.at("lengths")) {
      origin.lengths.push_back({length.at("from_step"), length.at("steps")});
    }
    if (!origin.options.is_object() || origin.lengths.empty()) {
      throw CommandError(exit_bad_input, "its origin.json lacks options or lengths");
    }
    return origin;
  } catch (const nlohmann::json::exception&) {
    throw CommandError(exit_bad_input, "its origin.json lacks a value, or has one of another type");
  }
}

std::optional<std::string> origin_difference(const RunOrigin& checkpoint,
                                             const RunOrigin& recorded) {
  for (const auto& [name, value] : checkpoint.options.items()) {
    const auto found = recorded.options.find(name);
    if (found != recorded.options.end() && *found != value) {
      return fmt::format("run.json has --{} {}, but its checkpoint was computed with {}", name,
                         found->dump(), value.dump());
    }
  }
  if (const auto difference = data_difference(checkpoint.data, recorded.data)) {
    return fmt::format("run.json describes other data than its checkpoint: {}", *difference);
  }
  return std::nullopt;
}

}  // namespace nodezero::apps
