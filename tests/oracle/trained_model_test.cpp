// SPDX-License-Identifier: BSD-3-Clause

// A model that the Hugging Face library saved, and what that library computed with it: in ref.json
// the greedy continuation of a prompt, and the mean loss of windows at offsets of a text (in the
// folder above), of every token but a window's first; in ref_logits.npy the prompt's logits.

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "model/gpt2/generation.hpp"
#include "model/gpt2/gpt2.hpp"
#include "model/storage/model_folder.hpp"
#include "tests/oracle/folders.hpp"
#include "tests/oracle/listed_windows.hpp"
#include "tests/oracle/reading.hpp"

namespace nodezero::oracle {
namespace {

class TrainedModel : public testing::Test {
 protected:
  void SetUp() override {
    reference_ = read_json(folders().model / "ref.json");
    loaded_ = value_of(model::load_model_folder(folders().model));
    prompt_ = reference_.at("prompt_ids").get<std::vector<std::int32_t>>();
  }

  nlohmann::json reference_;
  model::ModelFolder loaded_;
  std::vector<std::int32_t> prompt_;
};

TEST_F(TrainedModel, HasTheReferencesLogits) {
  const auto expected = read_npy(folders().model / "ref_logits.npy");
  const auto found = model::logits(loaded_.config, loaded_.weights, prompt_);
  ASSERT_EQ(found.size(), expected.size());
  double largest = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(found[i]) - expected[i]));
  }
  fmt::print("logits differ by at most {:.2e}\n", largest);
  EXPECT_LE(largest, 1e-4);
}

TEST_F(TrainedModel, ContinuesThePromptAsTheReferenceDoes) {
  const auto expected = reference_.at("greedy").get<std::vector<std::int32_t>>();
  model::Generator generator(loaded_.config, loaded_.weights, prompt_, {.temperature = 0});
  auto found = prompt_;
  while (found.size() < expected.size()) {
    found.push_back(generator.next());
  }
  EXPECT_EQ(found, expected);
  ASSERT_TRUE(loaded_.tokenizer.has_value());
  EXPECT_EQ(loaded_.tokenizer->decode(found), reference_.at("greedy_text").get<std::string>());
}

TEST_F(TrainedModel, HasTheReferencesLoss) {
  const auto text =
      folders().model.lexically_normal() / ".." / reference_.at("text").get<std::string>();
  const auto targets = reference_.at("window").get<std::int64_t>() - 1;
  const auto offsets = reference_.at("offsets").get<std::vector<std::uint64_t>>();
  const ListedWindows windows(read_text(text, loaded_.tokenizer.value()), targets, {{offsets}});
  model::Workspace workspace;
  const auto sum =
      model::loss(loaded_.config, *loaded_.weights, windows.micro_batch(0, 0, 0), workspace);
  ASSERT_EQ(sum.valid_tokens, static_cast<std::int64_t>(offsets.size()) * targets);
  const double found = sum.negative_log_likelihood / static_cast<double>(sum.valid_tokens);
  const double difference = std::abs(found - reference_.at("loss").get<double>());
  fmt::print("loss differs by {:.2e}\n", difference);
  EXPECT_LE(difference, 1e-4);
}

}  // namespace
}  // namespace nodezero::oracle
