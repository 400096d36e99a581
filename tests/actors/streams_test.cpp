// SPDX-License-Identifier: BSD-3-Clause

// Requests with a listener, those that nobody wants any more, and versions that are held.

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "actors/inference/lifecycle.hpp"
#include "actors/lanes/generation_share.hpp"
#include "model/gpt2/generation.hpp"
#include "model/storage/digest.hpp"
#include "support/stage.hpp"

namespace nodezero::actors::testing {
namespace {

/// Hears the pieces of all requests.
class Listener : public runtime::recorded<listener_actor::base> {
 public:
  struct Heard {
    std::vector<std::int32_t> tokens;
    std::set<std::uint64_t> versions;
    std::set<std::string> digests;
  };
  Listener(caf::actor_config& config, std::map<std::uint64_t, Heard>& heard)
      : recorded(config), heard_(heard) {}
  const char* name() const override { return "listener"; }

 protected:
  behavior_type make_behavior() override {
    return {[this](const generated_piece& piece) {
      auto& heard = heard_[piece.ticket];
      heard.versions.insert(piece.envelope.version);
      heard.digests.insert(piece.digest);
      for (const auto& token : piece.tokens) {
        heard.tokens.push_back(token.id);
      }
    }};
  }

 private:
  std::map<std::uint64_t, Heard>& heard_;
};

generate streamed(const listener_actor& listener, std::uint64_t ticket, std::int64_t tokens) {
  generate request{{1, 2, 3}, tokens, {.temperature = 1.0, .seed = ticket}};
  request.options.listener = listener;
  request.options.ticket = ticket;
  return request;
}

RunSettings streaming_settings() {
  auto settings = tiny_settings();
  settings.training.epochs = 8;
  settings.snapshot_every = 1;
  settings.generate_together = 3;
  return settings;
}

TEST(Streams, BringEveryTokenBeforeTheAnswerWhoeverLeaves) {
  const auto settings = streaming_settings();
  std::map<std::uint64_t, Listener::Heard> heard;
  Stage stage(settings);
  std::map<std::uint64_t, ParametersPtr> versions;
  stage.observe = [&](const Stage::Delivery& delivery) {
    if (const auto* message = delivery.as<snapshot>(); message && message->weights) {
      versions[message->envelope.version] = message->weights;
    }
  };
  auto listener = stage.system().spawn<Listener>(heard);
  auto end = stage.ask<run_ended>(stage.actors().driver, run_all{});
  std::mt19937 random(7);
  std::vector<Stage::Asked<generated>> requests;
  std::set<std::uint64_t> left;
  while (!end.answered() && requests.size() < 400) {
    const std::uint64_t ticket = requests.size() + 1;
    requests.push_back(
        stage.ask<generated>(stage.actors().lifecycle,
                             streamed(listener, ticket, static_cast<std::int64_t>(random() % 40))));
    for (auto steps = random() % 20; steps > 0; --steps) {
      stage.step();
    }
    if (random() % 3 == 0) {
      const std::uint64_t leaves = 1 + random() % ticket;
      left.insert(leaves);
      caf::anon_send(stage.actors().lifecycle, abandon_request{leaves});
    }
  }
  stage.run();
  std::size_t cut_short = 0;
  for (std::uint64_t ticket = 1; ticket <= requests.size(); ++ticket) {
    auto& request = requests[ticket - 1];
    ASSERT_TRUE(request.succeeded()) << ticket << ": " << static_cast<int>(request.code());
    const auto& tokens = request.get()->tokens;
    ASSERT_EQ(heard[ticket].tokens, tokens) << ticket;
    const auto version = request.get()->envelope.version;
    if (!tokens.empty()) {
      ASSERT_EQ(heard[ticket].versions, std::set{version});
    }
    if (versions.contains(version)) {
      model::Generator alone(settings.training.model, versions[version],
                             std::vector<std::int32_t>{1, 2, 3},
                             {.temperature = 1.0, .seed = ticket});
      for (const auto token : tokens) {
        ASSERT_EQ(token, alone.next()) << ticket;
      }
    }
    cut_short += left.contains(ticket) && tokens.size() < 5 ? 1 : 0;
  }
  EXPECT_GT(cut_short, 3u);
  listener = nullptr;
}

TEST(Streams, EndAtOnceWhenNobodyWantsThem) {
  auto settings = streaming_settings();
  settings.threads = 1;
  settings.generate_together = 1;
  Stage stage(settings);
  std::size_t pieces = 0;
  stage.observe = [&](const Stage::Delivery& delivery) {
    pieces += delivery.as<generate_some>() && delivery.receiver == "lane" ? 1 : 0;
  };
  generate endless{{1}, 1'000'000, {.seed = 1}};
  endless.options.ticket = 1;
  auto running = stage.ask<generated>(stage.actors().lifecycle, endless);
  endless.options.ticket = 2;
  auto behind_it = stage.ask<generated>(stage.actors().lifecycle, endless);
  stage.run_until([&] { return pieces == 3; });
  caf::anon_send(stage.actors().lifecycle, abandon_request{2});
  caf::anon_send(stage.actors().lifecycle, abandon_request{1});
  stage.run();
  EXPECT_TRUE(running.succeeded());
  EXPECT_LE(pieces, 5u);
  ASSERT_TRUE(behind_it.succeeded());
  EXPECT_TRUE(behind_it.get()->tokens.empty());
}

TEST(Streams, AreDividedEvenlyAmongTheLanesAndTellTheirFirstTokenAtOnce) {
  auto settings = streaming_settings();
  settings.threads = 2;
  settings.generate_together = 8;
  std::map<std::uint64_t, Listener::Heard> heard;
  Stage stage(settings);
  std::set<std::size_t> sizes;
  stage.observe = [&](const Stage::Delivery& delivery) {
    if (const auto* task = delivery.as<generate_some>(); task && delivery.receiver == "lane") {
      sizes.insert(task->sessions.size());
      const bool has_first = std::ranges::any_of(
          task->sessions, [](const auto& session) { return session->tokens.empty(); });
      EXPECT_EQ(task->tokens == 1, has_first) << task->tokens;
    }
  };
  auto listener = stage.system().spawn<Listener>(heard);
  std::vector<Stage::Asked<generated>> requests;
  for (std::uint64_t ticket = 1; ticket <= 6; ++ticket) {
    requests.push_back(
        stage.ask<generated>(stage.actors().lifecycle, streamed(listener, ticket, 41)));
  }
  stage.run();
  for (auto& request : requests) {
    EXPECT_TRUE(request.succeeded());
  }
  EXPECT_EQ(*sizes.rbegin(), 3u);
  listener = nullptr;
}

TEST(Streams, HoldNoMoreVersionsThanTheyMay) {
  auto settings = streaming_settings();
  settings.most_versions = 2;
  settings.threads = 1;
  Stage stage(settings);
  std::map<std::uint64_t, std::weak_ptr<const model::Parameters>> given;
  std::size_t most = 0;
  stage.observe = [&](const Stage::Delivery& delivery) {
    if (const auto* message = delivery.as<infer>()) {
      given[message->envelope.version] = message->weights;
    }
    std::size_t alive = 0;
    for (const auto& [version, weights] : given) {
      alive += weights.expired() ? 0 : 1;
    }
    most = std::max(most, alive);
  };
  auto end = stage.ask<run_ended>(stage.actors().driver, run_all{});
  std::vector<Stage::Asked<generated>> requests;
  while (!end.answered() && requests.size() < 60) {
    requests.push_back(stage.ask<generated>(stage.actors().lifecycle,
                                            generate{{1}, 100, {.seed = requests.size()}}));
    for (int i = 0; i < 60; ++i) {
      stage.step();
    }
  }
  stage.run();
  std::set<std::uint64_t> versions;
  for (auto& request : requests) {
    ASSERT_TRUE(request.succeeded());
    versions.insert(request.get()->envelope.version);
  }
  EXPECT_GE(versions.size(), 3u);
  // Two that answers hold; the optimizer has the newest and the next.
  EXPECT_LE(most, 4u);
}

TEST(Streams, MayAskForAnotherPolicyThanTheRuns) {
  auto settings = streaming_settings();
  Stage stage(settings);
  auto epoch = stage.ask<epoch_done>(stage.actors().root, begin_epoch{stage.start()});
  stage.run_until([&] { return stage.recorder().steps.size() == 1; });
  const auto ask = [&](InferencePolicy policy) {
    generate request{{1}, 1, {.seed = 1}};
    request.options.policy = policy;
    return stage.ask<generated>(stage.actors().lifecycle, request);
  };
  auto refused = ask(InferencePolicy::refuse);
  auto waits = ask(InferencePolicy::wait);
  stage.run_until([&] { return refused.answered(); });
  EXPECT_EQ(refused.code(), ErrorCode::busy);
  EXPECT_FALSE(waits.answered() || epoch.answered());
  stage.run();
  ASSERT_TRUE(waits.succeeded());
  EXPECT_EQ(waits.get()->envelope.step, settings.training_batches->steps_in_epoch(0));
}

TEST(Streams, OfSeveralPromptsAreOfOneVersion) {
  Stage stage(streaming_settings());
  auto end = stage.ask<run_ended>(stage.actors().driver, run_all{});
  const auto after_step = [&](std::size_t steps) {
    stage.run_until([&] { return stage.recorder().steps.size() == steps; });
  };
  const auto ask = [&](std::uint64_t ticket, std::uint64_t follows,
                       InferencePolicy policy = InferencePolicy::snapshot) {
    generate request{{1}, 4, {.seed = 1}};
    request.options.policy = policy;
    request.options.ticket = ticket;
    request.options.follows = follows;
    request.options.followers = follows == 0 ? 2 : 0;
    return stage.ask<generated>(stage.actors().lifecycle, request);
  };
  after_step(1);
  auto first = ask(1, 0);
  after_step(2);
  auto second = ask(2, 1);
  after_step(3);
  EXPECT_TRUE(first.answered()) << "the others are answered from its version all the same";
  auto third = ask(3, 1);
  auto stranger = ask(4, 1);
  // The first waits for the end of the epoch, and the others come before it and after.
  auto waits = ask(5, 0, InferencePolicy::wait);
  after_step(4);
  auto waits_too = ask(6, 5, InferencePolicy::wait);
  stage.run_until([&] { return waits.answered(); });
  auto late = ask(7, 5, InferencePolicy::wait);
  stage.run();
  const auto version = [](auto& request) { return request.get()->envelope.version; };
  ASSERT_TRUE(first.succeeded() && second.succeeded() && third.succeeded());
  EXPECT_EQ(version(second), version(first));
  EXPECT_EQ(version(third), version(first));
  EXPECT_GT(version(stranger), version(first)) << "all that were announced have come";
  ASSERT_TRUE(waits.succeeded() && waits_too.succeeded() && late.succeeded());
  EXPECT_GT(version(waits), version(stranger));
  EXPECT_EQ(version(waits_too), version(waits));
  EXPECT_EQ(version(late), version(waits));
}

TEST(Streams, NameTheDigestOfTheirWeights) {
  auto settings = streaming_settings();
  std::map<std::uint64_t, Listener::Heard> heard;
  Stage stage(settings);
  std::map<std::uint64_t, std::string> digests;
  stage.observe = [&](const Stage::Delivery& delivery) {
    if (const auto* message = delivery.as<infer>()) {
      digests[message->envelope.version] = model::digest(*message->weights);
    }
  };
  auto listener = stage.system().spawn<Listener>(heard);
  auto end = stage.ask<run_ended>(stage.actors().driver, run_all{});
  std::vector<Stage::Asked<generated>> requests;
  while (!end.answered() && requests.size() < 40) {
    auto request = streamed(listener, requests.size() + 1, 20);
    request.options.names_digest = requests.size() % 3 != 0;
    requests.push_back(stage.ask<generated>(stage.actors().lifecycle, request));
    for (int i = 0; i < 60; ++i) {
      stage.step();
    }
  }
  stage.run();
  for (std::size_t i = 0; i < requests.size(); ++i) {
    ASSERT_TRUE(requests[i].succeeded());
    const auto version = requests[i].get()->envelope.version;
    EXPECT_EQ(heard[i + 1].digests, std::set{i % 3 != 0 ? digests[version] : std::string()});
  }
  EXPECT_GE(digests.size(), 3u);
  listener = nullptr;
}

TEST(GenerationShare, IsKeptOverTime) {
  GenerationShare share(0.2);
  double generated = 0, trained = 0;
  for (int i = 0; i < 1000; ++i) {
    if (share.is_used_up()) {
      share.add_training(std::chrono::duration<double>(0.05));
      trained += 0.05;
    } else {
      share.add_generation(std::chrono::duration<double>(0.002));
      generated += 0.002;
    }
  }
  EXPECT_NEAR(generated / (generated + trained), 0.2, 0.02);
}

TEST(GenerationShare, ForgetsALongTimeInWhichNobodyTrained) {
  GenerationShare share(0.2);
  share.add_generation(std::chrono::hours(1));
  EXPECT_TRUE(share.is_used_up());
  share.add_training(std::chrono::seconds(6));
  EXPECT_FALSE(share.is_used_up());
  EXPECT_FALSE(GenerationShare(1).is_used_up());
}

}  // namespace
}  // namespace nodezero::actors::testing
