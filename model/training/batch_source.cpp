// SPDX-License-Identifier: BSD-3-Clause
#include "model/training/batch_source.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>

#include <fmt/format.h>

#include "model/kernels/random.hpp"
#include "model/training/keyed_permutation.hpp"

namespace nodezero::model {
namespace {

constexpr std::int32_t padding_token = 0;

std::uint64_t divided_up(std::uint64_t count, std::uint64_t by) {
  return count / by + (count % by != 0 ? 1 : 0);
}

/// A window: `targets` tokens from `begin` + 1 on, each predicted from those before it.
struct Window {
  std::uint64_t begin;
  std::uint64_t targets;
};

MicroBatch empty_batch(std::int64_t sequences, std::int64_t context) {
  const auto size = static_cast<std::size_t>(sequences * context);
  MicroBatch batch;
  batch.sequences = sequences;
  batch.context = context;
  batch.inputs.assign(size, padding_token);
  batch.targets.assign(size, ignored_target);
  return batch;
}

/// Fills one row; what a short window leaves of it stays padding.
void fill_row(const TokenSource& tokens, Window window, std::int64_t row, MicroBatch& batch) {
  const auto at = static_cast<std::size_t>(row * batch.context);
  const auto targets = static_cast<std::size_t>(window.targets);
  tokens.read(window.begin, std::span(batch.inputs).subspan(at, targets));
  tokens.read(window.begin + 1, std::span(batch.targets).subspan(at, targets));
  batch.valid_tokens += static_cast<std::int64_t>(targets);
}

void require(bool condition, const char* what) {
  if (!condition) {
    throw std::invalid_argument(what);
  }
}

void check_place(std::uint64_t place, std::uint64_t count, const char* what) {
  if (place >= count) {
    throw std::out_of_range(fmt::format("{} {} of {}", what, place, count));
  }
}

void check_windows(const std::shared_ptr<const TokenSource>& tokens, TokenRange range,
                   std::int64_t context, std::uint32_t sequences) {
  require(tokens != nullptr, "windows need a token source");
  require(range.begin <= range.end && range.end <= tokens->size(),
          "the range of windows leaves its token source");
  require(range.size() >= 2, "a range of fewer than 2 tokens has no targets");
  require(context > 0 && context <= std::numeric_limits<std::int32_t>::max(),
          "the context of windows must be a positive 32-bit number");
  require(sequences > 0, "a micro-batch needs at least one sequence");
}

}  // namespace

ShuffledWindows::ShuffledWindows(std::shared_ptr<const TokenSource> tokens, TokenRange range,
                                 std::int64_t context, std::uint32_t sequences,
                                 std::uint32_t micro_batches, std::uint64_t seed)
    : tokens_(std::move(tokens)),
      range_(range),
      context_(context),
      sequences_(sequences),
      micro_batches_(micro_batches),
      seed_(seed) {
  check_windows(tokens_, range_, context_, sequences_);
  require(micro_batches_ > 0, "a step needs at least one micro-batch");
}

/// The start offset, which is 0 where no short window comes first.
std::uint64_t ShuffledWindows::first_window_size(std::uint64_t epoch) const {
  const auto words = KeyedRandom(seed_, RandomPurpose::window_offset, epoch).words(0);
  const std::uint64_t drawn = std::uint64_t{words[0]} << 32 | words[1];
  return std::min(drawn % static_cast<std::uint64_t>(context_), targets_in_epoch());
}

std::uint64_t ShuffledWindows::windows_in_epoch(std::uint64_t epoch) const {
  const std::uint64_t first = first_window_size(epoch);
  return (first > 0 ? 1 : 0) +
         divided_up(targets_in_epoch() - first, static_cast<std::uint64_t>(context_));
}

std::uint64_t ShuffledWindows::micro_batches_in_epoch(std::uint64_t epoch) const {
  return divided_up(windows_in_epoch(epoch), sequences_);
}

std::uint64_t ShuffledWindows::steps_in_epoch(std::uint64_t epoch) const {
  return divided_up(micro_batches_in_epoch(epoch), micro_batches_);
}

std::uint32_t ShuffledWindows::micro_batches_in_step(std::uint64_t epoch,
                                                     std::uint64_t step) const {
  check_place(step, steps_in_epoch(epoch), "step");
  const std::uint64_t left = micro_batches_in_epoch(epoch) - step * micro_batches_;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(left, micro_batches_));
}

MicroBatch ShuffledWindows::micro_batch(std::uint64_t epoch, std::uint64_t step,
                                        std::uint32_t position) const {
  check_place(position, micro_batches_in_step(epoch, step), "micro-batch");
  const auto context = static_cast<std::uint64_t>(context_);
  const std::uint64_t first = first_window_size(epoch);
  const std::uint64_t windows = windows_in_epoch(epoch);
  const auto window_at = [&](std::uint64_t number) -> Window {
    if (first > 0 && number == 0) {
      return {range_.begin, first};
    }
    const std::uint64_t begin = first + (number - (first > 0 ? 1 : 0)) * context;
    return {range_.begin + begin, std::min(context, targets_in_epoch() - begin)};
  };
  const KeyedPermutation order(windows, KeyedRandom(seed_, RandomPurpose::window_order, epoch));
  const std::uint64_t begin = (step * micro_batches_ + position) * sequences_;
  const std::uint64_t count = std::min<std::uint64_t>(sequences_, windows - begin);

  MicroBatch batch = empty_batch(static_cast<std::int64_t>(count), context_);
  for (std::uint64_t row = 0; row < count; ++row) {
    fill_row(*tokens_, window_at(order(begin + row)), static_cast<std::int64_t>(row), batch);
  }
  return batch;
}

SequentialWindows::SequentialWindows(std::shared_ptr<const TokenSource> tokens, TokenRange range,
                                     std::int64_t context, std::uint32_t sequences,
                                     std::uint32_t micro_batches)
    : tokens_(std::move(tokens)),
      range_(range),
      context_(context),
      sequences_(sequences),
      micro_batches_(micro_batches) {
  check_windows(tokens_, range_, context_, sequences_);
  require(micro_batches_ > 0, "a step needs at least one micro-batch");
  require(micro_batches_in_epoch() <= std::numeric_limits<std::uint32_t>::max(),
          "too many windows for one step; use more sequences a micro-batch");
}

std::uint64_t SequentialWindows::windows() const {
  return divided_up(range_.size() - 1, static_cast<std::uint64_t>(context_));
}

std::uint64_t SequentialWindows::micro_batches_in_epoch() const {
  return divided_up(windows(), sequences_);
}

std::uint64_t SequentialWindows::steps_in_epoch(std::uint64_t /*epoch*/) const {
  return divided_up(micro_batches_in_epoch(), micro_batches_);
}

std::uint32_t SequentialWindows::micro_batches_in_step(std::uint64_t epoch,
                                                       std::uint64_t step) const {
  check_place(step, steps_in_epoch(epoch), "step");
  const std::uint64_t left = micro_batches_in_epoch() - step * micro_batches_;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(left, micro_batches_));
}

MicroBatch SequentialWindows::micro_batch(std::uint64_t epoch, std::uint64_t step,
                                          std::uint32_t position) const {
  check_place(position, micro_batches_in_step(epoch, step), "micro-batch");
  const auto context = static_cast<std::uint64_t>(context_);
  const std::uint64_t begin = (step * micro_batches_ + position) * sequences_;
  const std::uint64_t count = std::min<std::uint64_t>(sequences_, windows() - begin);
  MicroBatch batch = empty_batch(static_cast<std::int64_t>(count), context_);
  for (std::uint64_t row = 0; row < count; ++row) {
    const std::uint64_t at = (begin + row) * context;
    const Window window{range_.begin + at, std::min(context, range_.size() - 1 - at)};
    fill_row(*tokens_, window, static_cast<std::int64_t>(row), batch);
  }
  return batch;
}

}  // namespace nodezero::model
