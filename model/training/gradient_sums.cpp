// SPDX-License-Identifier: BSD-3-Clause
#include "model/training/gradient_sums.hpp"

#include <bit>

#include "model/kernels/kernels.hpp"
#include "model/kernels/random.hpp"
#include "model/training/adamw.hpp"

namespace nodezero::model {

GradientSums::GradientSums(const TrainingConfig& config)
    : seed_(config.seed),
      rounds_from_(config.exchange == ExchangePrecision::bf16 ? config.exchange_from : 0) {}

void GradientSums::add(const SumNode& node, std::size_t first, std::span<float> sum,
                       std::span<const float> addend) const {
  // A node at the tree's cut edge counts as the whole one that it is a part of.
  if (rounds_from_ == 0 || std::bit_ceil(node.last - node.first) < rounds_from_) {
    add_in_place(sum, addend);
    return;
  }
  const KeyedRandom random(seed_, RandomPurpose::exchange, node.step,
                           std::uint64_t{node.first} << 32 | node.last);
  kernels().add_rounded(random.key().data(), random.prefix().data(), first / 8,
                        static_cast<std::ptrdiff_t>(sum.size()), addend.data(), sum.data());
}

}  // namespace nodezero::model
