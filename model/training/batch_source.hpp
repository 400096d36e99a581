// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "model/tensors/micro_batch.hpp"
#include "model/text/token_source.hpp"

namespace nodezero::model {

/// Which micro-batches an epoch has: a pure function of (seed, epoch, step, position),
/// callable from any thread. Steps count from 0 within their epoch. How many there are is
/// known beforehand; a step or position beyond throws std::out_of_range.
class BatchSource {
 public:
  virtual ~BatchSource() = default;
  virtual std::uint64_t steps_in_epoch(std::uint64_t epoch) const = 0;
  virtual std::uint32_t micro_batches_in_step(std::uint64_t epoch, std::uint64_t step) const = 0;
  virtual MicroBatch micro_batch(std::uint64_t epoch, std::uint64_t step,
                                 std::uint32_t position) const = 0;
};

/// A half-open range of token ids of a source.
struct TokenRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t size() const { return end - begin; }
};

/// Training windows: an epoch visits every target of the range (all its tokens but the
/// first) exactly once. A start offset in [0, context), keyed by (seed, epoch), cuts the
/// range into windows; the short first and last ones are padded and masked. Their order is
/// a keyed bijection, so an epoch of any size takes no memory. The last micro-batch of an
/// epoch may have fewer windows, its last step fewer micro-batches.
class ShuffledWindows : public BatchSource {
 public:
  /// The range must lie in the source and hold at least 2 tokens; sizes are positive.
  /// @throws std::invalid_argument otherwise
  ShuffledWindows(std::shared_ptr<const TokenSource> tokens, TokenRange range, std::int64_t context,
                  std::uint32_t sequences, std::uint32_t micro_batches, std::uint64_t seed);
  std::uint64_t steps_in_epoch(std::uint64_t epoch) const override;
  std::uint32_t micro_batches_in_step(std::uint64_t epoch, std::uint64_t step) const override;
  MicroBatch micro_batch(std::uint64_t epoch, std::uint64_t step,
                         std::uint32_t position) const override;

  std::uint64_t windows_in_epoch(std::uint64_t epoch) const;
  std::uint64_t targets_in_epoch() const { return range_.size() - 1; }

 private:
  std::uint64_t first_window_size(std::uint64_t epoch) const;
  std::uint64_t micro_batches_in_epoch(std::uint64_t epoch) const;

  std::shared_ptr<const TokenSource> tokens_;
  TokenRange range_;
  std::int64_t context_;
  std::uint32_t sequences_;
  std::uint32_t micro_batches_;
  std::uint64_t seed_;
};

/// Evaluation windows: non-overlapping from the range's start, in order, the last short
/// one padded and masked; one epoch, whose steps are the parts that are computed at once.
class SequentialWindows : public BatchSource {
 public:
  /// The range must lie in the source and hold at least 2 tokens; sizes are positive, and
  /// there must be fewer than 2^32 micro-batches. A step has `micro_batches`, the last what is
  /// left.
  /// @throws std::invalid_argument otherwise
  SequentialWindows(std::shared_ptr<const TokenSource> tokens, TokenRange range,
                    std::int64_t context, std::uint32_t sequences,
                    std::uint32_t micro_batches = std::numeric_limits<std::uint32_t>::max());
  std::uint64_t steps_in_epoch(std::uint64_t epoch) const override;
  std::uint32_t micro_batches_in_step(std::uint64_t epoch, std::uint64_t step) const override;
  MicroBatch micro_batch(std::uint64_t epoch, std::uint64_t step,
                         std::uint32_t position) const override;

 private:
  std::uint64_t windows() const;
  std::uint64_t micro_batches_in_epoch() const;

  std::shared_ptr<const TokenSource> tokens_;
  TokenRange range_;
  std::int64_t context_;
  std::uint32_t sequences_;
  std::uint32_t micro_batches_;
};

}  // namespace nodezero::model
