// SPDX-License-Identifier: BSD-3-Clause
#include <stdexcept>
#include <utility>

#include "model/gpt2/gpt2_layout.hpp"
#include "model/training/gpt2_of_weights.hpp"
#include "model/training/text_generation.hpp"
#include "model/training/trained_model.hpp"

namespace nodezero::model {
namespace {

class Gpt2OnLane : public LaneModel {
 public:
  Gpt2OnLane(const TrainingConfig& config, std::shared_ptr<GenerationMemory> memory)
      : config_(config.model),
        workspace_(config.precision),
        text_(config.model, std::move(memory)) {}

  LossSum loss_and_gradient(const Parameters& weights, const MicroBatch& batch,
                            const DropoutKey& key, Gradient& gradient) override {
    return model::loss_and_gradient(config_, weights, batch, key, gradient, workspace_);
  }
  LossSum loss(const Parameters& weights, const MicroBatch& batch) override {
    return model::loss(config_, weights, batch, workspace_);
  }
  std::chrono::steady_clock::time_point forward_end() const override {
    return workspace_.forward_end();
  }
  std::unique_ptr<Continuation> continuation(std::span<const std::int32_t> prompt,
                                             const ContinuationOptions& options) override {
    return text_.continuation(prompt, options);
  }
  void advance(const std::shared_ptr<const Parameters>& weights,
               std::span<Continuation* const> continuations, std::int64_t tokens) override {
    text_.advance(weights, continuations, tokens);
  }
  AnyValue predict(const Parameters&, const AnyValue&) override {
    throw std::invalid_argument("a language model answers prompts");
  }

 private:
  ModelConfig config_;
  Workspace workspace_;
  TextGeneration text_;
};

class Gpt2Model : public TrainedModel {
 public:
  Gpt2Model(const TrainingConfig& config, Precision generation)
      : config_(config),
        memory_(std::make_shared<GenerationMemory>(generation)),
        layout_(gpt2_layout(config.model)) {}

  void keep(const std::shared_ptr<const Parameters>& weights) {
    kept_ = memory_->version(weights);
    kept_->pack(config_.model);
  }

  std::shared_ptr<const TensorLayout> layout() const override { return layout_; }
  void initialize(std::uint64_t seed, Parameters& weights) const override {
    model::initialize(config_.model, seed, weights);
  }
  std::unique_ptr<LaneModel> on_lane() const override {
    return std::make_unique<Gpt2OnLane>(config_, memory_);
  }

 private:
  TrainingConfig config_;
  std::shared_ptr<GenerationMemory> memory_;
  std::shared_ptr<const TensorLayout> layout_;
  std::shared_ptr<DecoderWeights> kept_;  ///< null unless the weights stay as they are
};

}  // namespace

std::shared_ptr<const TrainedModel> gpt2_model(const TrainingConfig& config, Precision generation) {
  return std::make_shared<const Gpt2Model>(config, generation);
}

std::shared_ptr<const TrainedModel> gpt2_of_weights(
    const TrainingConfig& config, Precision generation,
    const std::shared_ptr<const Parameters>& weights) {
  auto model = std::make_shared<Gpt2Model>(config, generation);
  model->keep(weights);
  return model;
}

}  // namespace nodezero::model
