// SPDX-License-Identifier: BSD-3-Clause
#include "actors/embedding/state_bytes.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>

#include <gtest/gtest.h>

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

/// The state as versions before wrote it: the header is not padded.
std::vector<std::byte> without_padding(std::span<const std::byte> state) {
  std::string text(reinterpret_cast<const char*>(state.data()), state.size());
  std::uint32_t length = 0;
  std::memcpy(&length, text.data() + 12, sizeof length);
  const std::size_t end = text.find_last_not_of(' ', fixed_size + length - 1) + 1;
  text.erase(end, fixed_size + length - end);
  length = static_cast<std::uint32_t>(end - fixed_size);
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
  const std::size_t size = checkpoint_to_bytes(checkpoint_with({})).size();
  for (const model::TrainingProgress& progress :
       {model::TrainingProgress{1, 2, 3, 12345, 12345, 1.0 / 3, 99, -least, 7},
        model::TrainingProgress{most, most, most, most, most, lowest, most, lowest, most}}) {
    const auto state = checkpoint_to_bytes(checkpoint_with(progress));
    EXPECT_EQ(state.size(), size);
    const auto read = checkpoint_from_bytes(state, small_layout());
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->progress, progress);
  }
}

TEST(StateBytes, OfVersionsThatDidNotPadAreReadAsWell) {
  const auto padded = checkpoint_to_bytes(checkpoint_with({.step = 12}));
  const auto state = without_padding(padded);
  ASSERT_LT(state.size(), padded.size());
  const auto read = checkpoint_from_bytes(state, small_layout());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->progress.step, 12u);
  EXPECT_EQ(read->weights->at("weight")[0], 0.5f);
}

}  // namespace
}  // namespace nodezero::actors
