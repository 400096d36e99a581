// SPDX-License-Identifier: BSD-3-Clause
#include "support/failing_model.hpp"

#include <limits>
#include <map>
#include <mutex>
#include <stdexcept>
#include <utility>

namespace nodezero::actors::testing {
namespace {

using Choose = std::function<Failure(const Attempt&)>;

/// Of all lanes of a run.
struct Shared {
  std::mutex mutex;
  std::map<std::pair<std::uint64_t, std::uint32_t>, std::uint32_t> failures;
};

class FailingOnLane : public model::LaneModel {
 public:
  FailingOnLane(std::unique_ptr<model::LaneModel> sound, std::shared_ptr<Shared> shared,
                Choose choose)
      : sound_(std::move(sound)), shared_(std::move(shared)), choose_(std::move(choose)) {}

  model::LossSum loss_and_gradient(const model::Parameters& weights, const model::MicroBatch& batch,
                                   const model::DropoutKey& key,
                                   model::Gradient& gradient) override {
    const Failure failure = next(key);
    if (failure == Failure::throws) {
      throw std::runtime_error("an injected fault");
    }
    auto loss = sound_->loss_and_gradient(weights, batch, key, gradient);
    if (failure == Failure::not_finite) {
      loss.negative_log_likelihood = std::numeric_limits<double>::quiet_NaN();
    }
    return loss;
  }
  model::LossSum loss(const model::Parameters& weights, const model::MicroBatch& batch) override {
    return sound_->loss(weights, batch);
  }
  std::chrono::steady_clock::time_point forward_end() const override {
    return sound_->forward_end();
  }
  std::unique_ptr<model::Continuation> continuation(
      std::span<const std::int32_t> prompt, const model::ContinuationOptions& options) override {
    return sound_->continuation(prompt, options);
  }
  void advance(const std::shared_ptr<const model::Parameters>& weights,
               std::span<model::Continuation* const> continuations, std::int64_t tokens) override {
    sound_->advance(weights, continuations, tokens);
  }
  AnyValue predict(const model::Parameters& weights, const AnyValue& input) override {
    return sound_->predict(weights, input);
  }

 private:
  Failure next(const model::DropoutKey& key) {
    const std::lock_guard lock(shared_->mutex);
    const auto position = static_cast<std::uint32_t>(key.position);
    auto& failures = shared_->failures[{key.step, position}];
    const Failure failure = choose_({key.step, position, failures});
    failures += failure != Failure::none;
    return failure;
  }

  std::unique_ptr<model::LaneModel> sound_;
  std::shared_ptr<Shared> shared_;
  Choose choose_;
};

class FailingModel : public model::TrainedModel {
 public:
  FailingModel(const model::TrainingConfig& config, std::function<Choose()> make_choose)
      : sound_(model::gpt2_model(config)), make_choose_(std::move(make_choose)) {}

  std::shared_ptr<const model::TensorLayout> layout() const override { return sound_->layout(); }
  void initialize(std::uint64_t seed, model::Parameters& weights) const override {
    sound_->initialize(seed, weights);
  }
  std::unique_ptr<model::LaneModel> on_lane() const override {
    return std::make_unique<FailingOnLane>(sound_->on_lane(), shared_, make_choose_());
  }

 private:
  std::shared_ptr<const model::TrainedModel> sound_;
  std::function<Choose()> make_choose_;
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

}  // namespace

std::shared_ptr<const model::TrainedModel> failing_model(const model::TrainingConfig& config,
                                                         Choose choose) {
  return failing_model_by_lane(config, [choose = std::move(choose)] { return choose; });
}

std::shared_ptr<const model::TrainedModel> failing_model_by_lane(
    const model::TrainingConfig& config, std::function<Choose()> make_choose) {
  return std::make_shared<const FailingModel>(config, std::move(make_choose));
}

}  // namespace nodezero::actors::testing
