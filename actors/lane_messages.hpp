// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// What a lane computes. A lane knows no protocol: each message brings all that its
// computation needs and is answered with the result or with ErrorCode::failed.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "actors/messages.hpp"
#include "model/gpt2/continuation.hpp"
#include "runtime/fingerprint.hpp"

namespace nodezero::actors {

/// Loss, and gradient when training, of one micro-batch.
struct compute {
  Envelope envelope;
  Purpose purpose = Purpose::train;
  std::uint32_t position = 0;
  ParametersPtr weights;
  StepBatchesPtr batches;
  /// For the gradient; put in by the lane scheduler. What it holds before is a leftover.
  runtime::Unseen<Moved<GradientLease>> buffer;
};

/// Answer to compute.
struct computed {
  Envelope envelope;
  Moved<Partial> partial;
};

/// Two siblings of the position tree that a sphere lends to the lanes: left += right. The lane
/// that finishes the last shard gives right's buffer back.
struct SumTask {
  SumTask(Partial left, Partial right, std::uint32_t shards)
      : left(std::move(left)), right(std::move(right)), unfinished(shards) {}

  Partial left;  ///< with an entry for each block in squared_norms if they are asked for
  Partial right;
  std::atomic<std::uint32_t> unfinished;  ///< shards that no lane has finished
  std::uint32_t answered = 0;             ///< shards that the sphere has heard of
};

/// One shard of a sum: blocks [first_block, last_block), which nobody else touches.
struct sum_shard {
  Envelope envelope;
  std::shared_ptr<SumTask> task;
  std::size_t first_block = 0;
  std::size_t last_block = 0;
};

/// What the optimizer lends to the lanes for one step. Each shard writes its own blocks of
/// `next` and `state` and its own entries of `squared_norms`; everything else is only read.
struct UpdateTask {
  enum class Phase : std::uint8_t { norm, update, copy_state };
  OptimizerOptions config;
  model::UpdateScalars scalars;
  GradientLease gradient;
  std::vector<double> squared_norms;
  ParametersPtr weights;
  std::shared_ptr<model::Parameters> next;
  std::shared_ptr<model::OptimizerState> state;
  std::shared_ptr<model::OptimizerState> state_copy;
};

/// One shard of one phase: blocks [first_block, last_block).
struct update_shard {
  Envelope envelope;
  UpdateTask::Phase phase = UpdateTask::Phase::norm;
  std::shared_ptr<UpdateTask> task;
  std::size_t first_block = 0;
  std::size_t last_block = 0;
};

/// Answer to sum_shard and update_shard.
struct shard_done {
  Envelope envelope;
};

/// One generation, owned by the inference actor and lent to a lane for a few tokens.
struct GenerationSession {
  std::uint64_t number = 0;  ///< of the request
  ParametersPtr weights;
  generate request;
  std::unique_ptr<model::Continuation> continuation;  ///< made by the first lane that has it
  std::vector<std::int32_t> tokens;
  std::vector<model::ScoredToken> prompt_news, news;  ///< what a listener has not been told
  bool has_ended = false;                             ///< whatever the number of its tokens
  std::optional<Error> failure;                       ///< of this one alone
  AnyValue output;                                    ///< of a host's model, for an input
  std::string digest;                                 ///< of the weights, once it is known
};

/// Generate up to `tokens` more for each of these, which have the same weights; or answer the input
/// of the only one. They are generated together, and each gets the bits that it would have alone.
struct generate_some {
  Envelope envelope;
  std::vector<std::shared_ptr<GenerationSession>> sessions;
  std::int64_t tokens = 0;
};

struct generated_some {
  Envelope envelope;
};

using lane_actor =
    caf::typed_actor<runtime::Answers<compute, computed>, runtime::Answers<sum_shard, shard_done>,
                     runtime::Answers<update_shard, shard_done>,
                     runtime::Answers<generate_some, generated_some>>;

/// Asks how many tasks the lanes have finished: the watchdog's measure of progress.
struct count_finished {};

struct finished_count {
  std::uint64_t tasks = 0;
};

/// What everybody else sees of the lanes: their scheduler, which on `abandon` refuses the
/// micro-batches that no lane has begun.
using lane_scheduler_actor =
    lane_actor::extend<runtime::Accepts<abandon>, runtime::Answers<count_finished, finished_count>>;

}  // namespace nodezero::actors

NODEZERO_SHARED_MESSAGE(nodezero::actors::count_finished)
NODEZERO_SHARED_MESSAGE(nodezero::actors::finished_count)
NODEZERO_SHARED_MESSAGE(nodezero::actors::compute)
NODEZERO_SHARED_MESSAGE(nodezero::actors::sum_shard)
NODEZERO_SHARED_MESSAGE(nodezero::actors::computed)
NODEZERO_SHARED_MESSAGE(nodezero::actors::update_shard)
NODEZERO_SHARED_MESSAGE(nodezero::actors::shard_done)
NODEZERO_SHARED_MESSAGE(nodezero::actors::generate_some)
NODEZERO_SHARED_MESSAGE(nodezero::actors::generated_some)
