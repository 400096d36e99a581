// SPDX-License-Identifier: BSD-3-Clause
#include "support/tiny_run.hpp"

#include <algorithm>

#include "model/kernels/random.hpp"
#include "model/storage/digest.hpp"

namespace nodezero::actors::testing {

void MemoryTokens::read(std::uint64_t offset, std::span<std::int32_t> out) const {
  std::copy_n(ids_.begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
}

model::MicroBatch CountedBatches::micro_batch(std::uint64_t epoch, std::uint64_t step,
                                              std::uint32_t position) const {
  const model::KeyedRandom random(epoch, model::RandomPurpose::window_order, step, position);
  model::MicroBatch batch;
  batch.sequences = 1;
  batch.context = context_;
  batch.valid_tokens = context_;
  for (std::int64_t t = 0; t < context_; ++t) {
    const auto words = random.words(static_cast<std::uint64_t>(t));
    batch.inputs.push_back(static_cast<std::int32_t>(words[0] % vocabulary_));
    batch.targets.push_back(static_cast<std::int32_t>(words[1] % vocabulary_));
  }
  return batch;
}

void Recorder::on_step(const StepSummary& summary) {
  steps.push_back(summary);
  if (after_step) {
    after_step(summary);
  }
}
void Recorder::on_evaluation(const EvaluationSummary& summary) {
  evaluations.push_back(summary);
}
void Recorder::on_epoch(const EpochSummary& summary) {
  epochs.push_back(summary);
}
void Recorder::on_sample(const SampleSummary& summary) {
  samples.push_back(summary);
}
void Recorder::on_checkpoint(const CheckpointSummary& summary) {
  checkpoints.push_back(summary);
}
void Recorder::on_notice(const Notice& notice) {
  notices.push_back(notice.text);
}

RunSettings tiny_settings() {
  RunSettings settings;
  settings.training.model = {.layers = 1, .heads = 2, .width = 8, .context = 8, .vocabulary = 16};
  settings.training.optimizer.warmup = 2;
  settings.training.optimizer.learning_rate = 1e-2;
  settings.training.optimizer.min_learning_rate = 1e-3;
  settings.training.sequences = 2;
  settings.training.micro_batches = 5;
  settings.training.epochs = 2;
  std::vector<std::int32_t> ids;
  const model::KeyedRandom random(7, model::RandomPurpose::window_order, 0);
  for (std::uint64_t i = 0; i < 600; ++i) {
    ids.push_back(static_cast<std::int32_t>((i * 5 + (random.words(i)[0] % 8 == 0 ? 1 : 0)) % 16));
  }
  auto tokens = std::make_shared<MemoryTokens>(std::move(ids));
  settings.training_batches = std::make_shared<model::ShuffledWindows>(
      tokens, model::TokenRange{0, 540}, 8, settings.training.sequences,
      settings.training.micro_batches, settings.training.seed);
  settings.validation_batches = std::make_shared<model::SequentialWindows>(
      tokens, model::TokenRange{540, 600}, 8, settings.training.sequences, 2);
  settings.spheres = 3;
  settings.threads = 2;
  settings.run = 0x5eed;
  settings.stall_timeout = std::chrono::minutes(5);
  settings.inference_timeout = std::chrono::minutes(5);
  return settings;
}

Finished run_to_end(const RunSettings& settings, Observer& observer) {
  Finished finished;
  Trainer trainer(settings, observer);
  finished.result = trainer.run();
  if (finished.result.weights) {
    finished.weights = model::digest(*finished.result.weights);
    finished.state = model::digest(*finished.result.optimizer);
  }
  return finished;
}

Finished run_to_end(const RunSettings& settings) {
  Recorder recorder;
  return run_to_end(settings, recorder);
}

}  // namespace nodezero::actors::testing
