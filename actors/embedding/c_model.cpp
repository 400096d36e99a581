// SPDX-License-Identifier: BSD-3-Clause
#include "actors/embedding/c_model.hpp"

#include <span>
#include <stdexcept>
#include <string>
#include <utility>

#include "actors/embedding/c_options.hpp"
#include "model/tensors/shape.hpp"
#include "nodezero/language_model.hpp"
#include "nodezero/multilayer_perceptron.hpp"

namespace nodezero {
namespace {

/// The pointers that C functions take.
template <class Value>
std::vector<Value*> pointers_to(TensorViews<Value> tensors) {
  std::vector<Value*> pointers;
  pointers.reserve(tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    pointers.push_back(tensors[i].data());
  }
  return pointers;
}

class CModel {
 public:
  using Batch = Bytes;
  using Input = CInput;
  using Output = Bytes;
  struct Workspace {};

  CModel(const nodezero_model& model, std::vector<TensorSpec> tensors)
      : model_(model),
        tensors_(std::move(tensors)),
        identity_(model.identity ? model.identity : "a model in C") {}

  std::string identity() const { return identity_; }
  std::vector<std::byte> encode(const Bytes& batch) const { return batch; }
  Bytes decode(std::span<const std::byte> bytes) const { return {bytes.begin(), bytes.end()}; }

  std::vector<TensorSpec> tensors() const { return tensors_; }

  void initialize(std::uint64_t seed, Tensors parameters) const {
    if (model_.initialize) {
      check(model_.initialize(model_.user, seed, pointers_to(parameters).data()), "initialize");
    }
  }

  Loss loss_and_gradient(ConstTensors parameters, const Bytes& batch, Tensors gradient,
                         Workspace&) const {
    Loss loss{0, 0};
    check(model_.loss_and_gradient(model_.user, pointers_to(parameters).data(), batch.data(),
                                   batch.size(), pointers_to(gradient).data(), &loss.sum,
                                   &loss.count),
          "loss_and_gradient");
    return loss;
  }

  Bytes predict(ConstTensors parameters, const CInput& input) const {
    if (!model_.predict) {
      throw std::runtime_error("the model has no predict");
    }
    Bytes output(input.output_size);
    check(model_.predict(model_.user, pointers_to(parameters).data(), input.input.data(),
                         input.input.size(), output.data(), output.size()),
          "predict");
    return output;
  }

 private:
  static void check(int code, const char* function) {
    if (code != 0) {
      throw std::runtime_error(std::string(function) + " returned " + std::to_string(code));
    }
  }

  nodezero_model model_;
  std::vector<TensorSpec> tensors_;
  std::string identity_;
};

}  // namespace

Result<void> check_array(const void* values, std::size_t count, const char* what) {
  if (!model::count_values({static_cast<std::int64_t>(count)})) {
    return fail(ErrorCode::invalid_argument, std::string(what) + " cannot have " +
                                                 std::to_string(count) +
                                                 " elements: memory does not hold as many");
  }
  if (!values && count > 0) {
    return fail(ErrorCode::invalid_argument, std::string(what) + " is NULL");
  }
  return {};
}

Result<std::shared_ptr<const AnyTrainable>> make_c_model(const nodezero_model* given) {
  const auto known = known_part(given, nodezero_model_init);
  if (!known) {
    return tl::unexpected<Error>(known.error());
  }
  const nodezero_model& model = *known;
  if (!model.loss_and_gradient) {
    return fail(ErrorCode::invalid_argument, "loss_and_gradient is NULL");
  }
  if (const auto valid = check_array(model.tensors, model.tensor_count, "tensors"); !valid) {
    return tl::unexpected<Error>(valid.error());
  }
  std::vector<TensorSpec> tensors;
  for (std::size_t i = 0; i < model.tensor_count; ++i) {
    const nodezero_tensor& tensor = model.tensors[i];
    auto shape = copy_of(tensor.shape, tensor.dimensions, "a tensor's shape");
    if (!shape) {
      return tl::unexpected<Error>(std::move(shape.error()));
    }
    if (!tensor.name) {
      return fail(ErrorCode::invalid_argument, "a tensor's name is NULL");
    }
    tensors.push_back({tensor.name, std::move(*shape)});
  }
  return make_trainable(CModel(model, std::move(tensors)));
}

Result<std::shared_ptr<const AnyTrainable>> make_c_perceptron(const std::int64_t* sizes,
                                                              std::size_t count) {
  using Made = Result<std::shared_ptr<const AnyTrainable>>;
  return copy_of(sizes, count, "sizes").and_then([](auto all) -> Made {
    if (all.size() < 2) {
      return fail(ErrorCode::invalid_argument, "a perceptron needs two sizes or more");
    }
    return make_trainable(MultilayerPerceptron(std::move(all)));
  });
}

Result<std::shared_ptr<const AnyTrainable>> make_c_language_model(
    const nodezero_language_model* model) {
  return known_part(model, nodezero_language_model_init)
      .and_then([](const nodezero_language_model& known) {
        return LanguageModel::create(
            {known.layers, known.heads, known.width, known.context, known.vocabulary});
      })
      .map([](LanguageModel made) { return make_trainable(std::move(made)); });
}

}  // namespace nodezero
