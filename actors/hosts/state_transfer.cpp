// SPDX-License-Identifier: BSD-3-Clause
#include "actors/hosts/state_transfer.hpp"

#include <algorithm>
#include <utility>

#include "actors/hosts/block_sums.hpp"
#include "model/training/adamw.hpp"

namespace nodezero::actors {

IncomingState::IncomingState(std::shared_ptr<const model::TrainedModel> trained)
    : trained_(std::move(trained)), blocks_(model::norm_block_count(*trained_->layout())) {}

void IncomingState::take_memory() {
  if (!weights) {
    weights = std::make_shared<model::Parameters>(trained_->layout());
    optimizer = std::make_shared<model::OptimizerState>(trained_->layout());
    has_block_.resize(blocks());
  }
}

Result<void> IncomingState::put(const wire::state_block& message) {
  take_memory();
  const auto values = message.values.span();
  model::TensorSet* const sets[] = {weights.get(), &optimizer->first_moment,
                                    &optimizer->second_moment};
  const auto block = message.set < std::size(sets) ? block_of(*sets[message.set], message.block)
                                                   : std::span<float>();
  if (values.empty() || values.size() != block.size()) {
    return fail(ErrorCode::invalid_argument, "a state of another model came");
  }
  std::ranges::copy(values, block.begin());
  has_block_[message.set * blocks_ + message.block] = true;
  return {};
}

void IncomingState::copy(const StateOfRun& held) {
  take_memory();
  std::ranges::copy(held.weights->values(), weights->values().begin());
  std::ranges::copy(held.optimizer->first_moment.values(),
                    optimizer->first_moment.values().begin());
  std::ranges::copy(held.optimizer->second_moment.values(),
                    optimizer->second_moment.values().begin());
  has_block_.assign(blocks(), true);
}

Result<model::TrainingProgress> IncomingState::end(const wire::state_end& message) {
  if (has_block_.empty() || std::ranges::find(has_block_, false) != has_block_.end()) {
    return fail(ErrorCode::invalid_argument, "a state with gaps came");
  }
  optimizer->step = message.updates;
  return decode_progress(message.progress);
}

}  // namespace nodezero::actors
