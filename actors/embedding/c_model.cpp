// SPDX-License-Identifier: BSD-3-Clause
#include "actors/embedding/c_model.hpp"

#include <stdexcept>
#include <string>
#include <utility>

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
      : model_(model), tensors_(std::move(tensors)) {}

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
};

}  // namespace

Bytes copy_bytes(const void* data, std::size_t size) {
  const auto* bytes = static_cast<const std::byte*>(data);
  return size > 0 ? Bytes(bytes, bytes + size) : Bytes();
}

Result<std::shared_ptr<const AnyTrainable>> make_c_model(const nodezero_model& model) {
  const auto refuse = [](const char* what) {
    return fail(ErrorCode::invalid_argument, std::string(what) + " is NULL");
  };
  if (!model.loss_and_gradient) {
    return refuse("loss_and_gradient");
  }
  if (!model.tensors) {
    return refuse("tensors");
  }
  std::vector<TensorSpec> tensors;
  for (std::size_t i = 0; i < model.tensor_count; ++i) {
    const nodezero_tensor& tensor = model.tensors[i];
    if (!tensor.name || (!tensor.shape && tensor.dimensions > 0)) {
      return refuse("a tensor's name or shape");
    }
    tensors.push_back({tensor.name, {tensor.shape, tensor.shape + tensor.dimensions}});
  }
  return make_trainable(CModel(model, std::move(tensors)));
}

}  // namespace nodezero
