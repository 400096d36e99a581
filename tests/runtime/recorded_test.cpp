// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/recorded.hpp"

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "runtime/system_config.hpp"
#include "runtime/trace/trace_file.hpp"
#include "support/trace_file.hpp"

namespace nodezero::runtime {
namespace {

using trace::Event;
using trace::HandlingResult;
using trace::Kind;
using trace::Recorder;
using trace::Trace;

/// Behaves as a test says.
class scripted : public recorded<caf::event_based_actor> {
 public:
  using Script = std::function<caf::behavior(scripted*)>;
  scripted(caf::actor_config& config, Script script)
      : recorded(config), script_(std::move(script)) {}
  const char* name() const override { return "scripted"; }
  using recorded::record_note;
  using recorded::record_state;

 protected:
  caf::behavior make_behavior() override { return script_(this); }
  std::uint32_t trace_number() const override { return 7; }

 private:
  Script script_;
};

/// A system without threads whose actors are recorded.
class RecordedTest : public ::testing::Test {
 protected:
  RecordedTest() {
    auto made = Recorder::make({.file = file_.path(),
                                .clock = Recorder::Clock::logical,
                                .flush_interval = std::chrono::milliseconds(0),
                                .catalogue = {},
                                .about = {},
                                .warn = {}});
    recorder_ = std::move(*made);
  }

  /// Spawns what `scenario` wants, runs until nothing is left and ends all.
  Trace play(const std::function<void(caf::actor_system&)>& scenario) {
    {
      struct Config : caf::actor_system_config {
        explicit Config(Recorder& recorder) {
          configure(*this, Scheduling::testing);
          attach_recorder(*this, recorder);
        }
      } config(*recorder_);
      caf::actor_system system(config);
      auto& scheduler = dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
      scenario(system);
      scheduler.run();
      scheduler.trigger_timeouts();
      scheduler.run();
    }
    EXPECT_TRUE(recorder_->close());
    auto trace = trace::read_trace(file_.path());
    EXPECT_TRUE(trace) << trace.error().message;
    return trace ? std::move(*trace) : Trace{};
  }

  testing::TraceFile file_;
  std::unique_ptr<Recorder> recorder_;
};

/// What happened to messages of a type, in order: "send begin end".
std::string life(const Trace& trace, const std::string& type) {
  std::string text;
  const auto add = [&](const std::string& word) { text += (text.empty() ? "" : " ") + word; };
  for (const auto& event : trace.events) {
    const auto* message = trace.message_of(event);
    if (!message || trace.name(trace.event(message->sent).type) != type) {
      continue;
    }
    switch (event.kind) {
      case Kind::send:
        add("send");
        break;
      case Kind::begin:
        add("begin");
        break;
      case Kind::end:
        add(event.detail == static_cast<std::uint8_t>(HandlingResult::consumed)  ? "consumed"
            : event.detail == static_cast<std::uint8_t>(HandlingResult::skipped) ? "skipped"
            : event.detail == static_cast<std::uint8_t>(HandlingResult::dropped) ? "dropped"
                                                                                 : "threw");
        break;
      default:
        add("drop");
    }
  }
  return text;
}

const Event* find(const Trace& trace, Kind kind) {
  const auto found = std::ranges::find(trace.events, kind, &Event::kind);
  return found == trace.events.end() ? nullptr : &*found;
}

TEST_F(RecordedTest, AMessageThatIsSkippedKeepsItsId) {
  const Trace trace = play([](caf::actor_system& system) {
    const auto actor = system.spawn<scripted>([](scripted* self) -> caf::behavior {
      self->set_default_handler(caf::skip);
      return {[self](std::int32_t) {
        self->become(caf::behavior{[self](std::int64_t) { self->quit(); }, [](std::int32_t) {}});
      }};
    });
    caf::anon_send(actor, std::int64_t{1});
    caf::anon_send(actor, std::int32_t{2});
  });
  EXPECT_EQ(life(trace, "@i64"), "send begin skipped begin consumed");
  EXPECT_EQ(life(trace, "@i32"), "send begin consumed");
}

TEST_F(RecordedTest, WhatNobodyHandlesIsDropped) {
  caf::actor ended;
  const Trace trace = play([&](caf::actor_system& system) {
    ended = system.spawn<scripted>(
        [](scripted* self) -> caf::behavior { return {[self](std::int32_t) { self->quit(); }}; });
    caf::anon_send(ended, std::int32_t{1});
    caf::anon_send(ended, std::int64_t{2});  // waits when the actor ends
    dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler()).run();
    caf::anon_send(ended, std::uint8_t{3});  // comes too late
    ended = nullptr;
  });
  EXPECT_EQ(life(trace, "@i32"), "send begin consumed");
  EXPECT_EQ(life(trace, "@i64"), "send drop");
  EXPECT_EQ(life(trace, "@u8"), "send drop");
  ASSERT_NE(find(trace, Kind::exit), nullptr);
  EXPECT_EQ(trace.name(find(trace, Kind::exit)->type), "none");
}

TEST_F(RecordedTest, AHandlerThatThrowsHasAnEnd) {
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  const Trace trace = play([](caf::actor_system& system) {
    const auto actor = system.spawn<scripted>([](scripted*) -> caf::behavior {
      return {[](std::int32_t) { throw std::runtime_error("broken"); }};
    });
    caf::anon_send(actor, std::int32_t{1});
  });
  EXPECT_EQ(life(trace, "@i32"), "send begin threw");
  // The exception is the reason of the actor's end, and nobody printed it.
  const auto* end = find(trace, Kind::exit);
  ASSERT_NE(end, nullptr);
  EXPECT_NE(trace.name(end->type).find("broken"), std::string::npos) << trace.name(end->type);
  EXPECT_EQ(::testing::internal::GetCapturedStdout() + ::testing::internal::GetCapturedStderr(),
            "");
}

TEST_F(RecordedTest, UrgentMessagesThatOvertakeAreNotMistaken) {
  const Trace trace = play([](caf::actor_system& system) {
    const auto actor = system.spawn<scripted>([](scripted* self) -> caf::behavior {
      return {[](std::int32_t) {}, [self](std::int64_t) { self->quit(); }};
    });
    for (std::int32_t i = 0; i < 3; ++i) {
      caf::anon_send(actor, i);
    }
    caf::anon_send<caf::message_priority::high>(actor, std::int64_t{4});
  });
  EXPECT_EQ(life(trace, "@i64"), "send begin consumed");
  EXPECT_EQ(life(trace, "@i32"), "send send send drop drop drop");
}

TEST_F(RecordedTest, AForwardedRequestAndItsAnswerAreOneChain) {
  const Trace trace = play([](caf::actor_system& system) {
    const auto second = system.spawn<scripted>(
        [](scripted*) -> caf::behavior { return {[](std::int32_t x) { return x + 1; }}; });
    const auto first = system.spawn<scripted>([second](scripted* self) -> caf::behavior {
      return {[self, second](std::int32_t x) { return self->delegate(second, x); }};
    });
    system.spawn<scripted>([first](scripted* self) -> caf::behavior {
      self->request(first, std::chrono::seconds(3600), std::int32_t{1}).then([self](std::int32_t) {
        self->quit();
      });
      return {[](caf::unit_t) {}};
    });
  });
  std::vector<const trace::Message*> chain;
  for (const auto& message : trace.messages) {
    if (trace.name(trace.event(message.sent).type) == "@i32") {
      chain.push_back(&message);
    }
  }
  ASSERT_EQ(chain.size(), 3u);
  const Event& request = trace.event(chain[0]->sent);
  const Event& forwarded = trace.event(chain[1]->sent);
  const Event& answer = trace.event(chain[2]->sent);
  EXPECT_EQ(forwarded.actor, request.peer);
  EXPECT_TRUE(forwarded.detail & trace::is_forwarded);
  EXPECT_EQ(answer.peer, request.actor);
  EXPECT_EQ(&trace.messages[chain[2]->request - 1], chain[0]);
  EXPECT_EQ(&trace.messages[chain[0]->response - 1], chain[2]);
  EXPECT_EQ(&trace.messages[chain[1]->response - 1], chain[2]);
}

TEST_F(RecordedTest, AnActorSaysWhatItIs) {
  const Trace trace = play([](caf::actor_system& system) {
    system.spawn<scripted>([](scripted* self) -> caf::behavior {
      self->record_state("ready", 3);
      self->record_note("all is well");
      self->spawn<scripted>([](scripted*) -> caf::behavior { return {}; });
      self->delayed_send(self, std::chrono::milliseconds(250), std::int32_t{1});
      return {[self](std::int32_t) { self->quit(); }};
    });
  });
  ASSERT_EQ(trace.actors.size(), 3u);
  EXPECT_EQ(trace.actor_name(1), "scripted 7");
  EXPECT_EQ(trace.name(find(trace, Kind::state)->type), "ready");
  EXPECT_EQ(find(trace, Kind::state)->argument, 3u);
  EXPECT_EQ(trace.name(find(trace, Kind::note)->type), "all is well");
  EXPECT_EQ(find(trace, Kind::timer)->argument, 250u);
  EXPECT_EQ(life(trace, "@i32"), "send begin consumed");
}

}  // namespace
}  // namespace nodezero::runtime
