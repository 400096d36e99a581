// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/text/evaluation.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <string>

#include <gtest/gtest.h>

#include "model/gpt2/generation.hpp"
#include "model/gpt2/gpt2.hpp"
#include "model/gpt2/gpt2_layout.hpp"

namespace nodezero::apps {
namespace {

class FixedTokens : public model::TokenSource {
 public:
  explicit FixedTokens(std::vector<std::int32_t> ids) : ids_(std::move(ids)) {}
  std::uint64_t size() const override { return ids_.size(); }
  void read(std::uint64_t offset, std::span<std::int32_t> out) const override {
    std::copy_n(ids_.begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
  }
  const std::vector<std::int32_t>& ids() const { return ids_; }

 private:
  std::vector<std::int32_t> ids_;
};

constexpr model::ModelConfig config{
    .layers = 1, .heads = 2, .width = 16, .context = 8, .vocabulary = 11};

std::shared_ptr<const model::Parameters> weights() {
  auto set = std::make_shared<model::Parameters>(model::gpt2_layout(config));
  model::initialize(config, 7, *set);
  return set;
}

std::shared_ptr<const FixedTokens> tokens(std::size_t count) {
  std::vector<std::int32_t> ids(count);
  for (std::size_t i = 0; i < count; ++i) {
    ids[i] = static_cast<std::int32_t>((i * i + 3 * i) % 11);
  }
  return std::make_shared<FixedTokens>(std::move(ids));
}

/// The definition: -ln p of each target, given the tokens of its window before it.
double mean_by_definition(const FixedTokens& text, model::TokenRange range) {
  const auto set = weights();
  double sum = 0;
  for (auto begin = range.begin; begin + 1 < range.end; begin += 8) {
    const auto length = std::min<std::uint64_t>(8, range.end - 1 - begin);
    const std::vector<std::int32_t> window(text.ids().begin() + static_cast<long>(begin),
                                           text.ids().begin() + static_cast<long>(begin + length));
    const auto logits = model::logits(config, set, window);
    for (std::uint64_t i = 0; i < length; ++i) {
      const std::span row(logits.data() + i * 11, 11);
      double total = 0;
      for (const double logit : row) {
        total += std::exp(logit);
      }
      sum -= row[static_cast<std::size_t>(text.ids()[begin + i + 1])] - std::log(total);
    }
  }
  return sum / static_cast<double>(range.size() - 1);
}

TEST(Evaluation, IsTheMeanOverEveryTargetTheLastShortWindowIncluded) {
  const auto text = tokens(2'500);
  for (const model::TokenRange range : {model::TokenRange{0, 2'500}, model::TokenRange{100, 1'125},
                                        model::TokenRange{3, 8}, model::TokenRange{0, 2}}) {
    const auto found = evaluate(config, *weights(), model::Precision::fp32, text, range, 2);
    EXPECT_NEAR(found.loss, mean_by_definition(*text, range), 1e-5);
    EXPECT_EQ(found.tokens, range.size() - 1);
    EXPECT_EQ(found.windows, (range.size() - 1 + 7) / 8);
    EXPECT_DOUBLE_EQ(found.perplexity(), std::exp(found.loss));
  }
}

TEST(Evaluation, HasTheSameBitsForAnyNumberOfThreads) {
  const auto text = tokens(20'000);
  const auto one = evaluate(config, *weights(), model::Precision::fp32, text, {0, 20'000}, 1);
  for (const std::uint32_t threads : {0U, 2U, 3U, 7U, 100U}) {
    EXPECT_EQ(evaluate(config, *weights(), model::Precision::fp32, text, {0, 20'000}, threads).loss,
              one.loss);
  }
}

TEST(Evaluation, CountsTheBytesOfTargetsAlone) {
  const auto chars = model::Tokenizer::chars({U'a', U'é', U'€'});
  const FixedTokens text({1, 0, 1, 2});
  EXPECT_EQ(target_bytes(chars, text, {0, 4}), 6u);
  EXPECT_EQ(target_bytes(chars, text, {2, 4}), 3u);
  const FixedTokens many(std::vector<std::int32_t>(200'000, 1));
  EXPECT_EQ(target_bytes(chars, many, {0, 200'000}), 2u * 199'999);
}

}  // namespace
}  // namespace nodezero::apps
