// SPDX-License-Identifier: BSD-3-Clause

// A run that is asked for text while it trains.

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "actors/serving/run_server.hpp"
#include "model/gpt2/generation.hpp"
#include "model/storage/digest.hpp"
#include "support/stage.hpp"
#include "support/tiny_run.hpp"
#include "tests/serving/support/http_client.hpp"

namespace nodezero::actors::testing {
namespace {

using nlohmann::json;

/// 16 letters for the 16 ids of the tiny model.
model::Tokenizer letters() {
  std::vector<char32_t> alphabet;
  for (char32_t c = U'a'; c < U'a' + 16; ++c) {
    alphabet.push_back(c);
  }
  return model::Tokenizer::chars(alphabet);
}

RunSettings served_settings(std::uint64_t epochs) {
  auto settings = tiny_settings();
  settings.training.epochs = epochs;
  settings.snapshot_every = 1;
  settings.generate_together = 8;
  settings.generation_share = 0.5;
  settings.most_versions = 3;
  return settings;
}

ServedModel tiny_model(const RunSettings& settings) {
  return {.id = "tiny",
          .config = settings.training.model,
          .tokenizer = letters(),
          .start = {.run = settings.run}};
}

/// What a client got: the question's seed, and the answer.
struct Answered {
  std::uint64_t seed;
  std::string version, text;
  bool is_of_one_version = true;
};

/// Trains with so many clients that ask all the time, and some that leave in the middle.
struct ServedRun {
  ServedRun(const RunSettings& settings, int clients) {
    ServingOptions options;
    options.port = 0;
    RunServer server(tiny_model(settings), options);
    Recorder recorder;
    {
      Trainer trainer(settings, recorder, nullptr, &server);
      std::vector<std::thread> threads;
      for (int i = 0; i < clients; ++i) {
        threads.emplace_back([&, i] { ask(server.port(), static_cast<std::uint64_t>(i)); });
      }
      const auto result = trainer.run();
      digest = model::digest(*result.weights);
      is_over = true;
      for (auto& thread : threads) {
        thread.join();
      }
    }
  }

  void ask(std::uint16_t port, std::uint64_t client) {
    for (std::uint64_t i = 0; !is_over; ++i) {
      test::HttpClient connection(port);
      const std::uint64_t seed = client * 1'000'000 + i;
      json body = {
          {"model", "tiny"}, {"prompt", "abc"}, {"max_tokens", 1 + seed % 20}, {"seed", seed}};
      body["n"] = 1 + seed % 3;
      if (client == 0) {
        body["stream"] = true;
        body["max_tokens"] = 1000;
        connection.send(
            test::post_request("/v1/completions", body.dump(), "Connection: close\r\n"));
        connection.wait_for("data: ");
        continue;  // and leaves
      }
      const auto response = connection.post("/v1/completions", body.dump());
      if (response.status == 200) {
        const auto choices = json::parse(response.body)["choices"];
        const auto& version = choices[0]["version"];
        const bool is_of_one = std::ranges::all_of(
            choices, [&](const auto& choice) { return choice["version"] == version; });
        const std::lock_guard lock(mutex);
        answers.push_back({seed, version, choices[0]["text"], is_of_one});
      } else {
        refused += response.status != 503 ? 1 : 0;  // 503: the run has ended
      }
    }
  }

  std::atomic<bool> is_over = false;
  std::atomic<int> refused = 0;
  std::mutex mutex;
  std::vector<Answered> answers;
  std::string digest;
};

/// The weights of every version of a run, which has the same bits when it is run again.
std::map<std::string, ParametersPtr> all_versions(const RunSettings& settings) {
  Stage stage(settings);
  std::map<std::string, ParametersPtr> versions;
  stage.observe = [&](const Stage::Delivery& delivery) {
    if (const auto* message = delivery.as<snapshot>(); message && message->weights) {
      versions.emplace(fingerprint_of({message->envelope}), message->weights);
    }
  };
  auto end = stage.ask<run_ended>(stage.actors().driver, run_all{});
  stage.run();
  EXPECT_TRUE(end.succeeded());
  return versions;
}

TEST(ServedRun, AnswersWithTheBitsOfTheVersionThatItNames) {
  const auto settings = served_settings(12);
  const ServedRun run(settings, 5);
  EXPECT_EQ(run.refused, 0);
  const auto versions = all_versions(settings);
  std::map<std::string, std::size_t> answered_by;
  for (const auto& answer : run.answers) {
    if (answer.version.find("-version-0") != std::string::npos) {
      continue;  // the initial weights are no snapshot of a step
    }
    EXPECT_TRUE(answer.is_of_one_version);
    const auto digest = answer.version.find("-weights-");
    const auto version = answer.version.substr(0, digest);
    ++answered_by[version];
    ASSERT_TRUE(versions.contains(version)) << version;
    ASSERT_EQ(answer.version, version + "-weights-" + model::digest(*versions.at(version)));
    const std::vector<std::int32_t> prompt = {0, 1, 2};
    model::Generator generator(settings.training.model, versions.at(version), prompt,
                               {.temperature = 1, .seed = answer.seed, .vocabulary = 16});
    std::vector<std::int32_t> ids;
    for (std::uint64_t i = 0; i < 1 + answer.seed % 20; ++i) {
      ids.push_back(generator.next());
    }
    ASSERT_EQ(answer.text, letters().decode(ids)) << answer.version;
  }
  EXPECT_GE(answered_by.size(), 3u);
}

TEST(ServedRun, HasTheWeightsOfARunThatNobodyAsks) {
  const auto settings = served_settings(8);
  Recorder recorder;
  const auto alone = run_to_end(settings, recorder);
  EXPECT_EQ(ServedRun(settings, 0).digest, alone.weights);
  EXPECT_EQ(ServedRun(settings, 6).digest, alone.weights);
}

TEST(ServedRun, NamesItselfBeforeAnybodyHasAsked) {
  auto settings = served_settings(1);
  settings.run = 0xabc;
  ServingOptions options;
  options.port = 0;
  RunServer server(tiny_model(settings), options);
  Recorder recorder;
  Trainer trainer(settings, recorder, nullptr, &server);
  const auto list = test::HttpClient(server.port()).get("/v1/models");
  EXPECT_EQ(json::parse(list.body)["data"][0]["run"], "0000000000000abc");
}

TEST(ServedRun, DoesNotStartWithoutItsPort) {
  const auto settings = served_settings(1);
  ServingOptions options;
  options.port = 0;
  RunServer first(tiny_model(settings), options);
  Recorder recorder;
  Trainer trainer(settings, recorder, nullptr, &first);
  options.address = "192.0.2.1";  // nobody's
  RunServer second(tiny_model(settings), options);
  EXPECT_THROW(Trainer(settings, recorder, nullptr, &second), std::runtime_error);
}

}  // namespace
}  // namespace nodezero::actors::testing
