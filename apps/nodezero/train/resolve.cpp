// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/train/resolve.hpp"

#include <algorithm>
#include <filesystem>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/nodezero/common.hpp"
#include "apps/nodezero/options/option_values.hpp"
#include "apps/nodezero/options/presets.hpp"
#include "apps/nodezero/train/data_set.hpp"

namespace nodezero::apps {

namespace {

constexpr std::int64_t default_bpe_vocabulary = 4'096;

void make_absolute(std::string& path) {
  if (!path.empty()) {
    path = std::filesystem::absolute(path).lexically_normal().string();
  }
}

void make_paths_absolute(TrainOptions& options) {
  for (auto& path : options.data) {
    make_absolute(path);
  }
  if (!validation_fraction(options.validation)) {
    make_absolute(options.validation);
  }
  if (!tokenizer_kind(options.tokenizer)) {
    make_absolute(options.tokenizer);
  }
  make_absolute(options.init);
  make_absolute(options.trace);
  make_absolute(options.prometheus);
}

/// `base` with the given options in place of its own.
TrainOptions overlay(TrainOptions base, const GivenOptions& given) {
  for (const Option& option : option_table()) {
    if (given.has(option.spec.name)) {
      copy_value(option, given.values, base);
    }
  }
  if (given.has("epochs") && !given.has("steps")) {
    base.training.steps = 0;
  }
  make_paths_absolute(base);
  return base;
}

std::string shown(const nlohmann::json& value) {
  return value.is_string() ? value.get<std::string>()
                           : value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

TrainOptions resolve_new_run(const GivenOptions& given) {
  auto options = overlay(preset_options(given.values.preset), given);
  if (tokenizer_kind(options.tokenizer) == model::Tokenizer::Kind::bpe &&
      !given.has("vocabulary")) {
    options.vocabulary = default_bpe_vocabulary;
  }
  // A small --learning-rate given alone must not rise to the default minimum.
  auto& optimizer = options.training.optimizer;
  if (given.has("learning-rate") && !given.has("min-learning-rate")) {
    optimizer.min_learning_rate = std::min(optimizer.min_learning_rate, optimizer.learning_rate);
  }
  check_options(model::validate(options.training));
  return options;
}

TrainOptions resolve_resumed_run(const TrainOptions& recorded, const GivenOptions& given) {
  auto base = recorded;
  base.trace.clear();  // the next session would overwrite the last one's
  auto wanted = overlay(std::move(base), given);
  const auto before = to_json(recorded);
  const auto after = to_json(wanted);
  for (const auto& [spec, value_in] : option_table()) {
    const std::string_view name = spec.name;
    const bool compared_by_content =
        name == "data" || (name == "validation" && !validation_fraction(recorded.validation) &&
                           !validation_fraction(wanted.validation));
    if (spec.on_resume == OnResume::fixed && !compared_by_content &&
        before[spec.name] != after[spec.name]) {
      throw CommandError(
          exit_bad_input,
          fmt::format("--{} cannot change on resume: the run has '{}', not '{}'; leave --{} out, "
                      "or start a new run with another --out",
                      spec.name, shown(before[spec.name]), shown(after[spec.name]), spec.name));
    }
  }
  check_options(model::validate(wanted.training));
  return wanted;
}

}  // namespace nodezero::apps
