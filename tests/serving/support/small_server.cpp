// SPDX-License-Identifier: BSD-3-Clause
#include "support/small_server.hpp"

#include <utility>

#include <gtest/gtest.h>

#include "formats/printable_text.hpp"
#include "model/gpt2/gpt2.hpp"
#include "model/gpt2/gpt2_layout.hpp"

namespace nodezero::test {

actors::ModelServerSettings small_model(std::int64_t context, std::uint64_t seed) {
  const model::ModelConfig config{
      .layers = 2, .heads = 2, .width = 16, .context = context, .vocabulary = 256};
  auto weights = std::make_shared<model::Parameters>(model::gpt2_layout(config));
  model::initialize(config, seed, *weights);
  for (float& value : weights->values()) {
    value *= 8;
  }
  actors::ModelServerSettings settings{
      .model = {.id = "small", .config = config, .tokenizer = model::Tokenizer::bytes()},
      .weights = std::move(weights),
      .lanes = 2};
  settings.model.digest = "0123456789abcdef";
  settings.options.port = 0;
  return settings;
}

SmallServer::SmallServer(actors::ModelServerSettings settings) : settings_(std::move(settings)) {
  auto server = actors::ModelServer::open(settings_.options, settings_.lanes);
  if (!server) {
    throw std::runtime_error(server.error().message);
  }
  server_ = std::move(*server);
  server_->serve(settings_);
}

std::vector<std::int32_t> SmallServer::offline(const std::string& prompt, std::int64_t tokens,
                                               const model::SamplingOptions& options) const {
  const auto ids = settings_.model.tokenizer.encode(prompt).value();
  model::Generator generator(settings_.model.config, settings_.weights, ids, options,
                             settings_.precision);
  std::vector<std::int32_t> generated;
  for (std::int64_t i = 0; i < tokens; ++i) {
    generated.push_back(generator.next());
  }
  return generated;
}

std::string SmallServer::offline_text(const std::string& prompt, std::int64_t tokens,
                                      const model::SamplingOptions& options) const {
  return formats::well_formed(settings_.model.tokenizer.decode(offline(prompt, tokens, options)));
}

nlohmann::json SmallServer::complete(nlohmann::json body, int status) const {
  if (!body.contains("model")) {
    body["model"] = settings_.model.id;
  }
  auto response = connect().post("/v1/completions", body.dump());
  EXPECT_EQ(response.status, status) << body << response.body;
  return nlohmann::json::parse(response.body);
}

}  // namespace nodezero::test
