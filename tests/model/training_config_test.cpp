// SPDX-License-Identifier: BSD-3-Clause
#include "model/training/training_config.hpp"

#include <cmath>
#include <functional>

#include <gtest/gtest.h>

#include "tests/model/support/files.hpp"

namespace nodezero::model {
namespace {

TEST(TrainingConfig, IsValidAsItComes) {
  EXPECT_TRUE(validate(TrainingConfig{}));
}

TEST(TrainingConfig, NamesTheOptionThatCannotWork) {
  const std::pair<const char*, std::function<void(TrainingConfig&)>> cases[] = {
      {"--layers 0", [](auto& c) { c.model.layers = 0; }},
      {"--heads 0", [](auto& c) { c.model.heads = 0; }},
      {"--width -4", [](auto& c) { c.model.width = -4; }},
      {"--context 0", [](auto& c) { c.model.context = 0; }},
      {"--vocabulary 0", [](auto& c) { c.model.vocabulary = 0; }},
      {"--sequences 0", [](auto& c) { c.sequences = 0; }},
      {"--micro-batches 0", [](auto& c) { c.micro_batches = 0; }},
      {"--width 99999999999", [](auto& c) { c.model.width = 99'999'999'999; }},
      {"--heads 5 does not divide --width 128; choose --heads 4",
       [](auto& c) { c.model.heads = 5; }},
      {"--heads 1000 does not divide --width 128; choose --heads 128",
       [](auto& c) { c.model.heads = 1000; }},
      {"--dropout 1 ", [](auto& c) { c.model.dropout = 1; }},
      {"--dropout nan", [](auto& c) { c.model.dropout = NAN; }},
      {"choose at most --sequences 33554431", [](auto& c) { c.sequences = 40'000'000; }},
      {"--epochs 0 and --steps 0", [](auto& c) { c.epochs = 0; }},
  };
  for (const auto& [named, change] : cases) {
    TrainingConfig config;
    change(config);
    const auto result = validate(config);
    EXPECT_NE(message_of(result).find(named), std::string::npos)
        << message_of(result) << " does not name " << named;
    EXPECT_EQ(result.error().code, ErrorCode::invalid_argument);
  }
}

TEST(TrainingConfig, ChecksTheOptimizersToo) {
  TrainingConfig config;
  config.optimizer.learning_rate = NAN;
  EXPECT_FALSE(validate(config));
}

}  // namespace
}  // namespace nodezero::model
