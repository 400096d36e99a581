// SPDX-License-Identifier: BSD-3-Clause

// What a model says while it generates has the bits of its training forward pass.

#include <algorithm>
#include <memory>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "model/gpt2/decoder.hpp"
#include "model/gpt2/generation.hpp"
#include "model/gpt2/gpt2.hpp"
#include "model/kernels/cross_entropy.hpp"
#include "model/kernels/floating_point_scope.hpp"
#include "tests/model/support/each_level.hpp"
#include "tests/model/support/small_model.hpp"

namespace nodezero::model {
namespace {

using Tokens = std::vector<std::int32_t>;

// Odd sizes; several blocks of queries; a vocabulary that is no multiple of anything.
const ModelConfig models[] = {
    {.layers = 2, .heads = 3, .width = 33, .context = 23, .vocabulary = 41},
    {.layers = 1, .heads = 2, .width = 64, .context = 150, .vocabulary = 65},
    {.layers = 3, .heads = 4, .width = 48, .context = 64, .vocabulary = 257},
};
constexpr Precision precisions[] = {Precision::fp32, Precision::bf16, Precision::bf16_tile};

std::shared_ptr<const Parameters> weights_of(const ModelConfig& config) {
  return std::make_shared<const Parameters>(test::uneven_weights(config, 1));
}

/// The log-probabilities of tokens 1, 2, ... of a window in the forward pass of training.
std::vector<double> of_training(const ModelConfig& config, const Parameters& weights,
                                std::span<const std::int32_t> window, Workspace& workspace) {
  const MicroBatch batch{.sequences = 1,
                         .context = static_cast<Index>(window.size()) - 1,
                         .inputs = Tokens(window.begin(), window.end() - 1),
                         .targets = Tokens(window.begin() + 1, window.end()),
                         .valid_tokens = static_cast<Index>(window.size()) - 1};
  std::vector<double> losses = token_losses(config, weights, batch, workspace);
  std::ranges::for_each(losses, [](double& loss) { loss = -loss; });
  return losses;
}

template <class Function>
void for_each_model(Function function) {
  const FloatingPointScope scope;
  test::with_each_level([&](std::string_view level) {
    for (const ModelConfig& config : models) {
      for (const Precision precision : precisions) {
        SCOPED_TRACE(testing::Message()
                     << "width " << config.width << ", precision " << static_cast<int>(precision));
        function(config, precision, level);
      }
    }
  });
}

TEST(TrainEqualsGenerate, ForEveryTokenAcrossFullContexts) {
  for_each_model([](const ModelConfig& config, Precision precision, std::string_view level) {
    const auto weights = weights_of(config);
    Workspace workspace(precision);
    // The slowest kernels compute a few prompts only.
    for (std::uint64_t prompt = 0; prompt < (level == "portable" ? 1 : 8); ++prompt) {
      Tokens window =
          test::random_batch(config, 1, 1 + static_cast<Index>(prompt * 5) % 20, prompt).inputs;
      Generator generator(config, weights, window, {.temperature = 0.9, .seed = prompt}, precision);
      for (Index i = 0; i < config.context + 9; ++i) {
        if (static_cast<Index>(window.size()) > config.context) {
          window.erase(window.begin(), window.end() - std::max<Index>(1, config.context / 2));
        }
        window.push_back(generator.next());
        const std::vector<double> expected = of_training(config, *weights, window, workspace);
        ASSERT_EQ(generator.log_probability(), expected.back())
            << "prompt " << prompt << ", token " << i;
      }
    }
  });
}

TEST(TrainEqualsGenerate, ForTheWholeFamily) {
  const FloatingPointScope scope;
  for (const ModelConfig& config : test::family_of(models[0])) {
    const auto weights = weights_of(config);
    for (const Precision precision : precisions) {
      Workspace workspace(precision);
      Tokens window = test::random_batch(config, 1, 4, 1).inputs;
      Generator generator(config, weights, window, {.temperature = 0.9}, precision);
      while (static_cast<Index>(window.size()) <= config.context) {
        window.push_back(generator.next());
        ASSERT_EQ(generator.log_probability(),
                  of_training(config, *weights, window, workspace).back())
            << "precision " << static_cast<int>(precision) << ", token " << window.size();
      }
    }
  }
}

TEST(TrainEqualsGenerate, ForPromptsInPiecesOfAnySize) {
  for_each_model([](const ModelConfig& config, Precision precision, std::string_view) {
    const auto weights = weights_of(config);
    const Tokens window = test::random_batch(config, 1, config.context, 9).inputs;
    Workspace workspace(precision);
    const std::vector<double> expected = of_training(config, *weights, window, workspace);
    const DecoderWeights given(weights, precision);
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, window.size()}) {
      Decoder decoder(config, given);
      KeyValueCache cache(config);
      for (std::size_t first = 0; first < window.size(); first += piece) {
        const std::size_t count = std::min(piece, window.size() - first);
        const ConstMatrix hidden = decoder.extend(
            std::array{Decoder::Piece{&cache, std::span(window).subspan(first, count)}});
        std::vector<float> logits(count * static_cast<std::size_t>(config.vocabulary));
        const Matrix rows(logits, static_cast<Index>(count), config.vocabulary);
        decoder.logits(hidden, rows);
        for (std::size_t i = 0; i < count && first + i + 1 < window.size(); ++i) {
          ASSERT_EQ(
              -negative_log_likelihood(rows.row(static_cast<Index>(i)), window[first + i + 1]),
              expected[first + i])
              << "piece " << piece << ", token " << first + i;
        }
      }
    }
  });
}

}  // namespace
}  // namespace nodezero::model
