// SPDX-License-Identifier: BSD-3-Clause
#include "actors/embedding/host_calls.hpp"

namespace nodezero::actors {
namespace {

thread_local const HostCalls::Scope* innermost_scope = nullptr;

class KnownModel : public AnyTrainable {
 public:
  KnownModel(std::shared_ptr<const HostCalls> calls, std::shared_ptr<const AnyTrainable> model)
      : calls_(std::move(calls)), model_(std::move(model)) {}

  const std::type_info& batch_type() const override { return model_->batch_type(); }
  const std::type_info& input_type() const override { return model_->input_type(); }
  const std::type_info& output_type() const override { return model_->output_type(); }
  std::vector<TensorSpec> tensors() const override {
    const HostCalls::Scope scope(*calls_);
    return model_->tensors();
  }
  void initialize(std::uint64_t seed, Tensors parameters) const override {
    const HostCalls::Scope scope(*calls_);
    model_->initialize(seed, parameters);
  }
  std::shared_ptr<void> make_workspace() const override {
    const HostCalls::Scope scope(*calls_);
    return model_->make_workspace();
  }
  Loss loss_and_gradient(ConstTensors parameters, const void* batch, Tensors gradient,
                         void* workspace) const override {
    const HostCalls::Scope scope(*calls_);
    return model_->loss_and_gradient(parameters, batch, gradient, workspace);
  }
  AnyValue predict(ConstTensors parameters, const void* input) const override {
    const HostCalls::Scope scope(*calls_);
    return model_->predict(parameters, input);
  }
  std::optional<Error> check_batch(const void* batch) const override {
    const HostCalls::Scope scope(*calls_);
    return model_->check_batch(batch);
  }
  std::optional<Error> check_input(const void* input) const override {
    const HostCalls::Scope scope(*calls_);
    return model_->check_input(input);
  }
  bool is_portable() const override { return model_->is_portable(); }
  std::string identity() const override {
    const HostCalls::Scope scope(*calls_);
    return model_->identity();
  }
  std::vector<std::byte> encode_batch(const void* batch) const override {
    const HostCalls::Scope scope(*calls_);
    return model_->encode_batch(batch);
  }
  AnyValue decode_batch(std::span<const std::byte> bytes) const override {
    const HostCalls::Scope scope(*calls_);
    return model_->decode_batch(bytes);
  }
  const LanguageModel* language_model() const override { return model_->language_model(); }

 private:
  std::shared_ptr<const HostCalls> calls_;
  std::shared_ptr<const AnyTrainable> model_;
};

}  // namespace

HostCalls::Scope::Scope(const HostCalls& calls) : calls_(calls), outer_(innermost_scope) {
  innermost_scope = this;
}

HostCalls::Scope::~Scope() {
  innermost_scope = outer_;
}

bool HostCalls::is_inside() const {
  const Scope* scope = innermost_scope;
  while (scope && &scope->calls_ != this) {
    scope = scope->outer_;
  }
  return scope != nullptr;
}

std::shared_ptr<const AnyTrainable> known_to(std::shared_ptr<const HostCalls> calls,
                                             std::shared_ptr<const AnyTrainable> model) {
  return model ? std::make_shared<const KnownModel>(std::move(calls), std::move(model)) : nullptr;
}

TrainerOptions known_to(const std::shared_ptr<const HostCalls>& calls, TrainerOptions options) {
  options.batches = known_to(calls, std::move(options.batches));
  options.execute = known_to(calls, std::move(options.execute));
  options.on_step = known_to(calls, std::move(options.on_step));
  options.on_notice = known_to(calls, std::move(options.on_notice));
  return options;
}

}  // namespace nodezero::actors
