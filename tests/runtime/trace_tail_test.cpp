// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/trace/trace_tail.hpp"

#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "runtime/trace/recorder.hpp"
#include "runtime/trace/trace_file.hpp"
#include "support/trace_file.hpp"

namespace nodezero::runtime::trace {
namespace {

using testing::TraceFile;

/// Two actors send a ball to and fro, each while it handles it. What they do is recorded as by
/// two threads, of which the file has the first one's part first.
void record_ball_game(const std::filesystem::path& path, int rounds) {
  Catalogue catalogue;
  // More words than one record of a payload has.
  catalogue.add<int>(
      "ball",
      {{"round", FieldKind::number}, {"up", FieldKind::number}, {"path", FieldKind::numbers}},
      [](const int& round, PayloadWriter& payload) {
        payload.number(static_cast<std::uint64_t>(round));
        payload.number(static_cast<std::uint64_t>(round + 1));
        const std::vector<std::uint32_t> path(round % 10, 7);
        payload.numbers(path);
      });
  auto made = Recorder::make({.file = path,
                              .clock = Recorder::Clock::logical,
                              .flush_interval = std::chrono::milliseconds(0),
                              .catalogue = catalogue,
                              .about = {{"program", "ball game"}},
                              .warn = {}});
  ASSERT_TRUE(made) << made.error().message;
  auto& recorder = **made;
  const auto& ball = recorder.type(typeid(int));
  // While a thread waits for another's end, that one may use its log.
  ThreadLog& left = recorder.here();
  std::thread([&] {
    ThreadLog* const logs[] = {&left, &recorder.here()};
    for (const std::uint32_t actor : {1u, 2u}) {
      logs[1]->append({.actor = actor,
                       .kind = Kind::spawn,
                       .type = recorder.intern(actor == 1 ? "left" : "right")});
      logs[1]->publish();
    }
    std::uint64_t thrown = 0;
    for (int round = 0; round < rounds; ++round) {
      auto& log = *logs[round % 2];
      const std::uint32_t self = round % 2 == 0 ? 1 : 2;
      const std::uint32_t other = 3 - self;
      if (thrown != 0) {
        log.append({.message = thrown, .actor = self, .peer = other, .kind = Kind::begin});
      }
      const auto next = log.next_message();
      log.append(
          {.message = next, .actor = self, .peer = other, .kind = Kind::send, .type = ball.name});
      log.append_payload(ball, &round);
      log.publish();
      if (round % 3 == 0) {
        recorder.flush();
      }
      if (thrown != 0) {
        log.append({.message = thrown, .actor = self, .kind = Kind::end});
        log.publish();
      }
      thrown = next;
    }
  }).join();
  ASSERT_TRUE(recorder.close());
}

/// An event in words that do not depend on numbers of events.
std::string words(const Trace& trace, const Event& event) {
  const auto around =
      event.handling == 0 ? "" : trace.describe_payload(trace.event(event.handling));
  return fmt::format("{} {} {} {} to {} [{}] in [{}]", event.thread, static_cast<int>(event.kind),
                     trace.actor_name(event.actor), trace.name(event.type),
                     trace.actor_name(event.peer), trace.describe_payload(event), around);
}

/// Follows a file that grows by `step` bytes at a time.
std::vector<std::string> follow(const std::string& whole, std::size_t step) {
  const TraceFile growing;
  std::vector<std::string> lines;
  TraceTail tail(growing.path());
  std::set<std::uint64_t> sent;
  for (std::size_t size = 0; !tail.has_ended(); size += step) {
    growing.write(whole.substr(0, size));
    // A file whose header is not whole is taken for something else.
    if (size > 0 && size < 16) {
      continue;
    }
    const auto piece = tail.next();
    EXPECT_TRUE(piece) << piece.error().message;
    if (!piece || size > whole.size() + 2 * step) {
      ADD_FAILURE() << "the end was not noticed";
      break;
    }
    for (const auto number : piece->fresh) {
      const auto& event = piece->trace.event(number);
      if (event.kind == Kind::send) {
        sent.insert(event.message);
      } else if (event.message != 0) {
        EXPECT_TRUE(sent.contains(event.message)) << "handled before it was sent";
      }
      lines.push_back(words(piece->trace, event));
    }
  }
  return lines;
}

std::map<std::string, std::vector<std::string>> by_thread(const std::vector<std::string>& lines) {
  std::map<std::string, std::vector<std::string>> sorted;
  for (const auto& line : lines) {
    sorted[line.substr(0, line.find(' '))].push_back(line);
  }
  return sorted;
}

TEST(TraceTail, SaysInPiecesWhatTheWholeTraceSays) {
  const TraceFile file;
  record_ball_game(file.path(), 40);
  const auto whole = read_trace(file.path());
  ASSERT_TRUE(whole) << whole.error().message;
  std::vector<std::string> expected;
  for (const auto& event : whole->events) {
    expected.push_back(words(*whole, event));
  }
  ASSERT_EQ(expected.size(), 2u + 40u + 2u * 39u);
  const auto bytes = file.read();
  for (const std::size_t step : {1u, 7u, 100u, 1'000u, 1'000'000u}) {
    SCOPED_TRACE(step);
    EXPECT_EQ(by_thread(follow(bytes, step)), by_thread(expected));
  }
}

TEST(TraceTail, WaitsForTheEndOfAPayloadThatStandsInTheNextBlock) {
  const TraceFile file;
  record_ball_game(file.path(), 20'000);
  const auto whole = read_trace(file.path());
  ASSERT_TRUE(whole) << whole.error().message;
  std::vector<std::string> expected;
  for (const auto& event : whole->events) {
    expected.push_back(words(*whole, event));
  }
  EXPECT_EQ(by_thread(follow(file.read(), 1'000)), by_thread(expected));
}

TEST(TraceTail, DoesNotWaitForWhatNeverComes) {
  const TraceFile file;
  Trace broken;
  broken.names = {{}, {"actor", {}}};
  broken.actors = {{}, {"actor", 1}};
  broken.events = {{.time = 1, .message = 7, .actor = 1, .kind = Kind::begin, .thread = 1},
                   {.time = 2, .message = 7, .actor = 1, .kind = Kind::end, .thread = 1}};
  ASSERT_TRUE(write_trace(broken, file.path()));
  TraceTail tail(file.path());
  EXPECT_EQ(tail.next()->fresh.size(), 2u);
  EXPECT_TRUE(tail.has_ended());
}

TEST(TraceTail, RefusesWhatIsNoTrace) {
  const TraceFile file;
  TraceTail tail(file.path());
  EXPECT_NE(tail.next().error().message.find("cannot be read"), std::string::npos);
  file.write("");
  EXPECT_TRUE(tail.next()->fresh.empty());
  file.write("this is a text and no trace");
  EXPECT_NE(tail.next().error().message.find("is not a trace"), std::string::npos);
}

}  // namespace
}  // namespace nodezero::runtime::trace
