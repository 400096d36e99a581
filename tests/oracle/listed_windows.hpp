// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "model/text/token_source.hpp"
#include "model/training/batch_source.hpp"

namespace nodezero::oracle {

/// The sequences that another program drew: offsets[step][position][sequence], one epoch.
class ListedWindows : public model::BatchSource {
 public:
  /// Every sequence of `context` tokens and the target behind it must lie in the source.
  ListedWindows(std::shared_ptr<const model::TokenSource> tokens, std::int64_t context,
                std::vector<std::vector<std::vector<std::uint64_t>>> offsets)
      : tokens_(std::move(tokens)), context_(context), offsets_(std::move(offsets)) {}

  std::uint64_t steps_in_epoch(std::uint64_t) const override { return offsets_.size(); }
  std::uint32_t micro_batches_in_step(std::uint64_t, std::uint64_t step) const override {
    return static_cast<std::uint32_t>(offsets_.at(step).size());
  }
  model::MicroBatch micro_batch(std::uint64_t epoch, std::uint64_t step,
                                std::uint32_t position) const override;

 private:
  std::shared_ptr<const model::TokenSource> tokens_;
  std::int64_t context_;
  std::vector<std::vector<std::vector<std::uint64_t>>> offsets_;
};

}  // namespace nodezero::oracle
