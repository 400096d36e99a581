// SPDX-License-Identifier: BSD-3-Clause
#include "actors/embedding/state_bytes.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "model/files/sha256.hpp"

namespace nodezero::actors {
namespace {

constexpr std::size_t fixed_size = 16;

std::shared_ptr<const model::TensorLayout> small_layout() {
  model::TensorInfo weight, bias;
  weight.name = "weight";
  weight.shape = {2, 3};
  bias.name = "bias";
  bias.shape = {3};
  return std::make_shared<const model::TensorLayout>(std::vector<model::TensorInfo>{weight, bias});
}

model::Checkpoint checkpoint_with(const model::TrainingProgress& progress) {
  const auto layout = small_layout();
  auto weights = std::make_shared<model::Parameters>(layout);
  weights->at("weight")[0] = 0.5f;
  return {{}, progress, std::move(weights), std::make_shared<model::OptimizerState>(layout)};
}

/// The state as the first version wrote it: the header says neither its arithmetic nor what steps
/// are made of and is not padded.
std::vector<std::byte> as_first_version(std::span<const std::byte> state) {
  std::string text(reinterpret_cast<const char*>(state.data()), state.size());
  std::uint32_t length = 0;
  std::memcpy(&length, text.data() + 12, sizeof length);
  auto header = nlohmann::json::parse(text.substr(fixed_size, length));
  header.erase("arithmetic");
  header.erase("micro_batches");
  header.erase("steps_in_epoch");
  text.replace(fixed_size, length, header.dump());
  length = static_cast<std::uint32_t>(header.dump().size());
  std::memcpy(text.data() + 12, &length, sizeof length);
  text.resize(text.size() - 64);
  model::Sha256 sum;
  sum.update(std::as_bytes(std::span(text)));
  text += sum.finish();
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

TEST(StateBytes, AreAsManyForAnyProgress) {
  constexpr double lowest = std::numeric_limits<double>::lowest();
  constexpr double least = std::numeric_limits<double>::denorm_min();
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  TrainerOptions options;
  options.steps_in_epoch = most;
  const std::size_t size = checkpoint_to_bytes(checkpoint_with({}), {}).size();
  for (const model::TrainingProgress& progress :
       {model::TrainingProgress{1, 2, 3, 12345, 12345, 1.0 / 3, 99, -least, 7},
        model::TrainingProgress{most, most, most - 1, most, most, lowest, most, lowest, most}}) {
    const auto state = checkpoint_to_bytes(checkpoint_with(progress), options);
    EXPECT_EQ(state.size(), size);
    const auto read = checkpoint_from_bytes(state, small_layout(), options);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->progress, progress);
  }
}

TEST(StateBytes, OfTheFirstVersionAreReadAsWell) {
  TrainerOptions options;
  options.steps_in_epoch = 4;
  const auto now = checkpoint_to_bytes(checkpoint_with({.step_in_epoch = 3, .step = 11}), options);
  const auto state = as_first_version(now);
  ASSERT_LT(state.size(), now.size());
  const auto of_other_arithmetic = checkpoint_from_bytes(state, small_layout(), options);
  ASSERT_FALSE(of_other_arithmetic);
  EXPECT_EQ(of_other_arithmetic.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(of_other_arithmetic.error().message.find("version 1 of the arithmetic"),
            std::string::npos)
      << of_other_arithmetic.error().message;
  options.accept_other_arithmetic = true;
  const auto read = checkpoint_from_bytes(state, small_layout(), options);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->progress.step, 11u);
  EXPECT_EQ(read->weights->at("weight")[0], 0.5f);
  options.steps_in_epoch = 3;  // in which no step has the number 3
  const auto refused = checkpoint_from_bytes(state, small_layout(), options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace nodezero::actors
