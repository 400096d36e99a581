// SPDX-License-Identifier: BSD-3-Clause
#include "support/models.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include <gtest/gtest.h>

namespace nodezero::testing {
namespace {

std::size_t all_threads() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

#ifdef __SANITIZE_THREAD__
// The sanitizer starts a thread of its own together with the first one of the program.
const std::size_t threads_at_begin = (std::thread([] {}).join(), 2);
#else
const std::size_t threads_at_begin = all_threads();
#endif

std::size_t threads_named(const std::string& name) {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<std::size_t>(std::count_if(begin(tasks), end(tasks), [&](const auto& task) {
    std::string its_name;
    std::getline(std::ifstream(task.path() / "comm"), its_name);
    return its_name == name;
  }));
}

}  // namespace

Examples examples_of(std::uint64_t index) {
  Examples examples;
  for (std::uint64_t i = 0; i < 16; ++i) {
    const float x = static_cast<float>((index * 37 + i * 11) % 100) / 50 - 1;
    const float y = static_cast<float>((index * 53 + i * 29) % 100) / 50 - 1;
    examples.inputs.insert(examples.inputs.end(), {x, y});
    examples.targets.push_back(std::sin(2 * x) * y);
  }
  return examples;
}

MultilayerPerceptron small_model() {
  return MultilayerPerceptron({2, 16, 1});
}

TrainerOptions small_options() {
  TrainerOptions options;
  options.micro_batches = 3;
  options.steps_in_epoch = 4;
  options.optimizer.learning_rate = 1e-2;
  return options;
}

std::size_t count_threads() {
  return all_threads() - threads_at_begin;
}

void wait_for_end_of_threads() {
  while (count_threads() > 0) {
    std::this_thread::yield();
  }
}

void wait_for_threads(const std::string& name, std::size_t count) {
  while (threads_named(name) != count) {
    std::this_thread::yield();
  }
}

SavedState state_of(TrainerOptions options) {
  options.queue_bound = 64;
  auto created = Trainer::create(small_model(), options);
  EXPECT_TRUE(created) << created.error().message;
  Trainer& trainer = *created;
  if (!options.batches) {
    for (std::uint64_t i = 0; i < 36; ++i) {
      EXPECT_TRUE(trainer.submit(examples_of(i)));
    }
  }
  if (options.running == Running::stepped) {
    EXPECT_EQ(trainer.advance_to(1)->steps, 12u);
  } else {
    const auto status = trainer.wait_for_steps(12, std::chrono::minutes(5));
    EXPECT_TRUE(status) << status.error().message;
    EXPECT_EQ(status->steps, 12u);
  }
  const auto state = trainer.save();
  EXPECT_TRUE(state) << state.error().message;
  return *state;
}

void train(Trainer& trainer, std::uint64_t first, std::uint64_t last) {
  for (std::uint64_t i = first; i < last; ++i) {
    const auto submitted = trainer.submit(examples_of(i));
    ASSERT_TRUE(submitted) << submitted.error().message;
    const auto status = trainer.advance_to(trainer.status().time);
    ASSERT_TRUE(status) << status.error().message;
    ASSERT_NE(status->progress, Progress::failed) << status->failure;
  }
}

}  // namespace nodezero::testing
