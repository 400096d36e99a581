// SPDX-License-Identifier: BSD-3-Clause
#include "actors/laws/answer_source.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "support/recorded_trace.hpp"
#include "support/stage.hpp"

namespace nodezero::actors::testing {
namespace {

class SilentListener : public runtime::recorded<listener_actor::base> {
 public:
  using recorded::recorded;
  const char* name() const override { return "listener"; }

 protected:
  behavior_type make_behavior() override {
    return {[](const generated_piece&) {}};
  }
};

/// A run that is asked for text with ticket 7 after its first step.
Trace trace_of_an_answer(std::uint64_t& version) {
  auto settings = tiny_settings();
  settings.snapshot_every = 1;
  return recorded(settings, runtime::trace::Recorder::Clock::logical, [&](const RunSettings& made) {
    Stage stage(made);
    auto listener = stage.system().spawn<SilentListener>();
    auto end = stage.ask<run_ended>(stage.actors().driver, run_all{});
    stage.run_until([&] { return stage.recorder().steps.size() == 1; });
    generate request{{1, 2}, 400, {.seed = 1}};
    request.options.listener = listener;
    request.options.ticket = 7;
    auto answer = stage.ask<generated>(stage.actors().lifecycle, request);
    stage.run();
    version = answer.get()->envelope.version;
    listener = nullptr;
  });
}

TEST(AnswerSource, IsTheStepThatMadeTheVersion) {
  std::uint64_t version = 0;
  const Trace trace = trace_of_an_answer(version);
  const auto source = source_of_answer(trace, 7);
  ASSERT_TRUE(source);
  EXPECT_GE(version, 1u);
  EXPECT_EQ(source->version, version);
  const TraceFacts facts(trace);
  EXPECT_EQ(facts.type(source->told), "generated_piece");
  EXPECT_EQ(facts.type(source->made), "optimizer_complete");
  EXPECT_EQ(facts.number(source->made, "version"), version);
  const auto pieces = facts.sends({"generated_piece"});
  ASSERT_GE(pieces.size(), 2u);
  EXPECT_EQ(source->told, pieces.back());
  const auto completions = facts.sends({"optimizer_complete"});
  EXPECT_TRUE(std::ranges::any_of(completions, [&](auto later) {
    return later > source->made && later < source->told;
  })) << "no later step was done meanwhile";
  EXPECT_FALSE(source_of_answer(trace, 8));
}

}  // namespace
}  // namespace nodezero::actors::testing
