// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "model/storage/checkpoint.hpp"
#include "nodezero/trainer.hpp"

namespace nodezero::actors {

/// A checkpoint as bytes: "NODEZERO", the version of this format (u32) and the header's length
/// (u32); the header in JSON (arithmetic, names and shapes, progress, micro_batches and
/// steps_in_epoch), padded with spaces so that all states of a model have the same size; the
/// weights and both moments as floats, tensor by tensor in name order, low byte first; a SHA-256 of
/// all before it.
std::vector<std::byte> checkpoint_to_bytes(const model::Checkpoint& checkpoint,
                                           const TrainerOptions& options);

/// Fails with malformed if the bytes are not whole, with wrong_shape if they are another
/// model's, with invalid_argument if a step or an epoch was made of another number of batches or
/// steps, or if the state has another arithmetic that the options do not accept.
Result<model::Checkpoint> checkpoint_from_bytes(
    std::span<const std::byte> bytes, const std::shared_ptr<const model::TensorLayout>& layout,
    const TrainerOptions& options);

}  // namespace nodezero::actors
