// SPDX-License-Identifier: BSD-3-Clause
#include "nodezero/language_model.hpp"

#include <algorithm>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "model/gpt2/generation.hpp"
#include "model/gpt2/gpt2.hpp"
#include "model/gpt2/gpt2_layout.hpp"
#include "model/gpt2/model_config.hpp"
#include "model/kernels/floating_point_scope.hpp"
#include "model/tensors/shape.hpp"
#include "model/training/batch_bytes.hpp"
#include "model/training/language_model_config.hpp"

namespace nodezero {
namespace {

/// All values of tensors that lie as in their layout, padding included.
template <class Value>
std::span<Value> buffer_of(const TensorViews<Value>& tensors, const model::TensorLayout& layout) {
  return {tensors[0].data(), layout.buffer_size()};
}

bool are_tokens(std::span<const std::int32_t> tokens, std::int32_t least, std::int64_t vocabulary) {
  return std::ranges::all_of(
      tokens, [&](std::int32_t token) { return token >= least && token < vocabulary; });
}

Error not_tokens(std::int64_t vocabulary) {
  return {ErrorCode::wrong_shape,
          "a token lies outside of the vocabulary of " + std::to_string(vocabulary)};
}

}  // namespace

namespace model {

ModelConfig config_of(const LanguageModel::Sizes& sizes) {
  return {.layers = sizes.layers,
          .heads = sizes.heads,
          .width = sizes.width,
          .context = sizes.context,
          .vocabulary = sizes.vocabulary};
}

}  // namespace model

struct LanguageModel::State {
  model::ModelConfig config;
  std::shared_ptr<const model::TensorLayout> layout;
};

struct LanguageModel::Workspace::State {
  model::Workspace workspace;
  model::MicroBatch batch;
};

LanguageModel::Workspace::Workspace() : state(std::make_unique<State>()) {}
LanguageModel::Workspace::~Workspace() = default;

Result<LanguageModel> LanguageModel::create(const Sizes& sizes) {
  const model::FloatingPointScope scope;
  const auto config = model::config_of(sizes);
  if (const auto valid = model::validate(config); !valid) {
    return fail(ErrorCode::invalid_argument, valid.error().message);
  }
  return LanguageModel(std::make_shared<const State>(State{config, model::gpt2_layout(config)}));
}

LanguageModel::LanguageModel(std::shared_ptr<const State> state) : state_(std::move(state)) {}

LanguageModel::Sizes LanguageModel::sizes() const {
  const auto& config = state_->config;
  return {config.layers, config.heads, config.width, config.context, config.vocabulary};
}

std::vector<TensorSpec> LanguageModel::tensors() const {
  // In the layout's order, so that the trainer's buffers are as the model's functions need them.
  std::vector<TensorSpec> specs;
  for (const auto& tensor : state_->layout->tensors()) {
    specs.push_back({tensor.name, tensor.shape});
  }
  return specs;
}

void LanguageModel::initialize(std::uint64_t seed, Tensors parameters) const {
  const model::FloatingPointScope scope;
  model::Parameters weights(state_->layout);
  model::initialize(state_->config, seed, weights);
  std::ranges::copy(weights.values(), buffer_of(parameters, *state_->layout).begin());
}

Loss LanguageModel::loss_and_gradient(ConstTensors parameters, const TokenWindows& batch,
                                      Tensors gradient, Workspace& workspace) const {
  const model::FloatingPointScope scope;
  auto& tokens = workspace.state->batch;
  tokens.sequences = batch.sequences;
  tokens.context = batch.context;
  tokens.inputs = batch.inputs;
  tokens.targets = batch.targets;
  const auto& layout = state_->layout;
  const auto loss =
      model::loss_and_gradient(state_->config, layout, buffer_of(parameters, *layout), tokens, {},
                               buffer_of(gradient, *layout), workspace.state->workspace);
  return {loss.negative_log_likelihood, loss.valid_tokens};
}

std::vector<std::int32_t> LanguageModel::predict(ConstTensors parameters,
                                                 const Prompt& prompt) const {
  const model::FloatingPointScope scope;
  auto weights = std::make_shared<model::Parameters>(state_->layout);
  std::ranges::copy(buffer_of(parameters, *state_->layout), weights->values().begin());
  model::Generator generator(state_->config, std::move(weights), prompt.tokens,
                             {prompt.temperature, prompt.top_k, prompt.top_p, prompt.seed});
  std::vector<std::int32_t> tokens;
  for (std::int64_t i = 0; i < prompt.count; ++i) {
    tokens.push_back(generator.next());
  }
  return tokens;
}

std::optional<Error> LanguageModel::check(const TokenWindows& batch) const {
  const auto& config = state_->config;
  const auto size = model::count_values({batch.sequences, batch.context});
  if (!size || *size == 0 || batch.context > config.context || batch.inputs.size() != *size ||
      batch.targets.size() != *size) {
    return Error{ErrorCode::wrong_shape, "a batch needs at least one window of 1 to " +
                                             std::to_string(config.context) +
                                             " tokens, and as many inputs and targets"};
  }
  // The kernels count tokens in 32 bits.
  if (*size > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    return Error{ErrorCode::wrong_shape, "a batch of " + std::to_string(*size) +
                                             " tokens is too large; divide it into several"};
  }
  if (!are_tokens(batch.inputs, 0, config.vocabulary) ||
      !are_tokens(batch.targets, model::ignored_target, config.vocabulary)) {
    return not_tokens(config.vocabulary);
  }
  if (std::ranges::all_of(batch.targets, [](auto id) { return id == model::ignored_target; })) {
    return Error{ErrorCode::wrong_shape, "a batch needs a target that is to be learned"};
  }
  return std::nullopt;
}

std::optional<Error> LanguageModel::check(const Prompt& prompt) const {
  const model::FloatingPointScope scope;
  constexpr std::int64_t most_tokens = 1'000'000;
  if (prompt.tokens.empty() || prompt.count < 0 || prompt.count > most_tokens) {
    return Error{ErrorCode::wrong_shape,
                 "a prompt needs a token, and a count from 0 to " + std::to_string(most_tokens)};
  }
  if (!are_tokens(prompt.tokens, 0, state_->config.vocabulary)) {
    return not_tokens(state_->config.vocabulary);
  }
  const model::SamplingOptions options{prompt.temperature, prompt.top_k, prompt.top_p, prompt.seed};
  const auto valid = model::validate(options);
  if (!valid) {
    return Error{ErrorCode::invalid_argument, valid.error().message};
  }
  return std::nullopt;
}

std::string LanguageModel::identity() const {
  const auto [layers, heads, width, context, vocabulary] = sizes();
  return fmt::format("LanguageModel of {} layers, {} heads, width {}, context {}, {} tokens",
                     layers, heads, width, context, vocabulary);
}

std::vector<std::byte> LanguageModel::encode(const TokenWindows& batch) const {
  const std::vector<std::int64_t> sizes{batch.sequences, batch.context};
  model::BatchWriter bytes;
  bytes.array(sizes);
  bytes.array(batch.inputs);
  bytes.array(batch.targets);
  return bytes.take();
}

TokenWindows LanguageModel::decode(std::span<const std::byte> bytes) const {
  model::BatchReader batch(bytes);
  const auto sizes = batch.array<std::int64_t>();
  if (sizes.size() != 2) {
    throw std::invalid_argument("a batch that has not two sizes");
  }
  TokenWindows windows{sizes[0], sizes[1], {}, {}};
  windows.inputs = batch.array<std::int32_t>();
  windows.targets = batch.array<std::int32_t>();
  batch.end();
  return windows;
}

}  // namespace nodezero
