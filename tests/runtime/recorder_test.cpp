// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/trace/recorder.hpp"

#include <array>
#include <barrier>
#include <fcntl.h>
#include <latch>
#include <map>
#include <random>
#include <set>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "runtime/trace/trace_file.hpp"
#include "support/trace_file.hpp"

namespace nodezero::runtime::trace {
namespace {

using testing::TraceFile;

Recorder::Options to_file(const TraceFile& file) {
  Recorder::Options options;
  options.file = file.path();
  return options;
}

Recorder::Options to_ring(std::size_t bytes) {
  Recorder::Options options;
  options.ring = std::chrono::seconds(3600);
  options.buffer_bytes = bytes;
  return options;
}

std::unique_ptr<Recorder> make(Recorder::Options options) {
  auto recorder = Recorder::make(std::move(options));
  EXPECT_TRUE(recorder) << recorder.error().message;
  return std::move(*recorder);
}

/// Notes whose argument counts up from `first`.
void record_notes(Recorder& recorder, std::uint32_t first, std::uint32_t count) {
  auto& log = recorder.here();
  for (std::uint32_t i = 0; i < count; ++i) {
    log.append({.kind = Kind::note, .argument = first + i});
    log.publish();
  }
}

Trace read(const TraceFile& file) {
  auto trace = read_trace(file.path());
  EXPECT_TRUE(trace) << trace.error().message;
  return trace ? std::move(*trace) : Trace{};
}

std::multiset<std::uint32_t> arguments(const Trace& trace) {
  std::multiset<std::uint32_t> found;
  for (const auto& event : trace.events) {
    found.insert(event.argument);
  }
  return found;
}

constexpr std::size_t blocks(std::size_t count) {
  return count * sizeof(RecordBlock);
}

TEST(Recorder, RefusesToRecordNothing) {
  const auto recorder = Recorder::make({});
  ASSERT_FALSE(recorder);
  EXPECT_NE(recorder.error().message.find("give a trace file, or a ring"), std::string::npos);
}

TEST(Recorder, SaysWhyAFileCannotBeWritten) {
  Recorder::Options options;
  options.file = "/nowhere/at/all";
  const auto recorder = Recorder::make(std::move(options));
  ASSERT_FALSE(recorder);
  EXPECT_EQ(
      recorder.error().message,
      "the trace file /nowhere/at/all cannot be written (No such file or directory); check the "
      "folder and the disk");
}

TEST(Recorder, WarnsOnceWhenTheDiskIsFullAndGoesOn) {
  std::vector<std::string> warnings;
  Recorder::Options options;
  options.file = "/dev/full";
  options.buffer_bytes = blocks(3);
  options.flush_interval = std::chrono::milliseconds(0);
  options.warn = [&](const std::string& text) { warnings.push_back(text); };
  const auto recorder = make(std::move(options));
  record_notes(*recorder, 0, 10 * RecordBlock::capacity);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("No space left on device"), std::string::npos);
  EXPECT_GT(recorder->lost(), 0u);
  EXPECT_FALSE(recorder->close());
}

TEST(Recorder, CountsWhatFullBuffersLose) {
  // The file is a pipe that nobody reads, so that its writer comes to a stop.
  const TraceFile file;
  std::filesystem::remove(file.path());
  ASSERT_EQ(mkfifo(file.path().c_str(), 0600), 0);
  const int reader = open(file.path().c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  auto options = to_file(file);
  options.buffer_bytes = blocks(2);
  const auto recorder = make(std::move(options));
  std::mt19937 random(1);
  std::uint64_t recorded = 0;
  const auto record = [&] {
    recorder->here().append({.kind = Kind::note, .argument = static_cast<std::uint32_t>(random())});
    recorder->here().publish();
    ++recorded;
  };
  while (recorder->lost() == 0) {
    record();
  }
  for (int i = 0; i < 5; ++i) {
    record();
  }
  ASSERT_EQ(fcntl(reader, F_SETFL, 0), 0);
  std::string bytes;
  std::thread reading([&] {
    std::array<char, 4096> part{};
    for (ssize_t size = 0; (size = ::read(reader, part.data(), part.size())) > 0;) {
      bytes.append(part.data(), static_cast<std::size_t>(size));
    }
  });
  EXPECT_TRUE(recorder->close());
  reading.join();
  ::close(reader);
  std::filesystem::remove(file.path());
  file.write(bytes);
  const Trace trace = read(file);
  EXPECT_GT(recorder->lost(), 0u);
  EXPECT_EQ(trace.completeness.lost_records, recorder->lost());
  EXPECT_EQ(trace.events.size() + recorder->lost(), recorded);
  EXPECT_FALSE(trace.completeness.complete());
}

TEST(Recorder, LosesNothingWhenItMayWait) {
  const TraceFile file;
  auto options = to_file(file);
  options.buffer_bytes = blocks(3);
  options.when_full = Recorder::WhenFull::wait;
  const auto recorder = make(std::move(options));
  constexpr std::uint32_t each = 30 * RecordBlock::capacity;
  std::thread other([&] { record_notes(*recorder, each, each); });
  record_notes(*recorder, 0, each);
  other.join();
  ASSERT_TRUE(recorder->close());
  EXPECT_EQ(recorder->lost(), 0u);
  const Trace trace = read(file);
  EXPECT_TRUE(trace.completeness.complete());
  const auto found = arguments(trace);
  EXPECT_EQ(found.size(), 2u * each);
  EXPECT_EQ(std::set<std::uint32_t>(found.begin(), found.end()).size(), 2u * each);
}

TEST(Recorder, GivesEachThreadABlockHoweverSmallTheBuffer) {
  const TraceFile file;
  auto options = to_file(file);
  options.buffer_bytes = blocks(2);
  options.when_full = Recorder::WhenFull::wait;
  const auto recorder = make(std::move(options));
  constexpr std::uint32_t threads = 8;
  constexpr std::uint32_t each = 2 * RecordBlock::capacity;
  std::barrier all_have_a_block(threads);
  std::vector<std::thread> running;
  for (std::uint32_t i = 0; i < threads; ++i) {
    running.emplace_back([&, i] {
      record_notes(*recorder, i * each, 1);
      all_have_a_block.arrive_and_wait();
      record_notes(*recorder, i * each + 1, each - 1);
    });
  }
  for (auto& thread : running) {
    thread.join();
  }
  ASSERT_TRUE(recorder->close());
  EXPECT_EQ(read(file).events.size(), std::size_t{threads} * each);
}

TEST(Recorder, KeepsTheOrderOfEachThread) {
  const TraceFile file;
  const auto recorder = make(to_file(file));
  std::vector<std::thread> threads;
  constexpr std::uint32_t each = 5'000;
  for (std::uint32_t i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] { record_notes(*recorder, i * each, each); });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  ASSERT_TRUE(recorder->close());
  const Trace trace = read(file);
  ASSERT_EQ(trace.events.size(), 4u * each);
  std::map<std::uint32_t, std::uint32_t> next;
  std::int64_t time = -1;
  for (const auto& event : trace.events) {
    auto& expected = next[event.argument / each];
    EXPECT_EQ(event.argument % each, expected++);
    EXPECT_GT(event.time, time);
    time = event.time;
  }
}

TEST(Recorder, WritesWhatWasPublishedBeforeABlockIsFull) {
  const TraceFile file;
  auto options = to_file(file);
  options.flush_interval = std::chrono::hours(1);
  const auto recorder = make(std::move(options));
  record_notes(*recorder, 0, 3);
  recorder->flush();
  const Trace trace = read(file);
  EXPECT_EQ(trace.events.size(), 3u);
  EXPECT_TRUE(trace.completeness.cut_off);
}

TEST(Recorder, RecordsTimeInNanoseconds) {
  const TraceFile file;
  const auto recorder = make(to_file(file));
  const auto begin = std::chrono::steady_clock::now();
  record_notes(*recorder, 0, 1);
  while (std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(20)) {
  }
  record_notes(*recorder, 1, 1);
  const std::chrono::nanoseconds passed = std::chrono::steady_clock::now() - begin;
  ASSERT_TRUE(recorder->close());
  const Trace trace = read(file);
  ASSERT_EQ(trace.events.size(), 2u);
  const auto recorded = trace.events[1].time - trace.events[0].time;
  EXPECT_GT(recorded, 19'000'000);
  EXPECT_LT(recorded, passed.count() * 11 / 10);
}

TEST(RecorderRing, KeepsTheNewestWithinItsBytes) {
  const TraceFile file;
  const auto recorder = make(to_ring(blocks(4)));
  constexpr std::uint32_t total = 20 * RecordBlock::capacity + 10;
  record_notes(*recorder, 0, total);
  ASSERT_TRUE(recorder->dump(file.path()));
  const Trace trace = read(file);
  EXPECT_TRUE(trace.completeness.ring);
  EXPECT_EQ(trace.completeness.lost_records, 0u);
  ASSERT_EQ(trace.events.size(), 3u * RecordBlock::capacity + 10);
  EXPECT_EQ(trace.events.back().argument, total - 1);
  EXPECT_EQ(trace.events.front().argument, total - trace.events.size());
}

TEST(RecorderRing, KnowsActorsWhoseSpawnItHasForgotten) {
  const TraceFile file;
  const auto recorder = make(to_ring(blocks(2)));
  auto& log = recorder->here();
  for (std::uint32_t actor = 11; actor <= 13; ++actor) {
    Record spawn{
        .actor = actor, .kind = Kind::spawn, .type = recorder->intern("worker"), .argument = actor};
    spawn.time = log.append(spawn);
    recorder->keep_spawn(spawn);
  }
  for (std::uint32_t i = 0; i < 5 * RecordBlock::capacity; ++i) {
    log.append({.actor = 12, .kind = Kind::note, .type = recorder->intern("later")});
  }
  log.publish();
  ASSERT_TRUE(recorder->dump(file.path()));
  const Trace trace = read(file);
  ASSERT_EQ(trace.actors.size(), 4u);
  EXPECT_EQ(trace.actors[2].spawned, 0u);
  EXPECT_EQ(trace.actor_name(trace.events.back().actor), "worker 12");
  EXPECT_EQ(trace.name(trace.events.back().type), "later");
}

TEST(RecorderRing, IsDumpedInASignalHandlerAsOutsideOfIt) {
  const TraceFile file;
  const auto recorder = make(to_ring(blocks(8)));
  record_notes(*recorder, 0, 3'000);
  recorder->note("the end");
  ASSERT_TRUE(recorder->dump_in_signal_handler(file.path().c_str()));
  const Trace trace = read(file);
  ASSERT_EQ(trace.events.size(), 3'001u);
  EXPECT_EQ(trace.name(trace.events.back().type), "the end");
  EXPECT_FALSE(recorder->dump_in_signal_handler("/nowhere/at/all"));
  EXPECT_TRUE(recorder->dump_in_signal_handler(file.path().c_str()));
}

TEST(RecorderRing, MayBeDumpedWhileThreadsRecord) {
  const TraceFile file;
  const auto recorder = make(to_ring(blocks(6)));
  std::atomic<bool> done = false;
  std::latch started(2);
  std::vector<std::thread> threads;
  for (std::uint32_t i = 1; i <= 2; ++i) {
    threads.emplace_back([&, i] {
      for (std::uint32_t next = 0; !done; next += 100) {
        record_notes(*recorder, i << 28 | next, 100);
        if (next == 0) {
          started.count_down();
        }
      }
    });
  }
  started.wait();
  for (int dump = 0; dump < 50; ++dump) {
    ASSERT_TRUE(recorder->dump(file.path()));
    const Trace trace = read(file);
    EXPECT_FALSE(trace.events.empty());
    std::map<std::uint32_t, std::uint32_t> last;
    for (const auto& event : trace.events) {
      auto& before = last[event.thread];
      EXPECT_TRUE(before == 0 || event.argument == before + 1);
      before = event.argument;
    }
  }
  done = true;
  for (auto& thread : threads) {
    thread.join();
  }
}

TEST(RecorderRing, GivesTheBlocksOfEndedThreadsBack) {
  const TraceFile file;
  const auto recorder = make(to_ring(blocks(4)));
  for (std::uint32_t i = 0; i < 100; ++i) {
    std::thread([&] { record_notes(*recorder, i, 1); }).join();
  }
  EXPECT_EQ(recorder->lost(), 0u);
  ASSERT_TRUE(recorder->dump(file.path()));
  EXPECT_EQ(arguments(read(file)), (std::multiset<std::uint32_t>{96, 97, 98, 99}));
}

TEST(RecorderRing, IsNotDumpedIfThereIsNone) {
  const TraceFile file;
  const auto recorder = make(to_file(file));
  EXPECT_FALSE(recorder->dump(file.path().string() + ".dump"));
  EXPECT_FALSE(recorder->dump_in_signal_handler("unused"));
}

TEST(Recorder, TwoOnOneThreadDoNotMix) {
  const TraceFile file;
  const auto first = make(to_file(file));
  const auto second = make(to_ring(blocks(2)));
  for (std::uint32_t i = 0; i < 10; ++i) {
    record_notes(*first, i, 1);
    record_notes(*second, 100 + i, 1);
  }
  ASSERT_TRUE(first->close());
  const auto found = arguments(read(file));
  EXPECT_EQ(found.size(), 10u);
  EXPECT_EQ(*found.rbegin(), 9u);
}

}  // namespace
}  // namespace nodezero::runtime::trace
