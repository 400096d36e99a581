// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/trace/merge.hpp"

#include <bit>
#include <string>

#include <gtest/gtest.h>

namespace nodezero::runtime::trace {
namespace {

/// Kinds of the events in their order, such as "send begin end".
std::string order(const Trace& trace) {
  std::string text;
  for (const auto& event : trace.events) {
    const char* name = event.kind == Kind::spawn   ? "spawn"
                       : event.kind == Kind::send  ? "send"
                       : event.kind == Kind::begin ? "begin"
                       : event.kind == Kind::end   ? "end"
                       : event.kind == Kind::drop  ? "drop"
                                                   : "note";
    text += text.empty() ? "" : " ";
    text += name;
  }
  return text;
}

TraceParts parts(std::vector<RecordRun> runs) {
  TraceParts parts;
  parts.names.emplace_back();
  parts.runs = std::move(runs);
  return parts;
}

TEST(Merge, PutsNoHandlingBeforeItsSendingWhateverTheClocksSay) {
  const Trace trace = merge(
      parts({{1, 0, {{.time = 500, .message = 9, .actor = 4, .peer = 5, .kind = Kind::send}}},
             {2,
              0,
              {{.time = 100, .message = 9, .actor = 5, .kind = Kind::begin},
               {.time = 200, .message = 9, .actor = 5, .kind = Kind::end},
               {.time = 300, .message = 8, .actor = 5, .kind = Kind::drop}}},
             {3, 0, {{.time = 600, .message = 8, .actor = 4, .peer = 5, .kind = Kind::send}}}}));
  EXPECT_EQ(order(trace), "send begin end send drop");
  for (std::size_t i = 1; i < trace.events.size(); ++i) {
    EXPECT_GT(trace.events[i].time, trace.events[i - 1].time);
  }
}

TEST(Merge, PutsNoHandlingBeforeTheSpawnOfItsActor) {
  const Trace trace =
      merge(parts({{1, 0, {{.time = 500, .actor = 5, .kind = Kind::spawn}}},
                   {2, 0, {{.time = 100, .message = 9, .actor = 5, .kind = Kind::begin}}}}));
  EXPECT_EQ(order(trace), "spawn begin");
  EXPECT_EQ(trace.events[1].actor, 1u);
}

TEST(Merge, HasNoActorThatALaterOneSpawned) {
  const Trace trace = merge(parts({{1,
                                    0,
                                    {{.time = 1, .actor = 7, .peer = 8, .kind = Kind::spawn},
                                     {.time = 2, .actor = 8, .peer = 7, .kind = Kind::spawn}}}}));
  ASSERT_EQ(trace.actors.size(), 3u);
  EXPECT_EQ(trace.actors[1].parent, 0u);
  EXPECT_EQ(trace.actors[2].parent, 1u);
}

TEST(Merge, GivesAMessageThatIsSentTwiceTwoLives) {
  const Trace trace =
      merge(parts({{1,
                    0,
                    {{.time = 1, .message = 9, .actor = 4, .peer = 5, .kind = Kind::send},
                     {.time = 2, .message = 9, .actor = 5, .kind = Kind::begin},
                     {.time = 3, .message = 9, .actor = 5, .kind = Kind::end},
                     {.time = 4, .message = 9, .actor = 4, .peer = 5, .kind = Kind::send}}}}));
  ASSERT_EQ(trace.messages.size(), 2u);
  EXPECT_EQ(trace.messages[0].sent, 1u);
  EXPECT_EQ(trace.messages[0].ended, 3u);
  EXPECT_EQ(trace.messages[1].sent, 4u);
  EXPECT_EQ(trace.messages[1].begun, 0u);
}

TEST(Merge, LeavesNothingOutOfABrokenTrace) {
  // Two threads that each handle first what the other sends only afterwards.
  const Trace trace = merge(parts({{1,
                                    0,
                                    {{.time = 1, .message = 2, .actor = 1, .kind = Kind::begin},
                                     {.time = 2, .message = 1, .actor = 1, .kind = Kind::send}}},
                                   {2,
                                    0,
                                    {{.time = 1, .message = 1, .actor = 2, .kind = Kind::begin},
                                     {.time = 2, .message = 2, .actor = 2, .kind = Kind::send}}}}));
  EXPECT_EQ(trace.events.size(), 4u);
}

TEST(Merge, DropsAPayloadWhoseRecordWasLost) {
  const auto words = std::bit_cast<Record>(SummaryRecord{.words = {1, 2, 3}, .count = 3});
  const Trace trace = merge(parts({{1, 0, {{.time = 1, .kind = Kind::note}}},
                                   {1, 5, {words, {.time = 2, .kind = Kind::note}, words}}}));
  ASSERT_EQ(trace.events.size(), 2u);
  EXPECT_EQ(trace.events[0].word_count, 0u);
  EXPECT_EQ(trace.events[1].word_count, 3u);
  EXPECT_EQ(trace.completeness.lost_records, 4u);
}

}  // namespace
}  // namespace nodezero::runtime::trace
