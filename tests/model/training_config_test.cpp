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

TEST(TrainingConfig, NamesTheValueThatCannotWork) {
  const std::pair<const char*, std::function<void(TrainingConfig&)>> cases[] = {
      {"'layers' must be from 1 to 2147483647, not 0", [](auto& c) { c.model.layers = 0; }},
      {"'heads' must be", [](auto& c) { c.model.heads = 0; }},
      {"'width' must be from 1 to 2147483647, not -4", [](auto& c) { c.model.width = -4; }},
      {"'context' must be", [](auto& c) { c.model.context = 0; }},
      {"'vocabulary' must be", [](auto& c) { c.model.vocabulary = 0; }},
      {"'sequences' must be", [](auto& c) { c.sequences = 0; }},
      {"'micro_batches' must be from 1 to 2147483647, not 0", [](auto& c) { c.micro_batches = 0; }},
      {"not 99999999999", [](auto& c) { c.model.width = 99'999'999'999; }},
      {"'heads' must divide 'width' (128), which 5 does not; choose 4",
       [](auto& c) { c.model.heads = 5; }},
      {"which 1000 does not; choose 128", [](auto& c) { c.model.heads = 1000; }},
      {"'dropout' must be at least 0 and below 1, not 1", [](auto& c) { c.model.dropout = 1; }},
      {"below 1, not nan", [](auto& c) { c.model.dropout = NAN; }},
      {"'sequences' must be from 1 to 33554431 with a 'context' of 64, not 40000000",
       [](auto& c) { c.sequences = 40'000'000; }},
      {"'epochs' and 'steps'", [](auto& c) { c.epochs = 0; }},
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
