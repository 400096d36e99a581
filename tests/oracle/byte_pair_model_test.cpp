// SPDX-License-Identifier: BSD-3-Clause

// A GPT-2 with byte-level BPE that the Hugging Face library saved: in ref.json a prompt, its ids
// and their greedy continuation, in ref_logits.npy the prompt's logits.

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "model/gpt2/generation.hpp"
#include "model/storage/model_folder.hpp"
#include "tests/oracle/reading.hpp"
#include "tests/support/source_folder.hpp"

namespace nodezero::oracle {
namespace {

TEST(BytePairModel, ComputesWhatTheReferenceComputesFromText) {
  const auto folder = test::source_folder() / "tests/oracle/data/bpe";
  const auto reference = read_json(folder / "ref.json");
  const auto loaded = value_of(model::load_model_folder(folder));
  ASSERT_TRUE(loaded.tokenizer.has_value());
  const auto prompt = value_of(loaded.tokenizer->encode(reference.at("prompt").get<std::string>()));
  EXPECT_EQ(prompt, reference.at("prompt_ids").get<std::vector<std::int32_t>>());

  const auto expected = read_npy(folder / "ref_logits.npy");
  const auto found = model::logits(loaded.config, loaded.weights, prompt);
  ASSERT_EQ(found.size(), expected.size());
  double largest = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(found[i]) - expected[i]));
  }
  fmt::print("logits differ by at most {:.2e}\n", largest);
  EXPECT_LE(largest, 1e-4);

  const auto greedy = reference.at("greedy").get<std::vector<std::int32_t>>();
  model::Generator generator(loaded.config, loaded.weights, prompt, {.temperature = 0});
  auto ids = prompt;
  while (ids.size() < greedy.size()) {
    ids.push_back(generator.next());
  }
  EXPECT_EQ(loaded.tokenizer->decode(ids), reference.at("greedy_text").get<std::string>());
}

}  // namespace
}  // namespace nodezero::oracle
