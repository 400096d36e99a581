// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "model/training/training_config.hpp"

namespace nodezero::model {

/// A node of a step's position tree: what a sum of gradients is over.
struct SumNode {
  std::uint64_t step = 0;
  std::uint32_t first = 0;
  std::uint32_t last = 0;  ///< positions [first, last)
};

/// Adds gradients as a run does. With ExchangePrecision::bf16 a sum over `exchange_from` positions
/// and more is rounded to bf16, up or down at random, with the probabilities that make its expected
/// value exact (Gupta and others: "Deep learning with limited numerical precision", ICML 2015). The
/// random bits belong to seed, step, node and element, so it does not matter who adds.
class GradientSums {
 public:
  GradientSums() = default;
  explicit GradientSums(const TrainingConfig& config);

  /// Adds elements [first, first + sum.size()) of the right one of a node's two parts to those of
  /// the left one. `first` must be a multiple of 128.
  void add(const SumNode& node, std::size_t first, std::span<float> sum,
           std::span<const float> addend) const;

 private:
  std::uint64_t seed_ = 0;
  std::uint32_t rounds_from_ = 0;  ///< positions; 0: nothing is rounded
};

}  // namespace nodezero::model
