// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>

#include "actors/serving/served_model.hpp"
#include "model/kernels/precision.hpp"
#include "model/tensors/tensor_set.hpp"
#include "nodezero/error.hpp"

namespace nodezero::actors {

/// What a model that does not train is served with.
struct ModelServerSettings {
  ServedModel model;
  std::shared_ptr<const model::Parameters> weights;
  model::Precision precision = model::Precision::fp32;
  std::uint32_t lanes = 1;
  std::chrono::milliseconds answer_time = std::chrono::minutes(10);
  ServingOptions options = {};
};

/// A model that is served as plain calls: owns the actor system with its lanes, its gate and its
/// door.
class ModelServer {
 public:
  /// Listens, and says that the model is being loaded until there is one. Fails with one line if
  /// the threads or the socket cannot be had.
  static Result<std::unique_ptr<ModelServer>> open(const ServingOptions& options,
                                                   std::uint32_t lanes);
  /// Once: answers from this model. The lanes and options must be those that it was opened with.
  void serve(const ModelServerSettings& settings);
  ~ModelServer();
  ModelServer(const ModelServer&) = delete;
  ModelServer& operator=(const ModelServer&) = delete;

  std::uint16_t port() const;

  /// Takes no new requests; those that run are answered, or end as they are when their time is up.
  /// From any thread.
  void drain();
  /// Returns once all connections have ended after drain().
  void wait();

 private:
  struct State;
  explicit ModelServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace nodezero::actors
