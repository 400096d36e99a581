// SPDX-License-Identifier: BSD-3-Clause
#include "verify/scenarios/ledger.hpp"

#include <algorithm>
#include <bit>
#include <numeric>

#include <fmt/format.h>

#include "model/gpt2/gpt2_layout.hpp"
#include "model/training/adamw.hpp"
#include "runtime/explorable.hpp"

namespace nodezero::verify {
namespace {

// Places in a version of the weights. All values are whole numbers below 2^24, which floats
// hold and add exactly.
constexpr std::size_t at_version = 0;
constexpr std::size_t at_complete = 1;
constexpr std::size_t at_history = 2;  // and the next: two halves of a fingerprint

// Places in a gradient: micro-batch p at first_position + p.
constexpr std::size_t at_step = 0;
constexpr std::size_t first_position = 1;

constexpr std::size_t places_beside_positions = 16;

/// The values of a block.
template <class Set>
auto block_of(Set& set, std::size_t block) {
  return set.values().subspan(block * model::norm_block_size);
}

struct History {
  float low = 0;
  float high = 0;
};

History history_after(const History& before, std::uint64_t step, std::uint64_t sum) {
  const auto value = runtime::Fingerprint()
                         .add(static_cast<std::uint64_t>(before.low))
                         .add(static_cast<std::uint64_t>(before.high))
                         .add(step)
                         .add(sum)
                         .value();
  return {static_cast<float>(value & 0xffffffU), static_cast<float>(value >> 24U & 0xffffffU)};
}

/// Every micro-batch once.
std::uint64_t whole_sum(std::uint32_t micro_batches) {
  runtime::Fingerprint sum;
  for (std::uint32_t p = 0; p < micro_batches; ++p) {
    sum.add(1);
  }
  return sum.value();
}

/// Micro-batches without content: who computes them and when is all that is looked at.
class Batches : public model::BatchSource {
 public:
  explicit Batches(std::vector<std::vector<std::uint32_t>> steps) : steps_(std::move(steps)) {}
  std::uint64_t steps_in_epoch(std::uint64_t epoch) const override {
    return epoch < steps_.size() ? steps_[epoch].size() : 0;
  }
  std::uint32_t micro_batches_in_step(std::uint64_t epoch, std::uint64_t step) const override {
    return steps_.at(epoch).at(step);
  }
  model::MicroBatch micro_batch(std::uint64_t, std::uint64_t,
                                std::uint32_t position) const override {
    const auto token = static_cast<std::int32_t>(position);
    return {1, 1, {token}, {token}, 1};
  }

 private:
  std::vector<std::vector<std::uint32_t>> steps_;
};

}  // namespace

void Ledger::clear() {
  violation_.clear();
  go_back_to_start();
}

void Ledger::go_back_to_start() {
  applied_ = 0;
  epochs_answered_ = 0;
  closed_.clear();
}

void Ledger::broken(std::string rule) {
  if (violation_.empty()) {
    violation_ = std::move(rule);
  }
}

std::uint64_t Ledger::digest() const {
  runtime::Fingerprint digest;
  digest.add(applied_).add(epochs_answered_);
  for (const auto& [sphere, step] : closed_) {
    digest.add(sphere).add(step);
  }
  return digest.value();
}

void Ledger::initialize(model::Parameters& weights) const {
  std::ranges::fill(weights.values(), 0.0F);
  for (std::size_t block = 0; block < blocks_; ++block) {
    block_of(weights, block)[at_complete] = 1;
  }
}

void Ledger::check_weights(const model::Parameters& weights, std::uint64_t version,
                           const std::string& reader) {
  for (std::size_t block = 0; block < blocks_; ++block) {
    const auto values = block_of(weights, block);
    if (values[at_complete] != 1) {
      broken(fmt::format("{} read weights that were being written", reader));
    } else if (values[at_version] != static_cast<float>(version)) {
      broken(fmt::format("{} read version {} and was told that it is {}", reader,
                         static_cast<std::uint64_t>(values[at_version]), version));
    }
  }
}

void Ledger::compute(const actors::compute& task, model::Gradient& gradient) {
  check_weights(*task.weights, task.envelope.version,
                fmt::format("micro-batch {} of step {}", task.position, task.envelope.step));
  std::ranges::fill(gradient.values(), 0.0F);
  for (std::size_t block = 0; block < blocks_; ++block) {
    const auto values = block_of(gradient, block);
    values[at_step] = static_cast<float>(task.envelope.step + 1);
    values[first_position + task.position] = 1;
  }
}

void Ledger::begin_update(const actors::UpdateTask& task) {
  if (task.weights && task.weights.get() != task.next.get()) {
    std::ranges::copy(task.weights->values(), task.next->values().begin());
  }
  for (std::size_t block = 0; block < blocks_; ++block) {
    block_of(*task.next, block)[at_complete] = 0;
  }
}

void Ledger::finish_update(const actors::UpdateTask& task, const actors::Envelope& envelope) {
  for (std::size_t block = 0; block < blocks_; ++block) {
    finish_block(block_of(*task.gradient, block), block_of(*task.next, block), envelope);
  }
  ++applied_;
  check_result(*task.next, applied_);
}

void Ledger::finish_block(std::span<const float> sum, std::span<float> values,
                          const actors::Envelope& envelope) {
  const std::uint32_t n = micro_batches(envelope.step);
  runtime::Fingerprint counts;
  for (std::uint32_t p = 0; p < n; ++p) {
    const float count = sum[first_position + p];
    counts.add(static_cast<std::uint64_t>(count));
    if (count != 1) {
      broken(
          fmt::format("the sum of step {} has micro-batch {} {} times", envelope.step, p, count));
    }
  }
  if (sum[at_step] != static_cast<float>((envelope.step + 1) * n)) {
    broken(fmt::format("the sum of step {} has parts of another step", envelope.step));
  }
  if (values[at_version] != static_cast<float>(envelope.version) || applied_ != envelope.step) {
    broken(fmt::format("step {} was applied to version {} after {} updates", envelope.step,
                       static_cast<std::uint64_t>(values[at_version]), applied_));
  }
  const auto history =
      history_after({values[at_history], values[at_history + 1]}, envelope.step, counts.value());
  values[at_version] += 1;
  values[at_history] = history.low;
  values[at_history + 1] = history.high;
  values[at_complete] = 1;
}

void Ledger::note(const explore::Delivery& delivery) {
  if (const auto* report = delivery.as<actors::report>()) {
    note_report(*report);
  } else if (const auto* apply = delivery.as<actors::apply>(); apply && apply->with_gradient) {
    expect_children_closed(0, apply->envelope);
  }
}

void Ledger::note_report(const actors::report& message) {
  if (message.purpose != actors::Purpose::train) {
    return;
  }
  expect_children_closed(message.sphere, message.envelope);
  const std::uint64_t step = message.envelope.step + 1;
  auto& closed = closed_[message.sphere];
  if (closed >= step && !faulty_) {
    broken(fmt::format("sphere {} closed step {} twice", message.sphere, message.envelope.step));
  }
  closed = std::max(closed, step);
}

void Ledger::expect_children_closed(std::uint32_t sphere, const actors::Envelope& envelope) {
  const std::uint32_t end = sphere + tree_[sphere].nodes;
  for (std::uint32_t child = sphere + 1; child < end; child += tree_[child].nodes) {
    const auto closed = closed_.find(child);
    if (closed == closed_.end() || closed->second <= envelope.step) {
      broken(fmt::format("step {} was closed at sphere {} before sphere {} had closed it",
                         envelope.step, sphere, child));
      return;
    }
  }
}

void Ledger::epoch_answered(const actors::Envelope& envelope) {
  if (envelope.epoch != epochs_answered_) {
    broken(fmt::format("epoch {} was answered when it was epoch {}'s turn", envelope.epoch,
                       epochs_answered_));
  }
  ++epochs_answered_;
  const std::uint64_t due = steps_before_end_of(envelope.epoch);
  if (applied_ != due) {
    broken(
        fmt::format("epoch {} was answered after {} of {} updates", envelope.epoch, applied_, due));
  }
}

void Ledger::check_result(const model::Parameters& weights, std::uint64_t steps) {
  History history;
  for (std::uint64_t step = 0; step < steps; ++step) {
    history = history_after(history, step, whole_sum(micro_batches(step)));
  }
  check_weights(weights, steps, fmt::format("whoever goes on after {} updates", steps));
  for (std::size_t block = 0; block < blocks_; ++block) {
    const auto values = block_of(weights, block);
    if (values[at_history] != history.low || values[at_history + 1] != history.high) {
      broken("the weights are not what the same steps make in other schedules");
    }
  }
}

std::uint64_t Ledger::steps_before_end_of(std::uint64_t epoch) const {
  std::uint64_t steps = 0;
  for (std::uint64_t e = 0; e <= epoch && e < steps_.size(); ++e) {
    steps += steps_[e].size();
  }
  return steps;
}

std::uint32_t Ledger::micro_batches(std::uint64_t step) const {
  for (const auto& epoch : steps_) {
    if (step < epoch.size()) {
      return epoch[step];
    }
    step -= epoch.size();
  }
  return 0;
}

std::shared_ptr<const model::BatchSource> Ledger::batches() const {
  return std::make_shared<const Batches>(steps_);
}

std::shared_ptr<const model::BatchSource> Ledger::validation_batches() const {
  const std::uint32_t count = micro_batches(0);
  const std::uint32_t first = count < 2 ? count : std::bit_ceil(count) / 2;
  std::vector<std::uint32_t> parts{first};
  if (first < count) {
    parts.push_back(count - first);
  }
  return std::make_shared<const Batches>(std::vector<std::vector<std::uint32_t>>{parts});
}

model::ModelConfig Ledger::model() const {
  std::uint32_t most = 1;
  for (const auto& epoch : steps_) {
    for (const std::uint32_t n : epoch) {
      most = std::max(most, n);
    }
  }
  return {.layers = blocks_ > 1 ? 1 : 0,  // other machines are told of no model without layers
          .heads = 1,
          .width = 1,
          .context = 1,
          .vocabulary = static_cast<std::int64_t>((blocks_ - 1) * model::norm_block_size + most +
                                                  places_beside_positions)};
}

std::shared_ptr<const model::TensorLayout> Ledger::layout() const {
  return model::gpt2_layout(model());
}

}  // namespace nodezero::verify
