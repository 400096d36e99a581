// SPDX-License-Identifier: BSD-3-Clause

// Row D8 of the regressions: memory is known beforehand and does not grow from step to step.
#include "model/gpt2/workspace.hpp"

#include <gtest/gtest.h>

#include "tests/model/support/small_model.hpp"

namespace nodezero::model {
namespace {

const ModelConfig config{.layers = 2, .heads = 2, .width = 32, .context = 24, .vocabulary = 51};

TEST(Workspace, TakesWhatWasForeseenAndIsReused) {
  const Parameters weights = test::uneven_weights(config, 1);
  Gradient gradient(weights.layout());
  Workspace workspace;
  const auto run = [&](std::int64_t sequences, std::int64_t context) {
    loss_and_gradient(config, weights, test::random_batch(config, sequences, context, 1), {},
                      gradient, workspace);
    return workspace.state().buffer.data();
  };
  const float* const first = run(3, 24);
  EXPECT_EQ(workspace.state().buffer.size() * sizeof(float),
            workspace_bytes(config, Precision::fp32, 3));
  EXPECT_EQ(run(3, 24), first);
  EXPECT_EQ(run(1, 7), first);
  EXPECT_EQ(run(3, 24), first);
  run(5, 24);
  EXPECT_EQ(workspace.state().buffer.size() * sizeof(float),
            workspace_bytes(config, Precision::fp32, 5));
}

TEST(Workspace, DoesNotHoldAllLogitsOfALargeVocabulary) {
  const ModelConfig gpt2{
      .layers = 12, .heads = 12, .width = 768, .context = 1024, .vocabulary = 50257};
  const ModelConfig same_with_small_vocabulary{
      .layers = 12, .heads = 12, .width = 768, .context = 1024, .vocabulary = 1};
  EXPECT_LT(workspace_bytes(gpt2, Precision::fp32, 8) -
                workspace_bytes(same_with_small_vocabulary, Precision::fp32, 8),
            std::size_t{33} << 20);
}

TEST(FlopsPerToken, FollowTheUsualConvention) {
  const ModelConfig gpt2{
      .layers = 12, .heads = 12, .width = 768, .context = 1024, .vocabulary = 50257};
  EXPECT_DOUBLE_EQ(flops_per_token(gpt2),
                   6.0 * (12.0 * 12 * 768 * 768 + 50257.0 * 768) + 12.0 * 12 * 768 * 1024);
}

}  // namespace
}  // namespace nodezero::model
