// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/train/starting_model.hpp"

#include <fmt/format.h>

#include "apps/nodezero/common.hpp"
#include "apps/nodezero/options/option_values.hpp"
#include "apps/nodezero/train/data_set.hpp"

namespace nodezero::apps {

namespace {

template <class Value>
std::string value_text(const Value& value) {
  if constexpr (std::is_enum_v<Value>) {
    return std::string(value_name(value));
  } else {
    return fmt::format("{}", value);
  }
}

/// Takes over the sizes of the model that the run starts from, and its kind.
void take_sizes(const model::ModelConfig& found, const GivenOptions& given,
                const std::string& folder, model::ModelConfig& config) {
  const auto take = [&](const char* name, const auto& has, auto& value) {
    if (given.has(name) && value != has) {
      throw CommandError(exit_bad_input,
                         fmt::format("--{} is {}, but the model in '{}' has {}: leave --{} out",
                                     name, value_text(value), folder, value_text(has), name));
    }
    value = has;
  };
  take("layers", found.layers, config.layers);
  take("heads", found.heads, config.heads);
  take("width", found.width, config.width);
  take("context", found.context, config.context);
  auto inner = config.inner_width();
  take("inner", found.inner_width(), inner);
  config.inner = found.inner;
  take("activation", found.activation, config.activation);
  take("untied", found.untied, config.untied);
  take("layer-norm-epsilon", found.layer_norm_epsilon, config.layer_norm_epsilon);
  take("unscaled-attention", found.unscaled_attention, config.unscaled_attention);
  take("inverse-layer-scaling", found.inverse_layer_scaling, config.inverse_layer_scaling);
}

/// Refuses a tokenizer that is named beside --init and is not that of the model.
void check_same_tokenizer(const TrainOptions& options, const model::ModelFolder& start) {
  if (!start.tokenizer || start.tokenizer->kind() == model::Tokenizer::Kind::none) {
    return;
  }
  const auto kind = tokenizer_kind(options.tokenizer);
  const bool is_same =
      kind ? *kind == start.tokenizer->kind()
           : read_named_tokenizer(options.tokenizer).to_json() == start.tokenizer->to_json();
  if (!is_same) {
    throw CommandError(
        exit_bad_input,
        fmt::format("--tokenizer is '{}', but the model in '{}' has another tokenizer ({} with {} "
                    "tokens): leave --tokenizer out",
                    options.tokenizer, options.init, value_name(start.tokenizer->kind()),
                    start.tokenizer->vocabulary()));
  }
}

}  // namespace

std::optional<model::ModelFolder> starting_model(const GivenOptions& given, TrainOptions& options) {
  if (options.init.empty()) {
    return std::nullopt;
  }
  auto start = unwrap(model::load_model_folder(options.init));
  take_sizes(start.config, given, options.init, options.training.model);
  if (!given.has("vocabulary")) {
    options.vocabulary = start.config.vocabulary;
  }
  if (given.has("tokenizer")) {
    check_same_tokenizer(options, start);
  }
  return start;
}

}  // namespace nodezero::apps
