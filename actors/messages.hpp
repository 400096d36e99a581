// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The protocol on one page. Each message names its sender, its receiver, what it means and
// what state accepts it; everything else is refused with a typed error (requests) or
// dropped (the rest). Messages between spheres, lanes and the rest of the
// machinery live in this process; their buffers are shared as const or moved.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/errors.hpp"
#include "actors/inference_policy.hpp"
#include "actors/optimizer_complete.hpp"
#include "actors/partial.hpp"
#include "actors/position_range.hpp"
#include "actors/telemetry.hpp"
#include "model/gpt2/generation.hpp"
#include "model/storage/checkpoint.hpp"
#include "model/tensors/micro_batch.hpp"
#include "runtime/caf.hpp"
#include "runtime/envelope.hpp"
#include "runtime/moved.hpp"

namespace nodezero::actors {

using runtime::Moved;
using ParametersPtr = std::shared_ptr<const model::Parameters>;

/// What a step is for: the tree evaluates the way it trains, only without gradients.
enum class Purpose : std::uint8_t { train, evaluate };

/// All micro-batches of a training step in canonical order, or of a part of an evaluation; built
/// once by the corpus. An evaluation is one step, whose parts are planned and summed one after
/// the other, so that it takes no more memory for more text. Each part is a node of its tree.
struct StepBatches {
  std::vector<model::MicroBatch> batches;
  std::uint32_t before = 0;  ///< micro-batches of the evaluation that come before these
  std::uint32_t after = 0;   ///< and after

  /// The positions that these have in their step.
  PositionRange range() const {
    return {before, before + static_cast<std::uint32_t>(batches.size())};
  }
  PositionTree tree() const { return PositionTree(range().last + after); }
  const model::MicroBatch& at(std::uint32_t position) const { return batches[position - before]; }
};
using StepBatchesPtr = std::shared_ptr<const StepBatches>;

// ---- driver -> node_zero -----------------------------------------------------------------

/// Train the rest of an epoch. Accepted in state `idle` if the envelope names node_zero's
/// run, epoch, step and version. Answered with epoch_done, or with an error.
struct begin_epoch {
  Envelope envelope;
};

/// Evaluate the current version on the validation windows. Accepted in state `idle`.
/// Answered with an EvaluationSummary.
struct evaluate {
  Envelope envelope;
};

// ---- node_zero -> corpus -----------------------------------------------------------------

/// Asks for the micro-batches of a step. Always accepted; a pure function of its content.
struct plan_step {
  Envelope envelope;
  Purpose purpose = Purpose::train;
  std::uint64_t step_in_epoch = 0;  ///< or the part of an evaluation
};

/// The corpus's answer.
struct step_plan {
  Envelope envelope;
  Purpose purpose = Purpose::train;
  StepBatchesPtr batches;
};

// ---- parent sphere -> child sphere -------------------------------------------------------

/// Compute these positions of a step and report. Accepted by a sphere that has no open
/// step, or instead of an open one (which is thereby discarded).
struct assign {
  Envelope envelope;
  Purpose purpose = Purpose::train;
  ParametersPtr weights;
  StepBatchesPtr batches;
  std::vector<std::uint32_t> positions;  ///< ascending; may be empty
  std::vector<std::uint32_t> attempts;   ///< parallel: failures of each so far
};

/// Forget the open step; nothing of it will be reported. Accepted always.
struct abandon {
  Envelope envelope;
};

// ---- child sphere -> parent sphere -------------------------------------------------------

/// A sum over one node of the position tree. Accepted while its step is open at the parent
/// and the positions are the child's and new.
struct gradient {
  Envelope envelope;
  Purpose purpose = Purpose::train;
  std::uint32_t sphere = 0;
  PositionRange range;
  Moved<Partial> partial;
};

/// Closes a step: exactly one from each child, also when it had no work. Accepted once,
/// after all gradients of that child.
struct report {
  Envelope envelope;
  Purpose purpose = Purpose::train;
  std::uint32_t sphere = 0;
  std::vector<std::uint32_t> positions;  ///< what was computed at or below the child
  model::LossSum loss;                   ///< summed in no fixed order; a cross-check
  std::uint32_t spheres_busy = 0;        ///< workers that computed something
};

/// A micro-batch below this child failed as often as it may. Accepted while its step is open.
struct step_failed {
  Envelope envelope;
  Purpose purpose = Purpose::train;
  Error reason;
};

// ---- node_zero -> optimizer --------------------------------------------------------------

/// Apply the sum of a step. Accepted once for each version, if the envelope names the
/// optimizer's version and step. Answered with a sealed optimizer_complete. Without a
/// gradient (an epoch without steps) it confirms the version that there is.
struct apply {
  Envelope envelope;
  Moved<GradientLease> sum;
  std::int64_t valid_tokens = 0;
  bool with_gradient = true;
  bool export_state = false;          ///< hand out an immutable copy of the optimizer's state
  std::vector<double> squared_norms;  ///< of the sum's blocks; empty if nobody has them
};

/// Asks for weights and state at the end of a run: they are handed over, not copied.
/// Accepted once, between updates; the optimizer accepts nothing afterwards.
struct export_state {
  Envelope envelope;
};

/// The optimizer's answer: a complete version and the state that made it.
struct exported_state {
  Envelope envelope;
  ParametersPtr weights;
  std::shared_ptr<const model::OptimizerState> optimizer;
};

// ---- node_zero -> lifecycle --------------------------------------------------------------

/// An epoch has begun. Accepted in `idle` and `quiescent`.
struct training {
  Envelope envelope;
  std::uint64_t last_step = 0;  ///< of the epoch, counted over all epochs
};

/// A complete version that inference may read. At an epoch boundary it ends `training`.
struct snapshot {
  Envelope envelope;
  ParametersPtr weights;  ///< null if the policy holds none while an epoch runs
  bool epoch_boundary = false;
};

/// An epoch has failed; the last snapshot stays.
struct epoch_failed {
  Envelope envelope;
  Error reason;
};

// ---- anybody -> lifecycle -> inference ---------------------------------------------------

/// Tokens of a request that has a listener, when a lane has generated them.
struct generated_piece {
  Envelope envelope;                       ///< of the snapshot that they are generated from
  std::uint64_t ticket = 0;                ///< of the request
  std::vector<model::ScoredToken> prompt;  ///< the part of the prompt that was scored, if asked for
  std::vector<model::ScoredToken> tokens;
  std::string digest = {};  ///< of the weights, if asked for
};

/// Whoever wants the tokens one after the other. All of a request's pieces come before its answer.
using listener_actor = caf::typed_actor<runtime::Accepts<generated_piece>>;

/// What only some requests ask for.
struct RequestOptions {
  model::TokenDetails details;            ///< told to the listener
  listener_actor listener;                ///< null: the answer is enough
  std::uint64_t ticket = 0;               ///< names the request to abandon_request; 0: nobody will
  std::optional<InferencePolicy> policy;  ///< none: that of the run
  std::optional<snapshot> from;           ///< a version that was kept; none: the last complete one
  bool names_digest = false;              ///< the listener is told the digest of the weights
  /// The first of several that are to be answered from one version says how many come behind it at
  /// once, and those name its ticket.
  std::uint32_t followers = 0;
  std::uint64_t follows = 0;  ///< 0: nobody
};

/// Asks for a continuation of a prompt, or for a host's model's answer to an input. Answered by
/// policy with `generated`, or refused with invalid_argument, busy, queue_full or timed_out. If the
/// run stops first, the last version answers it.
struct generate {
  std::vector<std::int32_t> prompt;  ///< at least one token id, unless there is an input
  std::int64_t tokens = 0;
  model::SamplingOptions sampling = {};
  AnyValue input = {};
  bool until_stop = false;  ///< refused with stopped once the run is to stop
  RequestOptions options = {};
};

/// anybody -> lifecycle -> inference: nobody wants the rest of this answer. Accepted always. The
/// request is answered with the tokens that it has by then, those that a lane has been asked for
/// not among them; or with stopped, if it was still waiting.
struct abandon_request {
  std::uint64_t ticket = 0;
};

/// A generate that the lifecycle let pass, with the snapshot it may read.
struct infer {
  Envelope envelope;  ///< of the snapshot
  ParametersPtr weights;
  generate request;
  std::uint64_t number = 0;  ///< of the request, as the lifecycle counts them
};

/// The continuation or answer and the version that it was generated from.
struct generated {
  Envelope envelope;
  std::vector<std::int32_t> tokens;
  AnyValue output = {};
};

/// Ends the run after the running micro-batches and one checkpoint. Accepted in every
/// state, also more than once. Answered with `stopped` when all is saved.
struct stop {};

/// lifecycle -> node_zero: discard the unfinished step and save. Answered with `halted`.
struct halt {
  Envelope envelope;
};

/// What is left of a run: its last complete version.
struct halted {
  Envelope envelope;
  model::Checkpoint checkpoint;
};

/// The lifecycle's last word.
struct stopped {
  model::Checkpoint checkpoint;
};

// ---- node_zero -> checkpointer -----------------------------------------------------------

/// Write a checkpoint and the run's model files. Answered with `saved` or not_saved.
struct save {
  Envelope envelope;
  model::Checkpoint checkpoint;
};

/// Keep this version as the run's best. Answered with `saved` or not_saved.
struct save_best {
  Envelope envelope;
  ParametersPtr weights;
};

struct saved {
  Envelope envelope;
  std::string path;
};

// ---- anybody -> observer -----------------------------------------------------------------

/// Telemetry: immutable snapshots for people. Accepted always, answered never.
struct telemetry_step {
  StepSummary summary;
};
struct telemetry_evaluation {
  EvaluationSummary summary;
};
struct telemetry_epoch {
  EpochSummary summary;
};
struct telemetry_sample {
  SampleSummary summary;
};
struct telemetry_checkpoint {
  CheckpointSummary summary;
};
struct telemetry_notice {
  Notice notice;
};

/// driver -> observer, before it reports the end: answered when all telemetry that was sent
/// before has been heard.
struct telemetry_flush {};
struct telemetry_flushed {};

// ---- facade -> driver --------------------------------------------------------------------

/// Run all epochs. Answered with run_ended.
struct run_all {};

struct run_ended {
  bool was_stopped = false;
  std::optional<Error> reason;  ///< if it failed
  model::Checkpoint checkpoint;
};

}  // namespace nodezero::actors

NODEZERO_SHARED_MESSAGE(nodezero::actors::begin_epoch)
NODEZERO_SHARED_MESSAGE(nodezero::actors::evaluate)
NODEZERO_SHARED_MESSAGE(nodezero::actors::plan_step)
NODEZERO_SHARED_MESSAGE(nodezero::actors::step_plan)
NODEZERO_SHARED_MESSAGE(nodezero::actors::assign)
NODEZERO_SHARED_MESSAGE(nodezero::actors::abandon)
NODEZERO_SHARED_MESSAGE(nodezero::actors::gradient)
NODEZERO_SHARED_MESSAGE(nodezero::actors::report)
NODEZERO_SHARED_MESSAGE(nodezero::actors::step_failed)
NODEZERO_SHARED_MESSAGE(nodezero::actors::apply)
NODEZERO_SHARED_MESSAGE(nodezero::actors::export_state)
NODEZERO_SHARED_MESSAGE(nodezero::actors::exported_state)
NODEZERO_SHARED_MESSAGE(nodezero::actors::training)
NODEZERO_SHARED_MESSAGE(nodezero::actors::snapshot)
NODEZERO_SHARED_MESSAGE(nodezero::actors::epoch_failed)
NODEZERO_SHARED_MESSAGE(nodezero::actors::generate)
NODEZERO_SHARED_MESSAGE(nodezero::actors::generated_piece)
NODEZERO_SHARED_MESSAGE(nodezero::actors::abandon_request)
NODEZERO_SHARED_MESSAGE(nodezero::actors::infer)
NODEZERO_SHARED_MESSAGE(nodezero::actors::generated)
NODEZERO_SHARED_MESSAGE(nodezero::actors::stop)
NODEZERO_SHARED_MESSAGE(nodezero::actors::halt)
NODEZERO_SHARED_MESSAGE(nodezero::actors::halted)
NODEZERO_SHARED_MESSAGE(nodezero::actors::stopped)
NODEZERO_SHARED_MESSAGE(nodezero::actors::save)
NODEZERO_SHARED_MESSAGE(nodezero::actors::save_best)
NODEZERO_SHARED_MESSAGE(nodezero::actors::saved)
NODEZERO_SHARED_MESSAGE(nodezero::actors::EvaluationSummary)
NODEZERO_SHARED_MESSAGE(nodezero::actors::telemetry_step)
NODEZERO_SHARED_MESSAGE(nodezero::actors::telemetry_evaluation)
NODEZERO_SHARED_MESSAGE(nodezero::actors::telemetry_epoch)
NODEZERO_SHARED_MESSAGE(nodezero::actors::telemetry_sample)
NODEZERO_SHARED_MESSAGE(nodezero::actors::telemetry_checkpoint)
NODEZERO_SHARED_MESSAGE(nodezero::actors::telemetry_notice)
NODEZERO_SHARED_MESSAGE(nodezero::actors::telemetry_flush)
NODEZERO_SHARED_MESSAGE(nodezero::actors::telemetry_flushed)
NODEZERO_SHARED_MESSAGE(nodezero::actors::run_all)
NODEZERO_SHARED_MESSAGE(nodezero::actors::run_ended)
