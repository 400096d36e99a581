// SPDX-License-Identifier: BSD-3-Clause
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "nodezero/caf.hpp"
#include "runtime/ask.hpp"
#include "runtime/recorded.hpp"
#include "runtime/system_config.hpp"
#include "runtime/trace/trace_file.hpp"
#include "support/models.hpp"

namespace nodezero::testing {
namespace {

struct greeting {};

/// An actor of a host's.
class greeter : public recorded<caf::event_based_actor> {
 public:
  using recorded::recorded;
  const char* name() const override { return "greeter"; }
  caf::behavior make_behavior() override {
    return {[](const greeting&) { return greeting{}; }};
  }
};

using TextTokens = std::vector<std::int32_t>;

/// To a reader: ask for a text, and answer with what came of it.
struct read_text {
  Prompt prompt;
  std::size_t enough = 1'000'000;  ///< tokens, after which the rest is cancelled
  bool leaves = false;             ///< then, without a word
};
struct text_read {
  TextTokens tokens;
  std::uint64_t version = 0;
  std::uint64_t told = 0;
};

#ifdef __SANITIZE_THREAD__
using plain_actor = runtime::recorded<caf::event_based_actor>;  // which tells it of messages
#else
using plain_actor = caf::event_based_actor;
#endif

/// A plain actor that reads a text after the other, each as it comes.
class reader : public plain_actor {
 public:
  reader(caf::actor_config& config, learner_actor learner)
      : plain_actor(config), learner_(std::move(learner)) {}

  caf::behavior make_behavior() override {
    return {[this](const read_text& order) {
              order_ = order;
              text_ = {};
              promise_ = make_response_promise<text_read>();
              request(learner_, caf::infinite, ask_for_text{order.prompt, ++number_})
                  .then(
                      [this](const text_end& end) {
                        EXPECT_EQ(end.number, number_);
                        text_.told = end.tokens;
                        promise_.deliver(text_);
                      },
                      [this](const caf::error& error) { promise_.deliver(error); });
              return promise_;
            },
            [this](const text_piece& piece) {
              EXPECT_EQ(piece.number, number_);
              EXPECT_FALSE(piece.tokens.empty());
              EXPECT_TRUE(text_.tokens.empty() || text_.version == piece.version);
              text_.version = piece.version;
              text_.tokens.insert(text_.tokens.end(), piece.tokens.begin(), piece.tokens.end());
              if (text_.tokens.size() >= order_.enough) {
                order_.leaves ? quit() : send(learner_, cancel_text{number_});
              }
            }};
  }
  void on_exit() override {
    learner_ = nullptr;
    promise_ = {};  // which holds this actor
  }

 private:
  learner_actor learner_;
  read_text order_;
  std::uint64_t number_ = 0;
  text_read text_;
  caf::typed_response_promise<text_read> promise_;
};

}  // namespace
}  // namespace nodezero::testing

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(nodezero::testing::greeting)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(nodezero::testing::read_text)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(nodezero::testing::text_read)

namespace nodezero::testing {
namespace {

/// The answer, or nothing for an error. A caf::scoped_actor would do, but nobody tells
/// ThreadSanitizer of the messages that it gets.
template <class Answer, class Handle, class Message>
std::optional<Answer> ask(caf::actor_system& system, const Handle& handle, Message message) {
  auto answer = runtime::ask<Answer>(system, handle, std::move(message)).get();
  runtime::forget_system_on_this_thread();
  return answer ? std::optional<Answer>(std::move(*answer)) : std::nullopt;
}

TEST(Learner, LearnsInAHostsSystemWhatItIsSentAndGoesWithItsExit) {
  wait_for_end_of_threads();
  {
    caf::actor_system_config config;
    configure(config);
    caf::actor_system system(config);
    auto options = small_options();
    options.when_full = WhenFull::refuse;
    options.total_steps = 8;
    const auto learner = spawn_learner(system, make_trainable(small_model()), options);
    ASSERT_TRUE(learner) << learner.error().message;

    const auto input = AnyValue::of(std::vector<float>{0.5f, 0.5f});
    const auto first = ask<model_answer>(system, *learner, ask_model{input});
    ASSERT_TRUE(first);
    EXPECT_EQ(first->version, 0u);
    for (std::uint64_t i = 0; i < 24; ++i) {
      EXPECT_TRUE(ask<batch_taken>(system, *learner, submit_batch{AnyValue::of(examples_of(i))}));
    }
    EXPECT_FALSE(ask<batch_taken>(system, *learner, submit_batch{AnyValue::of(1)}));
    EXPECT_FALSE(ask<batch_taken>(system, *learner, submit_batch{AnyValue::of(Examples{})}));
    EXPECT_FALSE(ask<model_answer>(system, *learner, ask_model{AnyValue::of(1)}));
    std::optional<Status> status;
    do {
      status = ask<Status>(system, *learner, ask_status{});
      ASSERT_TRUE(status);
    } while (status->progress == Progress::working);
    EXPECT_EQ(status->progress, Progress::finished) << status->failure;
    EXPECT_EQ(status->steps, 8u);
    EXPECT_EQ(status->taken, 24u);
    const auto last = ask<model_answer>(system, *learner, ask_model{input});
    ASSERT_TRUE(last);
    EXPECT_EQ(last->version, 8u);
    caf::anon_send_exit(*learner, caf::exit_reason::user_shutdown);
  }
  wait_for_end_of_threads();

  caf::actor_system_config config;
  caf::actor_system system(config);
  EXPECT_FALSE(spawn_learner(system, nullptr, {}));
  auto options = small_options();
  options.spheres = 0;
  EXPECT_FALSE(spawn_learner(system, make_trainable(small_model()), options));
}

TEST(Learner, GoesOnWhateverTheHostsChecksAndCallbacksThrow) {
  caf::actor_system_config config;
  configure(config);
  caf::actor_system system(config);
  struct Throwing : Scripted {
    std::optional<Error> check(const Batch& batch) const {
      return batch.empty() ? throw std::runtime_error("no such medium") : std::nullopt;
    }
    std::optional<Error> check(const float& x) const { return x < 0 ? throw 42 : std::nullopt; }
  };
  TrainerOptions options;
  options.total_steps = 40;
  options.on_step = [](const StepReport& report) {
    if (report.step % 4 == 3) {
      throw std::runtime_error("no such medium");
    }
  };
  const auto learner = spawn_learner(system, make_trainable(Throwing()), options);
  ASSERT_TRUE(learner) << learner.error().message;
  for (int i = 0; i < 40; ++i) {
    EXPECT_FALSE(ask<batch_taken>(system, *learner, submit_batch{AnyValue::of(Throwing::Batch{})}));
    EXPECT_FALSE(ask<model_answer>(system, *learner, ask_model{AnyValue::of(-1.0f)}));
    ASSERT_TRUE(ask<batch_taken>(system, *learner, submit_batch{AnyValue::of(Throwing::Batch{1})}));
  }
  std::optional<Status> status;
  do {
    status = ask<Status>(system, *learner, ask_status{});
    ASSERT_TRUE(status);
  } while (status->progress == Progress::working);
  EXPECT_EQ(status->progress, Progress::finished) << status->failure;
  EXPECT_EQ(status->steps, 40u);
  EXPECT_EQ(ask<model_answer>(system, *learner, ask_model{AnyValue::of(1.0f)})->version, 40u);
  caf::anon_send_exit(*learner, caf::exit_reason::user_shutdown);
}

TEST(Learner, AnswersEveryQuestionWhileItsRunEnds) {
  caf::actor_system_config config;
  configure(config);
  caf::actor_system system(config);
  for (int run = 0; run < 30; ++run) {
    TrainerOptions options;
    options.steps_in_epoch = 1;
    options.total_steps = 3;
    const auto learner = spawn_learner(system, make_trainable(Scripted()), options);
    ASSERT_TRUE(learner) << learner.error().message;
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(
          ask<batch_taken>(system, *learner, submit_batch{AnyValue::of(Scripted::Batch{1})}));
    }
    std::optional<Status> status;
    do {
      ASSERT_TRUE(ask<model_answer>(system, *learner, ask_model{AnyValue::of(1.0f)}))
          << "run " << run;
      status = ask<Status>(system, *learner, ask_status{});
    } while (status->progress == Progress::working);
    EXPECT_EQ(ask<model_answer>(system, *learner, ask_model{AnyValue::of(1.0f)})->version, 3u);
    caf::anon_send_exit(*learner, caf::exit_reason::user_shutdown);
  }
}

constexpr LanguageModel::Sizes text_sizes{
    .layers = 1, .heads = 2, .width = 8, .context = 8, .vocabulary = 16};

/// Four steps on a text that repeats itself, with one lane.
TrainerOptions four_steps() {
  TrainerOptions options;
  options.steps_in_epoch = 4;
  options.total_steps = 4;
  options.threads = 1;
  options.batches = [](std::uint64_t, std::uint64_t, std::uint32_t) {
    TokenWindows windows{1, text_sizes.context, {}, {}};
    for (std::int32_t i = 0; i < text_sizes.context; ++i) {
      windows.inputs.push_back(5 * i % 16);
      windows.targets.push_back((5 * i + 5) % 16);
    }
    return AnyValue::of(std::move(windows));
  };
  return options;
}

TEST(Learner, TellsAnActorATextTokenByTokenUntilItHasEnough) {
  caf::actor_system_config config;
  configure(config);
  caf::actor_system system(config);
  const auto learner =
      spawn_learner(system, make_trainable(*LanguageModel::create(text_sizes)), four_steps());
  ASSERT_TRUE(learner) << learner.error().message;
  std::optional<Status> status;
  do {
    status = ask<Status>(system, *learner, ask_status{});
    ASSERT_TRUE(status);
  } while (status->progress == Progress::working);

  const auto one = system.spawn<reader>(*learner);
  const Prompt prompt{.tokens = {0, 5}, .count = 50};
  const auto whole = ask<text_read>(system, one, read_text{prompt});
  ASSERT_TRUE(whole);
  const auto answer = ask<model_answer>(system, *learner, ask_model{AnyValue::of(prompt)});
  ASSERT_TRUE(answer);
  EXPECT_EQ(whole->tokens, *answer->output.as<TextTokens>());
  EXPECT_EQ(whole->version, answer->version);
  EXPECT_EQ(whole->told, 50u);

  const Prompt long_one{.tokens = {0, 5}, .count = 1'000'000};
  const auto beginning = ask<text_read>(system, one, read_text{long_one, 20});
  ASSERT_TRUE(beginning);
  EXPECT_GE(beginning->tokens.size(), 20u);
  EXPECT_LT(beginning->tokens.size(), 1'000'000u);
  EXPECT_EQ(beginning->told, beginning->tokens.size());

  // The only lane is free for others as soon as a reader has gone.
  const auto other = system.spawn<reader>(*learner);
  EXPECT_FALSE(ask<text_read>(system, other, read_text{long_one, 20, true}));
  EXPECT_EQ(ask<text_read>(system, one, read_text{prompt})->tokens, whole->tokens);

  EXPECT_FALSE(ask<text_read>(system, one, read_text{{.tokens = {99}, .count = 5}}));
  EXPECT_FALSE(ask<text_read>(system, one, read_text{{.tokens = {}, .count = 5}}));
  caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(*learner, caf::exit_reason::user_shutdown);
}

TEST(Learner, HasNoTextsWithoutALanguageModel) {
  caf::actor_system_config config;
  configure(config);
  caf::actor_system system(config);
  const auto learner = spawn_learner(system, make_trainable(Scripted()), {});
  ASSERT_TRUE(learner) << learner.error().message;
  const auto one = system.spawn<reader>(*learner);
  EXPECT_FALSE(ask<text_read>(system, one, read_text{{.tokens = {1}, .count = 5}}));
  caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(*learner, caf::exit_reason::user_shutdown);
}

TEST(Learner, OneTraceHasTheMessagesOfTheHostsActorsAndItsOwn) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("nodezero-host-" + std::to_string(getpid()) + ".nztrace");
  {
    auto trace = TraceFile::create(path);
    ASSERT_TRUE(trace) << trace.error().message;
    caf::actor_system_config config;
    configure(config, &*trace);
    caf::actor_system system(config);
    const auto learner = spawn_learner(system, make_trainable(small_model()), small_options());
    const auto one = system.spawn<greeter>();
    EXPECT_TRUE(ask<greeting>(system, one, greeting{}));
    EXPECT_TRUE(ask<batch_taken>(system, *learner, submit_batch{AnyValue::of(examples_of(0))}));
    caf::anon_send_exit(*learner, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
  }
  const auto read = runtime::trace::read_trace(path);
  std::filesystem::remove(path);
  ASSERT_TRUE(read) << read.error().message;
  std::set<std::string> actors, types;
  for (const auto& actor : read->actors) {
    actors.insert(std::string(actor.name));
  }
  for (const auto& name : read->names) {
    types.insert(name.text);
  }
  EXPECT_TRUE(actors.contains("greeter"));
  EXPECT_TRUE(actors.contains("keeper"));
  EXPECT_TRUE(actors.contains("node_zero"));
  EXPECT_TRUE(types.contains("begin_epoch"));
  EXPECT_TRUE(types.contains("nodezero::submit_batch"));
  EXPECT_TRUE(read->completeness.complete());
}

}  // namespace
}  // namespace nodezero::testing
