// SPDX-License-Identifier: BSD-3-Clause
#include <exception>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "model/training/trained_model.hpp"

namespace nodezero {

AnyTrainable::~AnyTrainable() = default;

}  // namespace nodezero

namespace nodezero::model {
namespace {

using Places = std::vector<TensorPlace>;

ConstTensors view(const Parameters& set, const Places& places) {
  return {set.values().data(), places};
}
Tensors view(TensorSet& set, const Places& places) {
  return {set.values().data(), places};
}

/// A host's code may throw anything.
template <class Function>
auto in_terms_of_ours(Function function) {
  try {
    return function();
  } catch (const std::exception& error) {
    throw std::runtime_error(std::string("the model threw: ") + error.what());
  } catch (...) {
    throw std::runtime_error("the model threw something that is no std::exception");
  }
}

class HostModelOnLane : public LaneModel {
 public:
  HostModelOnLane(std::shared_ptr<const AnyTrainable> model, const Places& places)
      : model_(std::move(model)), places_(places), workspace_(model_->make_workspace()) {}

  LossSum loss_and_gradient(const Parameters& weights, const MicroBatch& batch, const DropoutKey&,
                            Gradient& gradient) override {
    if (!batch.host_data.holds(model_->batch_type())) {
      throw std::invalid_argument("the batch is of a type that the model does not take");
    }
    const Loss loss = in_terms_of_ours([&] {
      return model_->loss_and_gradient(view(weights, places_), batch.host_data.value.get(),
                                       view(gradient, places_), workspace_.get());
    });
    forward_end_ = std::chrono::steady_clock::now();
    if (loss.count < 1) {
      throw std::runtime_error("the model's loss is over no examples");
    }
    return {loss.sum, loss.count};
  }
  LossSum loss(const Parameters&, const MicroBatch&) override {
    throw std::invalid_argument("a host's model is not evaluated on validation batches");
  }
  std::chrono::steady_clock::time_point forward_end() const override { return forward_end_; }
  std::unique_ptr<Generator> generator(std::shared_ptr<const Parameters>,
                                       std::span<const std::int32_t>,
                                       const SamplingOptions&) override {
    throw std::invalid_argument("a host's model continues no prompts");
  }
  AnyValue predict(const Parameters& weights, const AnyValue& input) override {
    if (!input.holds(model_->input_type())) {
      throw std::invalid_argument("the input is of a type that the model does not take");
    }
    return in_terms_of_ours(
        [&] { return model_->predict(view(weights, places_), input.value.get()); });
  }

 private:
  std::shared_ptr<const AnyTrainable> model_;
  const Places& places_;  ///< of the HostModel, which the run holds
  std::shared_ptr<void> workspace_;
  std::chrono::steady_clock::time_point forward_end_;
};

class HostModel : public TrainedModel {
 public:
  HostModel(std::shared_ptr<const AnyTrainable> model, const std::vector<TensorSpec>& tensors)
      : model_(std::move(model)) {
    std::vector<TensorInfo> infos;
    for (const auto& tensor : tensors) {
      TensorInfo info;
      info.name = tensor.name;
      info.shape = tensor.shape;
      infos.push_back(std::move(info));
    }
    layout_ = std::make_shared<const TensorLayout>(std::move(infos));
    for (const auto& tensor : tensors) {
      const TensorInfo& info = *layout_->find(tensor.name);
      places_.push_back({info.offset, info.size});
    }
  }

  std::shared_ptr<const TensorLayout> layout() const override { return layout_; }
  void initialize(std::uint64_t seed, Parameters& weights) const override {
    in_terms_of_ours([&] { model_->initialize(seed, view(weights, places_)); });
  }
  std::unique_ptr<LaneModel> on_lane() const override {
    return std::make_unique<HostModelOnLane>(model_, places_);
  }

 private:
  std::shared_ptr<const AnyTrainable> model_;
  std::shared_ptr<const TensorLayout> layout_;
  Places places_;  ///< in the model's order
};

}  // namespace

nodezero::Result<std::shared_ptr<const TrainedModel>> host_model(
    std::shared_ptr<const AnyTrainable> model) {
  const auto refuse = [](std::string message) {
    return fail(ErrorCode::invalid_argument, std::move(message));
  };
  const auto tensors = model->tensors();
  std::set<std::string> names;
  for (const auto& tensor : tensors) {
    if (!names.insert(tensor.name).second) {
      return refuse("the model has two tensors of the name '" + tensor.name + "'");
    }
    for (const std::int64_t extent : tensor.shape) {
      if (extent < 1) {
        return refuse("tensor '" + tensor.name + "' has an extent that is not positive");
      }
    }
  }
  if (names.empty()) {
    return refuse("the model has no tensors; a perceptron has some if it has two sizes or more");
  }
  return std::make_shared<const HostModel>(std::move(model), tensors);
}

}  // namespace nodezero::model
