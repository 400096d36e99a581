// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <tuple>
#include <vector>

#include "actors/hosts/block_link.hpp"
#include "actors/hosts/state_of_run.hpp"
#include "model/training/trained_model.hpp"

namespace nodezero::actors {

/// Sends a state that nobody changes any more: its blocks, if they are not there already, and its
/// end.
template <class Sender>
void send_state(BlockLink& link, Sender& sender, const model::TrainingProgress& progress,
                const ParametersPtr& weights,
                const std::shared_ptr<const model::OptimizerState>& optimizer, bool has_blocks) {
  std::uint32_t sent = 0;
  const auto send_set = [&](std::uint32_t set, const auto& owner, const model::TensorSet& values) {
    const std::size_t size = weights->values().size();
    for (std::size_t begin = 0; begin < size; begin += model::norm_block_size) {
      const std::size_t count = std::min(model::norm_block_size, size - begin);
      link.send(sender,
                wire::state_block{
                    set,
                    static_cast<std::uint32_t>(begin / model::norm_block_size),
                    {std::shared_ptr<const float>(owner, values.values().data() + begin), count}});
      ++sent;
    }
  };
  if (!has_blocks) {
    send_set(0, weights, *weights);
    send_set(1, optimizer, optimizer->first_moment);
    send_set(2, optimizer, optimizer->second_moment);
  }
  link.send(sender, wire::state_end{encode(progress), optimizer->step, sent});
}

/// A state on its way here.
class IncomingState {
 public:
  /// Takes no memory for the state until its first block comes.
  explicit IncomingState(std::shared_ptr<const model::TrainedModel> trained);

  const std::shared_ptr<const model::TrainedModel>& trained() const { return trained_; }
  std::size_t blocks() const { return 3 * blocks_; }

  /// Fails if the block is not of this model.
  Result<void> put(const wire::state_block& message);
  /// Uses what this machine has instead of blocks.
  void copy(const StateOfRun& held);
  /// Fails if blocks are missing, or the message cannot be.
  Result<model::TrainingProgress> end(const wire::state_end& message);

  /// Without what the settings say. The moments are the lanes' alone.
  auto fields() const { return std::tie(weights, has_block_); }

  std::shared_ptr<model::Parameters> weights;
  std::shared_ptr<model::OptimizerState> optimizer;

 private:
  void take_memory();

  std::shared_ptr<const model::TrainedModel> trained_;
  std::size_t blocks_ = 0;       ///< of each set
  std::vector<bool> has_block_;  ///< of all three; empty until the memory is taken
};

}  // namespace nodezero::actors
