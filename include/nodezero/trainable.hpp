// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

#include "nodezero/error.hpp"
#include "nodezero/export.h"
#include "nodezero/tensors.hpp"

namespace nodezero {

class LanguageModel;

/// A loss before the division that makes it a mean. A step adds up the losses of its micro-batches
/// and then divides the sum and the gradient once, by the count.
struct Loss {
  double sum = 0;
  std::int64_t count = 1;  ///< of examples, values or whatever the mean is over; 1 to 2^40
};

/// A model that can be trained: it names its tensors and computes their gradient. All functions
/// are const and are called from several threads at a time, each with a workspace of its own. They
/// must depend on nothing but their arguments; then the bits of a training run depend on nothing
/// else either. A function that throws fails its micro-batch.
///
/// - `tensors()`: names and shapes, the same on every call.
/// - `initialize(seed, parameters)`: writes the initial weights. They are zero beforehand.
/// - `loss_and_gradient(parameters, batch, gradient, workspace)`: overwrites `gradient` with the
///   derivative of the loss's sum, and returns the loss.
/// - `predict(parameters, input)`: the model's answer, of any type.
///
/// Optionally `check(batch)` and `check(input)` return a `std::optional<Error>`, the reason why
/// the model rejects the argument. They are called before anything is computed.
///
/// For runs on several machines (hosts.hpp) a model also has
///
/// - `encode(batch)`: the batch as std::vector<std::byte>;
/// - `decode(bytes)`: the batch that std::span<const std::byte> stands for. It throws if `encode`
///   cannot have made the bytes;
/// - optionally `identity()`: a std::string, what it is and in which version. Machines whose models
///   differ in it, or in their tensors, do not train together. Without it: the name of its type.
///
/// docs/embedding.md has a complete model in twenty lines.
template <class Model>
concept Trainable = std::default_initializable<typename Model::Workspace> &&
    requires(const Model& model, std::uint64_t seed, ConstTensors parameters, Tensors gradient,
             const typename Model::Batch& batch, const typename Model::Input& input,
             typename Model::Workspace& workspace) {
  { model.tensors() } -> std::convertible_to<std::vector<TensorSpec>>;
  model.initialize(seed, gradient);
  { model.loss_and_gradient(parameters, batch, gradient, workspace) } -> std::convertible_to<Loss>;
  { model.predict(parameters, input) } -> std::same_as<typename Model::Output>;
};

/// A Trainable whose batches can cross to another machine.
template <class Model>
concept Portable = Trainable<Model> &&
    requires(const Model& model, const typename Model::Batch& batch,
             std::span<const std::byte> bytes) {
  { model.encode(batch) } -> std::same_as<std::vector<std::byte>>;
  { model.decode(bytes) } -> std::same_as<typename Model::Batch>;
};

/// An immutable value of any type. Copies share it.
struct AnyValue {
  std::shared_ptr<const void> value;
  const std::type_info* type = nullptr;

  template <class T>
  static AnyValue of(T value) {
    return {std::make_shared<const T>(std::move(value)), &typeid(T)};
  }
  bool holds(const std::type_info& wanted) const { return value && type && *type == wanted; }
  /// The value itself, not a copy; null if it is of another type.
  template <class T>
  std::shared_ptr<const T> as() const {
    return holds(typeid(T)) ? std::static_pointer_cast<const T>(value) : nullptr;
  }
};

/// A Trainable whose type is erased. `batch`, `input` and `workspace` must point to values of the
/// types that the model names; the caller has checked that.
class NODEZERO_EXPORT AnyTrainable {
 public:
  virtual ~AnyTrainable();
  virtual const std::type_info& batch_type() const = 0;
  virtual const std::type_info& input_type() const = 0;
  virtual const std::type_info& output_type() const = 0;
  virtual std::vector<TensorSpec> tensors() const = 0;
  virtual void initialize(std::uint64_t seed, Tensors parameters) const = 0;
  virtual std::shared_ptr<void> make_workspace() const = 0;
  virtual Loss loss_and_gradient(ConstTensors parameters, const void* batch, Tensors gradient,
                                 void* workspace) const = 0;
  virtual AnyValue predict(ConstTensors parameters, const void* input) const = 0;
  [[nodiscard]] virtual std::optional<Error> check_batch(const void* batch) const = 0;
  [[nodiscard]] virtual std::optional<Error> check_input(const void* input) const = 0;
  /// Whether batches can be encoded and decoded.
  virtual bool is_portable() const;
  virtual std::string identity() const;
  virtual std::vector<std::byte> encode_batch(const void* batch) const;
  virtual AnyValue decode_batch(std::span<const std::byte> bytes) const;
  /// The model itself, if it is one whose text can be generated token by token; or null.
  virtual const LanguageModel* language_model() const;
};

namespace detail {

template <Trainable Model>
class TrainableModel final : public AnyTrainable {
 public:
  using Batch = typename Model::Batch;
  using Input = typename Model::Input;
  using Workspace = typename Model::Workspace;

  explicit TrainableModel(Model model) : model_(std::move(model)) {}

  const std::type_info& batch_type() const override { return typeid(Batch); }
  const std::type_info& input_type() const override { return typeid(Input); }
  const std::type_info& output_type() const override { return typeid(typename Model::Output); }
  std::vector<TensorSpec> tensors() const override { return model_.tensors(); }
  void initialize(std::uint64_t seed, Tensors parameters) const override {
    model_.initialize(seed, parameters);
  }
  std::shared_ptr<void> make_workspace() const override { return std::make_shared<Workspace>(); }
  Loss loss_and_gradient(ConstTensors parameters, const void* batch, Tensors gradient,
                         void* workspace) const override {
    return model_.loss_and_gradient(parameters, *static_cast<const Batch*>(batch), gradient,
                                    *static_cast<Workspace*>(workspace));
  }
  AnyValue predict(ConstTensors parameters, const void* input) const override {
    return AnyValue::of(model_.predict(parameters, *static_cast<const Input*>(input)));
  }
  std::optional<Error> check_batch(const void* batch) const override {
    return check(*static_cast<const Batch*>(batch));
  }
  std::optional<Error> check_input(const void* input) const override {
    return check(*static_cast<const Input*>(input));
  }
  bool is_portable() const override { return Portable<Model>; }
  std::string identity() const override {
    if constexpr (requires { model_.identity(); }) {
      return model_.identity();
    } else {
      return typeid(Model).name();
    }
  }
  std::vector<std::byte> encode_batch(const void* batch) const override {
    if constexpr (Portable<Model>) {
      return model_.encode(*static_cast<const Batch*>(batch));
    } else {
      return AnyTrainable::encode_batch(batch);
    }
  }
  AnyValue decode_batch(std::span<const std::byte> bytes) const override {
    if constexpr (Portable<Model>) {
      return AnyValue::of(model_.decode(bytes));
    } else {
      return AnyTrainable::decode_batch(bytes);
    }
  }
  const LanguageModel* language_model() const override {
    if constexpr (std::same_as<Model, LanguageModel>) {
      return &model_;
    } else {
      return nullptr;
    }
  }

 private:
  template <class Value>
  std::optional<Error> check(const Value& value) const {
    if constexpr (requires { model_.check(value); }) {
      return model_.check(value);
    } else {
      return std::nullopt;
    }
  }

  Model model_;
};

}  // namespace detail

/// Wraps a model so that its type is erased.
template <Trainable Model>
std::shared_ptr<const AnyTrainable> make_trainable(Model model) {
  return std::make_shared<const detail::TrainableModel<Model>>(std::move(model));
}

}  // namespace nodezero
