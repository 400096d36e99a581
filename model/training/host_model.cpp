// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <exception>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "model/tensors/fnv.hpp"
#include "model/tensors/shape.hpp"
#include "model/text/utf8_text.hpp"
#include "model/training/language_model_config.hpp"
#include "model/training/text_generation.hpp"
#include "model/training/trained_model.hpp"

namespace nodezero {

AnyTrainable::~AnyTrainable() = default;

bool AnyTrainable::is_portable() const {
  return false;
}

std::string AnyTrainable::identity() const {
  return "a model";
}

std::vector<std::byte> AnyTrainable::encode_batch(const void*) const {
  throw std::logic_error("the model does not encode its batches");
}

AnyValue AnyTrainable::decode_batch(std::span<const std::byte>) const {
  throw std::logic_error("the model does not decode batches");
}

const LanguageModel* AnyTrainable::language_model() const {
  return nullptr;
}

}  // namespace nodezero

namespace nodezero::model {
namespace {

using Places = std::vector<TensorPlace>;

/// The counts of a step's micro-batches are added up, and those of an epoch's steps.
constexpr std::int64_t most_counted = std::int64_t{1} << 40;

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
    throw std::runtime_error("the model threw something that is not a std::exception");
  }
}

class HostModelOnLane : public LaneModel {
 public:
  HostModelOnLane(std::shared_ptr<const AnyTrainable> model, const Places& places,
                  const std::shared_ptr<GenerationMemory>& memory)
      : model_(std::move(model)), places_(places), workspace_(model_->make_workspace()) {
    if (const auto* language = model_->language_model()) {
      text_.emplace(config_of(language->sizes()), memory);
    }
  }

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
    if (loss.count < 1 || loss.count > most_counted) {
      throw std::runtime_error(fmt::format(
          "the model's loss is over {} examples; it must be 1 to {}", loss.count, most_counted));
    }
    return {loss.sum, loss.count};
  }
  LossSum loss(const Parameters&, const MicroBatch&) override {
    throw std::invalid_argument("a host's model is not evaluated on validation batches");
  }
  std::chrono::steady_clock::time_point forward_end() const override { return forward_end_; }
  std::unique_ptr<Continuation> continuation(std::span<const std::int32_t> prompt,
                                             const ContinuationOptions& options) override {
    if (!text_) {
      throw std::invalid_argument("only language models continue prompts");
    }
    return text_->continuation(prompt, options);
  }
  void advance(const std::shared_ptr<const Parameters>& weights,
               std::span<Continuation* const> continuations, std::int64_t tokens) override {
    if (text_) {  // else none of them could begin
      text_->advance(weights, continuations, tokens);
    }
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
  std::optional<TextGeneration> text_;  ///< of a language model
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
    return std::make_unique<HostModelOnLane>(model_, places_, memory_);
  }

  /// Names and shapes enter as a hash; there may be very many.
  std::string identity() const override {
    std::uint64_t hash = fnv_start;
    for (const auto& tensor : layout_->tensors()) {
      hash = fnv(hash, tensor.name + describe_shape(tensor.shape));
    }
    return fmt::format("{}, {} parameters, layout {:016x}",
                       in_terms_of_ours([&] { return model_->identity(); }),
                       layout_->parameter_count(), hash);
  }
  std::shared_ptr<const MicroBatch> encoded(
      std::shared_ptr<const MicroBatch> batch) const override {
    auto crossing = std::make_shared<MicroBatch>();
    crossing->host_data = AnyValue::of(EncodedBatch{
        in_terms_of_ours([&] { return model_->encode_batch(batch->host_data.value.get()); })});
    return crossing;
  }
  std::shared_ptr<const MicroBatch> decoded(
      std::shared_ptr<const MicroBatch> batch) const override {
    const auto bytes = batch->host_data.as<EncodedBatch>();
    if (!bytes) {
      throw std::invalid_argument("a batch came that is not of a host's model");
    }
    auto whole = std::make_shared<MicroBatch>();
    whole->host_data = in_terms_of_ours([&] { return model_->decode_batch(bytes->bytes); });
    const auto* content = whole->host_data.value.get();
    if (const auto error = in_terms_of_ours([&] { return model_->check_batch(content); })) {
      throw std::invalid_argument("a batch came that the model refuses: " + error->message);
    }
    return whole;
  }

 private:
  std::shared_ptr<const AnyTrainable> model_;
  std::shared_ptr<const TensorLayout> layout_;
  Places places_;  ///< in the model's order
  std::shared_ptr<GenerationMemory> memory_ = std::make_shared<GenerationMemory>(Precision::fp32);
};

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t bytes = decode_utf8(text).bytes;
    if (bytes == 0) {
      return false;
    }
    text.remove_prefix(bytes);
  }
  return true;
}

/// Why these cannot be the tensors of a model.
std::optional<std::string> first_mistake(std::span<const TensorSpec> tensors) {
  if (tensors.empty()) {
    return "the model has no tensors; a perceptron has some if it has two sizes or more";
  }
  std::set<std::string> names;
  std::size_t values = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const auto& [name, shape] = tensors[i];
    if (!is_utf8(name)) {
      return fmt::format("the name of tensor {} is not UTF-8, so no state could be saved", i);
    }
    if (!names.insert(name).second) {
      return fmt::format("the model has two tensors of the name '{}'", name);
    }
    if (std::ranges::any_of(shape, [](std::int64_t extent) { return extent < 1; })) {
      return fmt::format("tensor '{}' of {} has an extent that is not positive", name,
                         describe_shape(shape));
    }
    const auto count = count_values(shape);
    if (!count || *count > most_values - values) {
      return fmt::format("tensor '{}' of {} is too large for memory; choose smaller sizes", name,
                         describe_shape(shape));
    }
    values += *count;
  }
  return std::nullopt;
}

}  // namespace

nodezero::Result<std::shared_ptr<const TrainedModel>> host_model(
    std::shared_ptr<const AnyTrainable> model) {
  const auto tensors = model->tensors();
  if (auto mistake = first_mistake(tensors)) {
    return fail(ErrorCode::invalid_argument, std::move(*mistake));
  }
  return std::make_shared<const HostModel>(std::move(model), tensors);
}

}  // namespace nodezero::model
