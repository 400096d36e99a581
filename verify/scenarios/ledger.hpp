// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "actors/lane_messages.hpp"
#include "actors/spheres/topology.hpp"
#include "model/training/batch_source.hpp"
#include "verify/explore/network.hpp"

namespace nodezero::verify {

/// What one explored run has done to its weights, as seen by the arithmetic that stands in for
/// the model's, and the first rule that was broken.
///
/// The arithmetic keeps identities instead of numbers: the gradient of micro-batch p is one
/// at place p and zero elsewhere, so that the sum of a step says which micro-batches are in it
/// and how often. A version of the weights says its number, whether it is complete, and a
/// fingerprint of all sums that made it. All this is in each block of 65,536 values again: blocks
/// may be added by different machines, each of which has a ledger of its own.
class Ledger {
 public:
  /// `steps[e]`: micro-batches of each step of epoch e. `faulty`: spheres may die and messages may
  /// come twice, so that a child may report again.
  Ledger(std::vector<std::vector<std::uint32_t>> steps, std::vector<actors::TopologyNode> tree,
         bool faulty, std::size_t blocks = 1)
      : steps_(std::move(steps)), tree_(std::move(tree)), faulty_(faulty), blocks_(blocks) {}

  void clear();
  /// A machine begins with the state after so many updates.
  void begin_after(std::uint64_t updates) { applied_ = updates; }
  /// The host goes on from the first state.
  void go_back_to_start();
  void broken(std::string rule);
  const std::string& violation() const { return violation_; }
  std::uint64_t digest() const;

  // -- arithmetic ------------------------------------------------------------------------------

  /// A first version.
  void initialize(model::Parameters& weights) const;
  /// The gradient of one micro-batch from the weights, which must be the envelope's version.
  void compute(const actors::compute& task, model::Gradient& gradient);
  void check_weights(const model::Parameters& weights, std::uint64_t version,
                     const std::string& reader);
  /// The update in two halves, between which the new version is incomplete.
  void begin_update(const actors::UpdateTask& task);
  void finish_update(const actors::UpdateTask& task, const actors::Envelope& envelope);

  // -- what the run says of itself ---------------------------------------------------------------

  /// To be called with every message, before it is handled: a sphere closes a step when each of
  /// its children has, once.
  void note(const explore::Delivery& delivery);
  /// To be called with every success that an epoch is answered with.
  void epoch_answered(const actors::Envelope& envelope);
  /// `weights` must be what `steps` updates make.
  void check_result(const model::Parameters& weights, std::uint64_t steps);

  std::uint64_t steps_applied() const { return applied_; }
  std::uint64_t epochs_answered() const { return epochs_answered_; }
  std::uint64_t steps_before_end_of(std::uint64_t epoch) const;
  std::uint32_t micro_batches(std::uint64_t step) const;

  /// Steps and micro-batches as a source of data.
  std::shared_ptr<const model::BatchSource> batches() const;
  /// As many as the first step has, in two parts if there are two.
  std::shared_ptr<const model::BatchSource> validation_batches() const;
  std::shared_ptr<const model::TensorLayout> layout() const;
  model::ModelConfig model() const;

 private:
  void finish_block(std::span<const float> sum, std::span<float> values,
                    const actors::Envelope& envelope);
  void note_report(const actors::report& message);
  void expect_children_closed(std::uint32_t sphere, const actors::Envelope& envelope);

  std::vector<std::vector<std::uint32_t>> steps_;
  std::vector<actors::TopologyNode> tree_;
  bool faulty_ = false;
  std::size_t blocks_ = 1;
  std::string violation_;
  std::map<std::uint32_t, std::uint64_t> closed_;  ///< by sphere: the last step that it has closed
  std::uint64_t applied_ = 0;
  std::uint64_t epochs_answered_ = 0;
};

}  // namespace nodezero::verify
