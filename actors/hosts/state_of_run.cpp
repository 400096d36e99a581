// SPDX-License-Identifier: BSD-3-Clause
#include "actors/hosts/state_of_run.hpp"

#include <bit>

#include "actors/hosts/block_sums.hpp"
#include "model/tensors/fnv.hpp"
#include "model/training/adamw.hpp"

namespace nodezero::actors {

std::vector<std::uint64_t> encode(const model::TrainingProgress& progress) {
  const auto& [run, epoch, step_in_epoch, step, version, epoch_loss, epoch_tokens, best_loss,
               best_step] = progress;
  return {run,           epoch,
          step_in_epoch, step,
          version,       std::bit_cast<std::uint64_t>(epoch_loss),
          epoch_tokens,  std::bit_cast<std::uint64_t>(best_loss),
          best_step};
}

Result<model::TrainingProgress> decode_progress(const std::vector<std::uint64_t>& numbers) {
  if (numbers.size() != encode(model::TrainingProgress{}).size()) {
    return fail(ErrorCode::invalid_argument, "where the run stands is said in another protocol");
  }
  return model::TrainingProgress{numbers[0], numbers[1],
                                 numbers[2], numbers[3],
                                 numbers[4], std::bit_cast<double>(numbers[5]),
                                 numbers[6], std::bit_cast<double>(numbers[7]),
                                 numbers[8]};
}

std::uint64_t hash_of_block(const model::Parameters& weights, std::size_t block) {
  return model::fnv(model::fnv_start, block_of(weights, block));
}

std::uint64_t hash_of(const model::Parameters& weights) {
  std::uint64_t hash = model::fnv_start;
  const std::size_t blocks = model::norm_block_count(*weights.layout());
  for (std::size_t block = 0; block < blocks; ++block) {
    hash = model::fnv(hash, hash_of_block(weights, block));
  }
  return hash;
}

}  // namespace nodezero::actors
