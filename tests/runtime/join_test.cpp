// SPDX-License-Identifier: BSD-3-Clause

// Traces of several machines as one.

#include "runtime/trace/join.hpp"

#include <utility>

#include <gtest/gtest.h>

#include "runtime/trace/elsewhere.hpp"
#include "runtime/trace/trace_file.hpp"

namespace nodezero::runtime::trace {
namespace {

constexpr ProcessKey root_process = 17;
constexpr ProcessKey host_process = 18;
constexpr std::uint32_t sender = 5;  // at the root
constexpr std::uint32_t receiver =
    5;  // at the host: numbers of two processes have nothing in common

std::uint32_t at_root(std::uint32_t actor) {
  return number_elsewhere(root_process, actor);
}
std::uint32_t at_host(std::uint32_t actor) {
  return number_elsewhere(host_process, actor);
}

/// What one machine recorded, without a clock: times are nanoseconds.
TraceParts parts(const std::string& machine, ProcessKey process, std::vector<Record> records) {
  TraceParts result;
  result.names = {{"", {}},
                  {machine_note(machine, process), {}},
                  {"actor of " + machine, {}},
                  {"ping", {{"step", FieldKind::number}}},
                  {"pong", {}}};
  records.insert(records.begin(), {.time = 0, .kind = Kind::note, .type = 1});
  result.runs.push_back({0, 0, std::move(records)});
  return result;
}

Record payload(std::uint64_t word) {
  SummaryRecord summary;
  summary.words[0] = word;
  summary.count = 1;
  return std::bit_cast<Record>(summary);
}

Record spawn(std::uint64_t time, std::uint32_t actor) {
  return {
      .time = time, .actor = actor, .kind = Kind::spawn, .type = 2, .argument = Actor::unnumbered};
}
Record message(Kind kind, std::uint64_t time, std::uint64_t id, std::uint32_t actor,
               std::uint32_t peer, std::uint16_t type = 3) {
  return {.time = time, .message = id, .actor = actor, .peer = peer, .kind = kind, .type = type};
}

/// The root sends two pings; the host, whose clock is far ahead, answers the first with a pong.
std::vector<TraceParts> ping_pong() {
  return {
      parts("root", root_process,
            {spawn(1, sender), message(Kind::send, 10, 100, sender, at_host(receiver)), payload(7),
             message(Kind::send, 20, 101, sender, at_host(receiver)), payload(8),
             // As the network brings it.
             message(Kind::send, 60, 102, at_host(receiver), sender, 4),
             message(Kind::begin, 61, 102, sender, at_host(receiver), 4),
             message(Kind::end, 62, 102, sender, 0, 4)}),
      parts("moon", host_process,
            {spawn(900'001, receiver), message(Kind::send, 900'030, 100, at_root(sender), receiver),
             payload(7), message(Kind::begin, 900'031, 100, receiver, at_root(sender)),
             message(Kind::send, 900'032, 101, receiver, at_root(sender), 4),
             message(Kind::end, 900'033, 100, receiver, 0),
             message(Kind::send, 900'034, 102, at_root(sender), receiver), payload(8),
             message(Kind::begin, 900'035, 102, receiver, at_root(sender)),
             message(Kind::end, 900'036, 102, receiver, 0)}),
  };
}

TEST(JoinTest, EachMessageIsSentOnOneMachineAndHandledOnTheOther) {
  const auto joined = join(ping_pong());
  ASSERT_TRUE(joined) << joined.error().message;
  EXPECT_EQ(joined->about.at("machines"), "root, moon");
  ASSERT_EQ(joined->messages.size(), 3);
  for (const auto& each : joined->messages) {
    ASSERT_NE(each.sent, 0);
    ASSERT_NE(each.begun, 0);
    const auto& sent = joined->event(each.sent);
    const auto& begun = joined->event(each.begun);
    EXPECT_LT(sent.time, begun.time);
    EXPECT_EQ(sent.peer, begun.actor);
    EXPECT_EQ(begun.peer, sent.actor);
    EXPECT_NE(sent.actor, begun.actor);
  }
  std::uint64_t step = 0;
  EXPECT_TRUE(joined->number(joined->event(joined->messages[1].begun), "step", step));
  EXPECT_EQ(step, 8);
}

TEST(JoinTest, ClocksAreSetByWhatIsSentInBothDirections) {
  const auto joined = join(ping_pong());
  ASSERT_TRUE(joined);
  // By the two clocks the pings were under way for 900,020 and 900,014, the pong for -899,972. So
  // the host's clock is ahead by 899,972 at least and 900,014 at most, and is taken to be by
  // 899,993.
  const auto& ping = joined->messages[0];
  EXPECT_EQ(joined->event(ping.begun).time - joined->event(ping.sent).time, 900'031 - 899'993 - 10);
}

TEST(JoinTest, ActorsAreBelowTheirMachines) {
  const auto joined = join(ping_pong());
  ASSERT_TRUE(joined);
  const auto& sent = joined->event(joined->messages[0].sent);
  EXPECT_EQ(joined->actor_name(sent.actor), "root/actor of root");
  EXPECT_EQ(joined->actor_name(sent.peer), "moon/actor of moon");
  EXPECT_EQ(joined->actors[joined->actors[sent.peer].parent].name, "machine moon");
}

TEST(JoinTest, IsATraceLikeAnyOther) {
  const auto joined = join(ping_pong());
  ASSERT_TRUE(joined);
  const auto file = std::filesystem::path(::testing::TempDir()) / "joined.nztrace";
  ASSERT_TRUE(write_trace(*joined, file));
  const auto again = read_trace(file);
  ASSERT_TRUE(again);
  ASSERT_EQ(again->events.size(), joined->events.size());
  for (std::uint32_t i = 1; i < joined->actors.size(); ++i) {
    EXPECT_EQ(again->actor_name(i), joined->actor_name(i));
  }
}

TEST(JoinTest, BlocksMayEndAnywhereAndStandInAnyOrder) {
  const auto whole = join(ping_pong());
  ASSERT_TRUE(whole);
  // A note, a spawn, the sending that is left out, with its payload, and so on.
  for (std::ptrdiff_t first = 1; first < 6; ++first) {
    for (const std::ptrdiff_t more : {0, 1, 2}) {
      auto traces = ping_pong();
      const auto records = std::exchange(traces[1].runs, {}).front().records;
      const auto add = [&](std::ptrdiff_t from, std::ptrdiff_t to) {
        traces[1].runs.insert(
            traces[1].runs.begin(),
            {0, static_cast<std::uint64_t>(from), {records.begin() + from, records.begin() + to}});
      };
      add(0, first);
      add(first, first + more);
      add(first + more, static_cast<std::ptrdiff_t>(records.size()));
      const auto joined = join(std::move(traces));
      ASSERT_TRUE(joined);
      EXPECT_EQ(joined->completeness.lost_records, 0) << first << " " << more;
      EXPECT_EQ(joined->events.size(), whole->events.size());
      EXPECT_EQ(joined->words, whole->words) << first << " " << more;
    }
  }
}

TEST(JoinTest, WhatNeverArrivedWasSentOnly) {
  auto traces = ping_pong();
  auto& there = traces[1].runs[0].records;
  there.erase(there.end() - 4, there.end());  // the second ping
  const auto joined = join(std::move(traces));
  ASSERT_TRUE(joined);
  ASSERT_EQ(joined->messages.size(), 3);
  EXPECT_NE(joined->messages[1].sent, 0);
  EXPECT_EQ(joined->messages[1].begun, 0);
}

TEST(JoinTest, WithoutTheSendersTraceMessagesComeFromOutside) {
  auto traces = ping_pong();
  traces.erase(traces.begin());
  const auto joined = join(std::move(traces));
  ASSERT_TRUE(joined);
  EXPECT_EQ(joined->event(joined->messages[0].begun).peer, 0);
}

TEST(JoinTest, RefusesWhatIsNotOfSeveralMachines) {
  auto traces = ping_pong();
  traces.push_back(traces[1]);
  const auto twice = join(traces);
  ASSERT_FALSE(twice);
  EXPECT_NE(twice.error().message.find("moon"), std::string::npos);
  traces.resize(1);
  traces[0].runs.clear();
  EXPECT_EQ(join(traces).error().code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace nodezero::runtime::trace
