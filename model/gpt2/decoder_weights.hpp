// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "model/gpt2/gpt2_layout.hpp"
#include "model/kernels/bf16.hpp"
#include "model/kernels/matrix_product.hpp"
#include "model/kernels/precision.hpp"
#include "model/tensors/aligned_buffer.hpp"
#include "model/tensors/tensor_set.hpp"

namespace nodezero::model {

/// The factors of a GPT-2's products, each as pack() leaves it.
class PackedWeights {
 public:
  PackedWeights(const ModelConfig& config, const Parameters& weights);
  static std::size_t bytes(const ModelConfig& config);

  /// Of the blocks' matrices, and of the output's as its transpose.
  const PackedFactor& operator()(const MatrixPlace& at) const { return factors_.at(at.offset); }

 private:
  AlignedBuffer values_;
  std::map<std::size_t, PackedFactor> factors_;
};

/// Weights as generation reads them: for a precision with factors in bf16 also rounded, which
/// halves the bytes that a step reads. Threads may share them.
class DecoderWeights {
 public:
  DecoderWeights(std::shared_ptr<const Parameters> weights, Precision precision);

  const std::shared_ptr<const Parameters> values;
  std::vector<Bf16> halves;  ///< the same rounded, or none
  const Precision precision;

  /// What generation in several texts at once keeps of a version beside its weights.
  static std::size_t bytes(const ModelConfig& config, Precision precision);

  /// Packs the factors, unless that has been done: it takes their memory once more, and saves every
  /// product of several rows the time. In fp32 alone.
  void pack(const ModelConfig& config);
  /// Null until then.
  const PackedWeights* packed() const { return packed_.load(std::memory_order_acquire); }

 private:
  std::once_flag packing_;
  std::optional<PackedWeights> packed_weights_;
  std::atomic<const PackedWeights*> packed_ = nullptr;
};

}  // namespace nodezero::model
