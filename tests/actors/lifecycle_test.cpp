// SPDX-License-Identifier: BSD-3-Clause

// Rows A2, A5, A10 and A11: who may read the weights when, and how a run ends.

#include "actors/inference/lifecycle.hpp"

#include <limits>
#include <map>
#include <set>
#include <utility>

#include <gtest/gtest.h>

#include "model/gpt2/generation.hpp"
#include "model/gpt2/gpt2_layout.hpp"
#include "model/storage/digest.hpp"
#include "support/stage.hpp"

namespace nodezero::actors::testing {
namespace {

generate ask_for(std::int64_t tokens, std::uint64_t seed) {
  return {{1, 2, 3}, tokens, {.temperature = 1.0, .seed = seed}};
}

// A thousand requests spread over the deliveries of three epochs.
struct Flood {
  explicit Flood(InferencePolicy policy) : settings(make(policy)), stage(settings) {
    stage.observe = [this](const Stage::Delivery& delivery) {
      if (const auto* message = delivery.as<snapshot>(); message && message->weights) {
        versions[message->envelope.version] = message->weights;
      }
    };
    auto end = stage.ask<run_ended>(stage.actors().driver, run_all{});
    stage.run_until([this] { return !stage.recorder().steps.empty(); });
    while (requests.size() < 1000) {
      requests.push_back(stage.ask<generated>(
          stage.actors().lifecycle,
          ask_for(static_cast<std::int64_t>(requests.size() % 7), requests.size())));
      for (int i = 0; i < 12; ++i) {
        stage.step();
      }
      if (end.answered()) {
        break;
      }
    }
    asked_in_time = !end.answered();
    stage.run();
    finished = end.succeeded() && !end.get()->reason;
  }

  static RunSettings make(InferencePolicy policy) {
    auto settings = tiny_settings();
    settings.training.epochs = 12;
    settings.inference = policy;
    return settings;
  }

  RunSettings settings;
  Stage stage;
  std::map<std::uint64_t, ParametersPtr> versions;
  std::vector<Stage::Asked<generated>> requests;
  bool asked_in_time = false;
  bool finished = false;
};

TEST(Inference, IsAnsweredFromCompleteSnapshotsDuringTraining) {  // A2
  Flood flood(InferencePolicy::snapshot);
  ASSERT_TRUE(flood.finished);
  ASSERT_EQ(flood.requests.size(), 1000u);
  std::set<std::uint64_t> answered_by;
  for (std::size_t i = 0; i < flood.requests.size(); ++i) {
    auto& request = flood.requests[i];
    ASSERT_TRUE(request.succeeded()) << i << ": " << static_cast<int>(request.code());
    const std::uint64_t version = request.get()->envelope.version;
    answered_by.insert(version);
    if (version == 0) {
      continue;
    }
    ASSERT_TRUE(flood.versions.contains(version)) << "version " << version << " is not a snapshot";
    const auto question = ask_for(static_cast<std::int64_t>(i % 7), i);
    model::Generator offline(flood.settings.training.model, flood.versions[version],
                             question.prompt, question.sampling);
    std::vector<std::int32_t> expected;
    for (std::int64_t t = 0; t < question.tokens; ++t) {
      expected.push_back(offline.next());
    }
    ASSERT_EQ(request.get()->tokens, expected) << "request " << i << ", version " << version;
  }
  EXPECT_GE(answered_by.size(), 3u);
}

TEST(Inference, WaitsForTheEpochBoundaryIfThatIsThePolicy) {  // A2
  Flood flood(InferencePolicy::wait);
  ASSERT_TRUE(flood.finished);
  std::size_t answered = 0;
  for (auto& request : flood.requests) {
    ASSERT_TRUE(request.succeeded());
    ++answered;
    EXPECT_TRUE(request.get()->envelope.version == 0 ||
                flood.versions.contains(request.get()->envelope.version));
    // A boundary's envelope names the first step of the next epoch.
    std::uint64_t boundary = 0;
    bool at_boundary = request.get()->envelope.step == 0;
    for (std::uint64_t epoch = 0; epoch < 12; ++epoch) {
      boundary += flood.settings.training_batches->steps_in_epoch(epoch);
      at_boundary = at_boundary || request.get()->envelope.step == boundary;
    }
    EXPECT_TRUE(at_boundary) << to_string(request.get()->envelope);
  }
  EXPECT_GT(answered, 500u);
}

TEST(Inference, IsRefusedByATypedErrorIfThatIsThePolicy) {  // A2
  auto settings = tiny_settings();
  settings.inference = InferencePolicy::refuse;
  Stage stage(settings);
  auto epoch = stage.ask<epoch_done>(stage.actors().root, begin_epoch{stage.start()});
  stage.run_until([&] { return stage.recorder().steps.size() == 1; });
  std::vector<Stage::Asked<generated>> requests;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    requests.push_back(stage.ask<generated>(stage.actors().lifecycle, ask_for(3, i)));
  }
  stage.run_until([&] { return requests.back().answered(); });
  EXPECT_FALSE(epoch.answered());
  for (auto& request : requests) {
    ASSERT_EQ(request.code(), ErrorCode::busy);
  }
  stage.run();
  auto after = stage.ask<generated>(stage.actors().lifecycle, ask_for(3, 1));
  stage.run();
  EXPECT_TRUE(after.succeeded());  // between epochs it answers
}

TEST(Inference, NeverWaitsLongerThanItsBound) {  // A2
  auto settings = tiny_settings();
  settings.inference = InferencePolicy::wait;
  settings.inference_timeout = std::chrono::seconds(5);
  Stage stage(settings);
  auto epoch = stage.ask<epoch_done>(stage.actors().root, begin_epoch{stage.start()});
  stage.run_until([&] { return stage.recorder().steps.size() == 1; });
  stage.hold = is<compute>;
  auto request = stage.ask<generated>(stage.actors().lifecycle, ask_for(3, 1));
  stage.run();
  EXPECT_FALSE(request.answered());
  stage.advance(std::chrono::seconds(6));
  EXPECT_EQ(request.code(), ErrorCode::timed_out);
}

TEST(Inference, StopsWhenItsTimeIsUp) {
  auto settings = tiny_settings();
  settings.threads = 1;
  settings.inference_timeout = std::chrono::seconds(5);
  Stage stage(settings);
  std::size_t pieces = 0;
  stage.observe = [&](const Stage::Delivery& delivery) {
    pieces += is<generate_some>(delivery) && delivery.receiver == "lane" ? 1 : 0;
  };
  stage.hold = [&](const Stage::Delivery& delivery) {
    return pieces == 2 && is<generated_some>(delivery);
  };
  auto too_long = stage.ask<generated>(stage.actors().lifecycle, ask_for(100'000, 1));
  auto behind_it = stage.ask<generated>(stage.actors().lifecycle, ask_for(3, 1));
  stage.run();
  stage.advance(std::chrono::seconds(4));
  auto later = stage.ask<generated>(stage.actors().lifecycle, ask_for(3, 1));
  stage.advance(std::chrono::seconds(2));
  EXPECT_EQ(too_long.code(), ErrorCode::timed_out);
  EXPECT_EQ(behind_it.code(), ErrorCode::timed_out);
  stage.hold = nullptr;
  stage.run();
  EXPECT_TRUE(later.succeeded());
  EXPECT_LE(pieces, 4u) << "two of the first request and one of each other";
}

TEST(Inference, RefusesMoreTokensThanItsBound) {
  Stage stage(tiny_settings());
  const auto code = [&](generate request) {
    auto asked = stage.ask<generated>(stage.actors().lifecycle, std::move(request));
    stage.run();
    return asked.code();
  };
  const auto most = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(code(ask_for(1'000'001, 1)), ErrorCode::invalid_argument);
  EXPECT_EQ(code(ask_for(most, 1)), ErrorCode::invalid_argument);
  EXPECT_EQ(code(ask_for(-1, 1)), ErrorCode::invalid_argument);
  EXPECT_EQ(code({{}, 1, {}}), ErrorCode::invalid_argument);
  EXPECT_EQ(code({{1, 16}, 1, {}}), ErrorCode::failed) << "no such token";
  EXPECT_EQ(code(ask_for(1, 1)), ErrorCode{});
}

TEST(Inference, RefusesMoreRequestsThanItsBound) {
  Stage stage(tiny_settings());
  const auto weights =
      std::make_shared<const model::Parameters>(model::gpt2_layout(tiny_settings().training.model));
  const lifecycle_actor lifecycle = stage.system().spawn<actors::lifecycle>(
      actors::lifecycle::Settings{.wait_timeout = std::chrono::minutes(5), .most_open = 3},
      snapshot{stage.start(), weights, true}, stage.actors().inference);
  stage.hold = is<infer>;
  std::vector<Stage::Asked<generated>> requests;
  const auto ask = [&] {
    requests.push_back(stage.ask<generated>(lifecycle, ask_for(1, 1)));
    stage.run();
  };
  for (int i = 0; i < 4; ++i) {
    ask();
  }
  EXPECT_EQ(requests[3].code(), ErrorCode::queue_full);
  stage.hold = nullptr;
  stage.run();
  ask();
  for (const std::size_t i : {0, 1, 2, 4}) {
    EXPECT_TRUE(requests[i].succeeded()) << i;
  }
}

TEST(Stop, WorksAtEveryMessageOfARun) {  // A5, A10, A11
  auto settings = tiny_settings();
  settings.training.micro_batches = 17;
  settings.evaluate_every = 1;
  settings.prompts = {{1, 2}};
  settings.sample_tokens = 20;
  std::map<std::uint64_t, std::string> digest_of_version;
  std::size_t deliveries = 0;
  {
    settings.checkpoint_every = 1;
    Stage stage(settings);
    stage.observe = [&](const Stage::Delivery& delivery) {
      if (const auto* message = delivery.as<save>()) {
        digest_of_version[message->envelope.version] = model::digest(*message->checkpoint.weights);
      }
    };
    auto end = stage.ask<run_ended>(stage.actors().driver, run_all{});
    deliveries = stage.run();
    ASSERT_TRUE(end.succeeded());
  }
  settings.checkpoint_every = 0;
  std::weak_ptr<GradientPool> pool;
  const auto owners = settings.training_batches.use_count();
  for (std::size_t moment = 0; moment < deliveries; moment += 3) {
    // D9: nothing of the run before is left, not even in a promise that was never kept.
    ASSERT_TRUE(pool.expired()) << "after moment " << moment;
    ASSERT_EQ(settings.training_batches.use_count(), owners) << "after moment " << moment;
    Stage stage(settings);
    pool = stage.actors().gradients;
    auto end = stage.ask<run_ended>(stage.actors().driver, run_all{});
    for (std::size_t i = 0; i < moment; ++i) {
      stage.step();
    }
    auto stop_answer = stage.ask<stopped>(stage.actors().lifecycle, stop{});
    auto once_more = stage.ask<stopped>(stage.actors().lifecycle, stop{});
    stage.run();
    ASSERT_TRUE(stop_answer.succeeded()) << "moment " << moment;
    ASSERT_TRUE(once_more.succeeded());
    ASSERT_TRUE(end.answered());
    const auto& checkpoint = stop_answer.get()->checkpoint;
    ASSERT_EQ(checkpoint.progress.version, checkpoint.optimizer->step);
    if (checkpoint.progress.version > 0) {
      ASSERT_EQ(model::digest(*checkpoint.weights),
                digest_of_version.at(checkpoint.progress.version))
          << "moment " << moment;
    }
    EXPECT_EQ(stage.actors().gradients->leased(), 0u);
    auto late = stage.ask<generated>(stage.actors().lifecycle, ask_for(1, 1));
    auto not_worth_it = ask_for(1, 1);
    not_worth_it.until_stop = true;
    auto later = stage.ask<generated>(stage.actors().lifecycle, std::move(not_worth_it));
    stage.run();
    ASSERT_TRUE(late.succeeded());
    EXPECT_EQ(late.get()->envelope.version, checkpoint.progress.version);
    EXPECT_EQ(later.code(), ErrorCode::stopped);
  }
}

TEST(Stop, RefusesNoRequestThatWaits) {
  for (const auto policy : {InferencePolicy::snapshot, InferencePolicy::wait}) {
    auto settings = tiny_settings();
    settings.inference = policy;
    bool is_over = false;
    for (std::size_t moment = 0; !is_over; moment += 5) {
      Stage stage(settings);
      auto end = stage.ask<run_ended>(stage.actors().driver, run_all{});
      for (std::size_t i = 0; i < moment; ++i) {
        stage.step();
      }
      is_over = end.answered();
      auto before = stage.ask<generated>(stage.actors().lifecycle, ask_for(3, moment));
      auto stop_answer = stage.ask<stopped>(stage.actors().lifecycle, stop{});
      auto after = stage.ask<generated>(stage.actors().lifecycle, ask_for(3, moment));
      stage.run();
      ASSERT_TRUE(stop_answer.succeeded()) << "moment " << moment;
      EXPECT_TRUE(before.succeeded()) << "moment " << moment;
      EXPECT_TRUE(after.succeeded()) << "moment " << moment;
    }
  }
}

TEST(Stop, LeavesNothingBehindWhereverARunIsKilled) {  // A5, D9
  auto settings = tiny_settings();
  settings.prompts = {{1, 2}};
  settings.sample_tokens = 20;
  settings.inference = InferencePolicy::wait;
  const auto owners = settings.training_batches.use_count();
  std::weak_ptr<GradientPool> pool;
  for (std::size_t moment = 0; moment < 400; ++moment) {
    {
      Stage stage(settings);
      pool = stage.actors().gradients;
      auto end = stage.ask<run_ended>(stage.actors().driver, run_all{});
      auto question = stage.ask<generated>(stage.actors().lifecycle, ask_for(40, moment));
      for (std::size_t i = 0; i < moment; ++i) {
        stage.step();
      }
    }
    ASSERT_TRUE(pool.expired()) << "killed at moment " << moment;
    ASSERT_EQ(settings.training_batches.use_count(), owners) << "killed at moment " << moment;
  }
}

TEST(Stop, IsAnsweredOnlyWhenAllIsSaved) {  // A11
  Stage stage(tiny_settings());
  auto end = stage.ask<run_ended>(stage.actors().driver, run_all{});
  stage.run_until([&] { return stage.recorder().steps.size() == 2; });
  stage.hold = is<saved>;
  auto answer = stage.ask<stopped>(stage.actors().lifecycle, stop{});
  stage.run();
  EXPECT_FALSE(answer.answered());
  EXPECT_FALSE(end.answered());
  stage.hold = nullptr;
  stage.run();
  EXPECT_TRUE(answer.succeeded());
}

}  // namespace
}  // namespace nodezero::actors::testing
