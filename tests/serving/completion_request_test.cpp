// SPDX-License-Identifier: BSD-3-Clause
#include "actors/serving/completion_request.hpp"

#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace nodezero::actors {
namespace {

using nlohmann::json;

tl::expected<CompletionRequest, ApiError> read(const json& more,
                                               const ServingOptions& options = {}) {
  static const ServedModel model{
      .id = "m", .config = {.context = 10}, .tokenizer = model::Tokenizer::bytes()};
  json body = {{"model", "m"}, {"prompt", "ab"}};
  if (!more.is_null()) {
    body.update(more);
  }
  return read_completion_request(body.dump(), model, options, 77);
}

/// The parameter that is blamed.
std::string blamed(const json& more) {
  const auto request = read(more);
  EXPECT_FALSE(request) << more;
  if (request) {
    return "nobody";
  }
  EXPECT_EQ(request.error().status, 400);
  return request.error().param;
}

TEST(CompletionRequest, HasOpenAisDefaults) {
  const auto request = read({}).value();
  EXPECT_EQ(request.prompts, (std::vector<std::vector<std::int32_t>>{{'a', 'b'}}));
  EXPECT_EQ(request.tokens, 16);
  EXPECT_EQ(request.choices, 1u);
  EXPECT_EQ(request.sampling.temperature, 1.0);
  EXPECT_EQ(request.sampling.top_p, 1.0);
  EXPECT_EQ(request.sampling.seed, 77u);
  EXPECT_FALSE(request.stream || request.echo || request.log_probabilities || request.policy);
}

TEST(CompletionRequest, TakesPromptsInAllForms) {
  using Prompts = std::vector<std::vector<std::int32_t>>;
  EXPECT_EQ(read({{"prompt", {"a", "bc"}}})->prompts, (Prompts{{'a'}, {'b', 'c'}}));
  EXPECT_EQ(read({{"prompt", {1, 2}}})->prompts, (Prompts{{1, 2}}));
  EXPECT_EQ(read({{"prompt", {{1, 2}, {3}}}})->prompts, (Prompts{{1, 2}, {3}}));
  for (const json& prompt :
       {json(1), json::object(), json::array(), json({1, "a"}), json({256}), json({-1}),
        json({1.5}), json(""), json(std::vector<std::string>{"a", ""})}) {
    EXPECT_EQ(blamed({{"prompt", prompt}}), "prompt") << prompt;
  }
  EXPECT_EQ(read({{"prompt", std::string(10, 'a')}})->prompts.size(), 1u);
  EXPECT_EQ(read({{"prompt", std::string(11, 'a')}}).error().code, "context_length_exceeded");
}

TEST(CompletionRequest, TakesEachParameter) {
  const auto request = read({{"max_tokens", 3.0},
                             {"temperature", 0},
                             {"top_p", 0.5},
                             {"top_k", 7},
                             {"n", 2},
                             {"best_of", 2},
                             {"seed", 18446744073709551615U},
                             {"stop", {"x", "y"}},
                             {"logprobs", 5},
                             {"echo", true},
                             {"logit_bias", {{"65", -100}}},
                             {"stream", true},
                             {"stream_options", {{"include_usage", true}}},
                             {"policy", "wait"},
                             {"timeout", 1.5},
                             {"user", "somebody"},
                             {"presence_penalty", 0},
                             {"suffix", nullptr}})
                           .value();
  EXPECT_EQ(request.tokens, 3);
  EXPECT_EQ(request.sampling.temperature, 0);
  EXPECT_EQ(request.sampling.top_p, 0.5);
  EXPECT_EQ(request.sampling.top_k, 7);
  EXPECT_EQ(request.choices, 2u);
  EXPECT_EQ(request.sampling.seed, 18446744073709551615U);
  EXPECT_EQ(request.stops, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(request.log_probabilities, 5);
  EXPECT_EQ(request.bias, (std::vector<std::pair<std::int32_t, float>>{{65, -100.0f}}));
  EXPECT_TRUE(request.echo && request.stream && request.include_usage);
  EXPECT_EQ(request.policy, InferencePolicy::wait);
  EXPECT_EQ(request.timeout, std::chrono::milliseconds(1500));
}

TEST(CompletionRequest, RefusesByNameWhatItDoesNotDo) {
  const std::vector<std::pair<std::string, json>> cases = {
      {"suffix", "x"},
      {"best_of", 3},
      {"presence_penalty", 0.5},
      {"frequency_penalty", -1},
      {"temperature", -1},
      {"temperature", "hot"},
      {"top_p", 2},
      {"top_p", 0},
      {"top_k", -1},
      {"n", 0},
      {"n", 129},
      {"max_tokens", -1},
      {"max_tokens", 1.5},
      {"max_tokens", 1e300},
      {"seed", -1},
      {"stop", ""},
      {"stop", {"a", "b", "c", "d", "e"}},
      {"stop", 1},
      {"logprobs", 6},
      {"logprobs", true},
      {"echo", 1},
      {"stream", "yes"},
      {"stream_options", {{"include_usage", true}}},
      {"stream_options", {{"other", true}}},
      {"logit_bias", {{"256", 1}}},
      {"logit_bias", {{"a", 1}}},
      {"logit_bias", {{"1", 101}}},
      {"policy", "now"},
      {"timeout", 0},
      {"timeout", -1},
      {"timeout", "1"},
      {"timeout", 1e9},
      {"tools", json::array()},
  };
  for (const auto& [name, value] : cases) {
    EXPECT_EQ(blamed({{name, value}}), name) << value;
  }
  EXPECT_EQ(read({{"tools", 1}}).error().code, "unknown_parameter");
  EXPECT_EQ(blamed({{"model", nullptr}}), "model");
}

TEST(CompletionRequest, AsksForNoMoreChoicesThanTheQueueHolds) {
  const ServingOptions options{.queue = 3};
  EXPECT_TRUE(read({{"n", 3}}, options));
  EXPECT_EQ(read({{"n", 4}}, options).error().param, "n");
  EXPECT_EQ(read({{"n", 2}, {"prompt", {"a", "b"}}}, options).error().param, "n");
}

TEST(CompletionRequest, RefusesWhatIsNoObject) {
  const ServedModel model{.id = "m", .config = {}, .tokenizer = model::Tokenizer::bytes()};
  for (const char* const body : {"", "[]", "1", "{", "{\"a\":\xFF}", "null"}) {
    const auto request = read_completion_request(body, model, ServingOptions{}, 1);
    ASSERT_FALSE(request) << body;
    EXPECT_EQ(request.error().status, 400);
  }
}

}  // namespace
}  // namespace nodezero::actors
