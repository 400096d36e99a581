// SPDX-License-Identifier: BSD-3-Clause

// What a machine computes of a step: the ranges that it was given, micro-batches that are audited,
// and nodes that it computes as a backup.

#include <algorithm>
#include <bit>
#include <exception>
#include <iterator>
#include <numeric>
#include <utility>

#include "actors/hosts/exchange.hpp"
#include "model/tensors/fnv.hpp"

namespace nodezero::actors {
namespace {

std::uint64_t hash_of_sum(const model::LossSum& loss, const model::Gradient& gradient) {
  return model::fnv(std::bit_cast<std::uint64_t>(loss.negative_log_likelihood), gradient.values());
}

bool is_node_of(PositionRange node, PositionRange range, std::uint32_t positions) {
  const auto nodes = nodes_of(range, positions);
  return std::ranges::find(nodes, node) != nodes.end();
}

}  // namespace

// -- what there is to compute ----------------------------------------------------------------

/// Whether the sum over this node is there, is being made, or waits for its turn.
bool exchange::Step::will_have(PositionRange node) const {
  return std::ranges::find(sums, node, &OwnSum::range) != sums.end() ||
         (computing && is_node_of(node, computing->batches->range(), positions)) ||
         std::ranges::any_of(
             waiting, [&](PositionRange range) { return is_node_of(node, range, positions); });
}

/// What was not begun for an earlier term and is not in this one is not computed.
void exchange::take_ranges() {
  step_->waiting.clear();
  for (const auto& part : term_->plan.mine) {
    const PositionRange range{part.first, part.last};
    if (range.last > step_->positions) {
      fail("a plan came with micro-batches that the step does not have");
      continue;
    }
    const auto nodes = nodes_of(range, step_->positions);
    term_->mine.insert(term_->mine.end(), nodes.begin(), nodes.end());
    std::vector<PositionRange> missing;
    std::ranges::copy_if(nodes, std::back_inserter(missing),
                         [&](PositionRange node) { return !step_->will_have(node); });
    if (missing.size() == nodes.size()) {
      missing = {range};  // in one go
    }
    step_->waiting.insert(step_->waiting.end(), missing.begin(), missing.end());
  }
}

/// What this machine has of its own is looked at; the rest is computed to be looked at.
void exchange::take_audited() {
  for (const std::uint32_t position : term_->plan.audited) {
    const PositionRange range{position, position + 1};
    if (position >= step_->positions) {
      continue;
    }
    auto& finding = step_->findings[position];
    const auto own = std::ranges::find(step_->sums, range, &OwnSum::range);
    if (own != step_->sums.end()) {
      finding = hash_of_sum(own->loss, **own->gradient);
    } else if (!step_->will_have(range)) {
      step_->waiting.push_back(range);
    }
  }
}

void exchange::take_back_up(const wire::back_up& message) {
  if (!term_ || message.term != term_->plan.term) {
    return;
  }
  for (const auto& [first, last] : message.nodes) {
    if (step_->tree().contains({first, last}) && !step_->will_have({first, last})) {
      step_->waiting.push_back({first, last});
    }
  }
  compute_next();
}

// -- computing -------------------------------------------------------------------------------

void exchange::take_work(const wire::work& work) {
  if (!work.tokens.batch || work.step < here_.step) {
    return;
  }
  try {
    batches_[{work.step, work.position}] = {
        settings_.trained ? settings_.trained->decoded(work.tokens.batch) : work.tokens.batch};
  } catch (const std::exception& error) {  // of a host's model
    fail(error.what());
    return;
  }
  compute_next();
}

void exchange::compute_next() {
  if (!step_ || step_->computing || step_->waiting.empty()) {
    return;
  }
  const PositionRange range = step_->waiting.front();
  auto batches = std::make_shared<StepBatches>();
  batches->before = range.first;
  batches->after = step_->positions - range.last;
  for (std::uint32_t position = range.first; position < range.last; ++position) {
    const auto batch = batches_.find({step_->envelope.step, position});
    if (batch == batches_.end()) {
      return;  // it is on its way
    }
    batches->batches.push_back(*batch->second.batch);
  }
  step_->waiting.pop_front();
  std::vector<std::uint32_t> positions(range.size());
  std::iota(positions.begin(), positions.end(), range.first);
  step_->computing = assign{step_->envelope,    Purpose::train,       weights_,
                            std::move(batches), std::move(positions), {}};
  step_->computing_since = clock().now();
  send(control_, *step_->computing);
}

void exchange::take_own_sum(const gradient& message) {
  if (!step_ || !step_->computing || message.envelope != step_->envelope) {
    return;
  }
  Partial partial = message.partial.take();
  const auto finding = step_->findings.find(partial.range.first);
  if (partial.range.size() == 1 && finding != step_->findings.end()) {
    finding->second = hash_of_sum(partial.loss, *partial.gradient);
  }
  // It is kept until the step's end, so the lanes get another buffer in its place.
  auto kept = gradients_->lease();
  std::swap(*kept, *partial.gradient);
  auto& own = step_->sums.emplace_back(OwnSum{partial.range, partial.loss,
                                              std::make_shared<GradientLease>(std::move(kept)),
                                              std::move(partial.squared_norms)});
  if (term_->plan.members.size() > 1) {
    settings_.coordinator.send(*this,
                               wire::finished{term_->plan.term, {own.range.first, own.range.last}});
  }
  send_parts(own);
  report_if_gathered();  // if it was only to be looked at
}

void exchange::take_report(const report& message) {
  if (step_ && step_->computing && message.envelope == step_->envelope) {
    step_->computed += static_cast<std::uint32_t>(step_->computing->positions.size());
    step_->computed_at = clock().now();
    step_->computing_time += std::chrono::duration_cast<std::chrono::microseconds>(
        step_->computed_at - step_->computing_since);
    step_->computing.reset();
    compute_next();
  }
}

}  // namespace nodezero::actors
