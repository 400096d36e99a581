// SPDX-License-Identifier: BSD-3-Clause
#include "tests/oracle/listed_windows.hpp"

namespace nodezero::oracle {

model::MicroBatch ListedWindows::micro_batch(std::uint64_t, std::uint64_t step,
                                             std::uint32_t position) const {
  const auto& offsets = offsets_.at(step).at(position);
  model::MicroBatch batch;
  batch.sequences = static_cast<std::int64_t>(offsets.size());
  batch.context = context_;
  batch.valid_tokens = batch.sequences * context_;
  std::vector<std::int32_t> window(static_cast<std::size_t>(context_) + 1);
  for (const std::uint64_t offset : offsets) {
    tokens_->read(offset, window);
    batch.inputs.insert(batch.inputs.end(), window.begin(), window.end() - 1);
    batch.targets.insert(batch.targets.end(), window.begin() + 1, window.end());
  }
  return batch;
}

}  // namespace nodezero::oracle
