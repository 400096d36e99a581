// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/train/plan.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sched.h>

#include <gtest/gtest.h>

#include "apps/nodezero/common.hpp"
#include "apps/nodezero/process/memory.hpp"
#include "apps/nodezero/process/processors.hpp"
#include "apps/nodezero/terminal/quantities.hpp"
#include "apps/nodezero/train/run_settings.hpp"
#include "model/gpt2/gpt2.hpp"
#include "model/gpt2/gpt2_layout.hpp"

namespace nodezero::apps {
namespace {

/// Tokens 0, 1, 2, ... of a vocabulary of 256.
class Counting : public model::TokenSource {
 public:
  explicit Counting(std::uint64_t size) : size_(size) {}
  std::uint64_t size() const override { return size_; }
  void read(std::uint64_t offset, std::span<std::int32_t> out) const override {
    for (auto& token : out) {
      token = static_cast<std::int32_t>(offset++ % 256);
    }
  }

 private:
  std::uint64_t size_;
};

struct Example {
  DataSet data;
  actors::RunSettings settings;
};

/// 9,000 tokens to train on, 1,000 to validate, 2 epochs of a small model on 2 lanes.
Example example() {
  Example example;
  const auto tokens = std::make_shared<Counting>(10'000);
  example.data.training_tokens = example.data.validation_tokens = tokens;
  example.data.training = {0, 9'000};
  example.data.validation = example.data.evaluation = {9'000, 10'000};
  auto& settings = example.settings;
  settings.training.model = {.layers = 2, .heads = 2, .width = 32, .context = 16};
  settings.training.sequences = 2;
  settings.training.micro_batches = 4;
  settings.training.epochs = 2;
  settings.threads = 2;
  settings.training_batches =
      std::make_shared<model::ShuffledWindows>(tokens, example.data.training, 16, 2, 4, 1);
  settings.validation_batches =
      std::make_shared<model::SequentialWindows>(tokens, example.data.evaluation, 16, 2);
  settings.folder = "somewhere";
  return example;
}

std::uint64_t bytes_of(const Plan& plan, const std::string& what) {
  const auto part = std::find_if(plan.memory.begin(), plan.memory.end(),
                                 [&](const auto& candidate) { return candidate.what == what; });
  return part == plan.memory.end() ? 0 : part->bytes;
}

TEST(Plan, CountsGradientBuffers) {
  EXPECT_EQ(gradient_buffers(1, 1), 1);
  EXPECT_EQ(gradient_buffers(2, 2), 2);
  EXPECT_EQ(gradient_buffers(2, 3), 3);
  EXPECT_EQ(gradient_buffers(2, 8), 7);
  EXPECT_EQ(gradient_buffers(2, 9), 8);
  EXPECT_EQ(gradient_buffers(4, 157), 14);
}

TEST(Plan, AddsUpWhatARunHolds) {
  const auto [data, settings] = example();
  const auto plan = make_plan(settings, data);
  const auto layout = model::gpt2_layout(settings.training.model);
  const std::uint64_t set = layout->buffer_size() * sizeof(float);
  EXPECT_EQ(plan.parameters, layout->parameter_count());
  EXPECT_EQ(bytes_of(plan, "weights"), set);
  EXPECT_EQ(bytes_of(plan, "moments of AdamW"), 2 * set);
  EXPECT_EQ(bytes_of(plan, "gradients"), 4 * set);
  EXPECT_EQ(bytes_of(plan, "workspace"),
            2 * model::workspace_bytes(settings.training.model, settings.training.precision, 2));
  EXPECT_EQ(bytes_of(plan, "checkpoint"), 3 * set);
  EXPECT_GE(bytes_of(plan, "inference"), set);
  std::uint64_t sum = 0;
  for (const auto& part : plan.memory) {
    sum += part.bytes;
  }
  EXPECT_EQ(plan.total_bytes(), sum);
}

TEST(Plan, AValidationTakesNoMoreMemoryForMoreText) {
  const auto bytes_with = [](std::uint64_t tokens, std::int64_t context, std::uint32_t sequences) {
    const auto text = std::make_shared<Counting>(tokens);
    DataSet data;
    data.training_tokens = data.validation_tokens = text;
    data.training = {0, tokens};
    data.validation = data.evaluation = {0, tokens};
    TrainOptions options;
    options.threads = 2;
    options.sample_tokens = 0;
    options.training.model = {.layers = 1, .heads = 2, .width = 32, .context = context};
    options.training.sequences = sequences;
    options.training.micro_batches = 1;
    return bytes_of(make_plan(make_settings(options, data), data), "micro-batches");
  };
  for (const auto& [context, sequences] : {std::pair(16L, 4U), {256L, 8U}, {1024L, 16U}}) {
    const auto bytes = bytes_with(100'000'000, context, sequences);
    EXPECT_LT(bytes, 40'000'000u);
    EXPECT_EQ(bytes_with(10'000'000'000, context, sequences), bytes);
  }
}

TEST(Plan, RefusedInferenceHoldsNoSnapshot) {
  auto [data, settings] = example();
  settings.inference = actors::InferencePolicy::refuse;
  EXPECT_EQ(bytes_of(make_plan(settings, data), "inference"), 0);
}

TEST(Plan, CountsTheVersionsThatAnswersHold) {
  auto [data, settings] = example();
  EXPECT_EQ(bytes_of(make_plan(settings, data), "serving"), 0);
  settings.most_versions = 4;
  settings.generate_together = 32;
  const auto plan = make_plan(settings, data);
  // Of two layers of width 32: keys of 64 tokens, of which the context fills 16, and values; twelve
  // squares of the width, and the output of 256 tokens.
  const std::uint64_t cache = 2 * (64 + 16) * 32 * sizeof(float);
  const std::uint64_t packed = (2 * 12 * 32 + 256) * 32 * sizeof(float);
  EXPECT_EQ(bytes_of(plan, "serving"), 4 * (bytes_of(plan, "weights") + packed) + 2 * 32 * cache);

  // In bf16 a version is rounded in place of packed.
  settings.training.precision = model::Precision::bf16;
  const auto narrow = make_plan(settings, data);
  EXPECT_EQ(bytes_of(narrow, "serving"), 6 * bytes_of(narrow, "weights") + 2 * 32 * cache);
}

TEST(Plan, CountsStepsAndTokens) {
  const auto [data, settings] = example();
  const auto plan = make_plan(settings, data);
  EXPECT_EQ(plan.tokens_a_step, 128);
  EXPECT_EQ(plan.training_tokens, 2 * 8'999);
  EXPECT_EQ(plan.evaluation_tokens, 999);
  EXPECT_EQ(plan.evaluations, 2);
  EXPECT_EQ(plan.lanes, 2);
  EXPECT_EQ(plan.epochs, 2);
  EXPECT_EQ(plan.steps, settings.training_batches->steps_in_epoch(0) +
                            settings.training_batches->steps_in_epoch(1));
}

TEST(Plan, RefusesMoreMemoryThanThereIsWithTheFigures) {
  const auto [data, settings] = example();
  const auto plan = make_plan(settings, data);
  EXPECT_NO_THROW(check_memory(plan, plan.total_bytes()));
  try {
    check_memory(plan, plan.total_bytes() - 1);
    ADD_FAILURE() << "accepted";
  } catch (const CommandError& error) {
    EXPECT_EQ(error.exit_code(), exit_bad_input);
    EXPECT_NE(std::string(error.what()).find("gradients"), std::string::npos) << error.what();
  }
}

TEST(Plan, RefusesSizesThatDoNotFit64Bits) {
  auto [data, settings] = example();
  settings.training.model.width = 1'048'576;
  settings.training.model.layers = 10'000;
  EXPECT_THROW(make_plan(settings, data), CommandError);
}

TEST(TokenFrequencies, AddUpToOne) {
  const auto [data, settings] = example();
  const auto frequencies = token_frequencies(data);
  ASSERT_EQ(frequencies.size(), 256);
  double sum = 0;
  for (const auto frequency : frequencies) {
    sum += frequency;
  }
  EXPECT_NEAR(sum, 1, 1e-9);
  EXPECT_NEAR(frequencies[7], 1.0 / 256, 1e-3);
}

/// A folder that looks like the kernel's files: a limit of memory and a quota of processors.
std::filesystem::path kernel_files(const std::string& limit, const std::string& quota = "max") {
  const std::string test = testing::UnitTest::GetInstance()->current_test_info()->name();
  const auto root = std::filesystem::path(testing::TempDir()) / (test + limit + quota);
  std::filesystem::create_directories(root / "proc/self");
  std::filesystem::create_directories(root / "sys/fs/cgroup/job");
  std::ofstream(root / "proc/meminfo") << "MemTotal: 9000 kB\nMemAvailable:  8000 kB\n";
  std::ofstream(root / "proc/self/cgroup") << "0::/job\n";
  std::ofstream(root / "sys/fs/cgroup/job/memory.max") << limit << "\n";
  std::ofstream(root / "sys/fs/cgroup/job/memory.current") << "3000000\n";
  std::ofstream(root / "sys/fs/cgroup/job/memory.stat") << "anon 1\ninactive_file 1000000\n";
  std::ofstream(root / "sys/fs/cgroup/job/cpu.max") << quota << " 100000\n";
  return root;
}

TEST(AvailableMemory, IsWhatTheKernelCallsAvailable) {
  EXPECT_EQ(available_memory(kernel_files("max")), 8'000 * 1'024);
}

TEST(AvailableMemory, IsAtMostTheRoomInTheControlGroup) {
  EXPECT_EQ(available_memory(kernel_files("5000000")), 3'000'000);
  EXPECT_EQ(available_memory(kernel_files("1000000")), 0);
}

TEST(AvailableProcessors, AreThoseThatTheProcessMayRunOn) {
  const auto all = available_processors(kernel_files("max"));
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int processor = 0; CPU_COUNT(&one) == 0; ++processor) {
    if (CPU_ISSET(processor, &before)) {
      CPU_SET(processor, &one);
    }
  }
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  const auto allowed = available_processors(kernel_files("max"));
  ASSERT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
  EXPECT_EQ(allowed.count, 1);
  if (all.count > 1) {
    EXPECT_EQ(allowed.reason, "processors that this process may run on");
  }
}

TEST(AvailableProcessors, AreAtMostTheQuotaOfTheControlGroup) {
  const auto half = available_processors(kernel_files("max", "50000"));
  EXPECT_EQ(half.count, 1);
  EXPECT_EQ(half.reason, "CPU quota of the control group");
  EXPECT_EQ(available_processors(kernel_files("max", "100000")).count, 1);
  const auto many = available_processors(kernel_files("max", "99999999999"));
  EXPECT_EQ(many.count, available_processors(kernel_files("max")).count);
}

TEST(AvailableProcessors, KnowTheFilesOfOldControlGroups) {
  const auto root = std::filesystem::path(testing::TempDir()) / "OldControlGroups";
  std::filesystem::create_directories(root / "proc/self");
  std::filesystem::create_directories(root / "sys/fs/cgroup/cpu/job/step");
  std::ofstream(root / "proc/self/cgroup") << "5:memory:/\n4:cpu,cpuacct:/job/step\n";
  // The quota of a group binds those below it.
  std::ofstream(root / "sys/fs/cgroup/cpu/job/cpu.cfs_quota_us") << "100000\n";
  std::ofstream(root / "sys/fs/cgroup/cpu/job/cpu.cfs_period_us") << "100000\n";
  std::ofstream(root / "sys/fs/cgroup/cpu/job/step/cpu.cfs_quota_us") << "-1\n";
  std::ofstream(root / "sys/fs/cgroup/cpu/job/step/cpu.cfs_period_us") << "100000\n";
  EXPECT_EQ(available_processors(root).count, 1);
}

TEST(Quantities, AreWhatPeopleRead) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1'234'567), "1,234,567");
  EXPECT_EQ(bytes_text(999), "999 B");
  EXPECT_EQ(bytes_text(1'234), "1.2 kB");
  EXPECT_EQ(bytes_text(999'600), "1.0 MB");
  EXPECT_EQ(bytes_text(25'000'000'000), "25 GB");
  EXPECT_EQ(duration_text(3.14), "3.1 s");
  EXPECT_EQ(duration_text(200), "3 min 20 s");
  EXPECT_EQ(duration_text(7'500), "2 h 5 min");
  EXPECT_EQ(count_text(0.2139), "0.214");
  EXPECT_EQ(count_text(2), "2");
  EXPECT_EQ(count_text(85'700.4), "85,700");
  EXPECT_EQ(clock_text(42.4), "0:42");
  EXPECT_EQ(clock_text(200), "3:20");
  EXPECT_EQ(clock_text(7'505), "2:05:05");
  EXPECT_EQ(clock_text(1e6), "11 days");
}

}  // namespace
}  // namespace nodezero::apps
