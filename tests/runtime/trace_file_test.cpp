// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/trace/trace_file.hpp"

#include <cstddef>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "runtime/trace/file_format.hpp"
#include "runtime/trace/recorder.hpp"
#include "support/trace_file.hpp"

namespace nodezero::runtime::trace {
namespace {

using testing::TraceFile;

/// Two threads, of which the second handles what the first sends, with payloads and names.
void record_two_threads(const std::filesystem::path& path, int messages) {
  Catalogue catalogue;
  catalogue.add<int>("number", {{"value", FieldKind::number}},
                     [](const int& value, PayloadWriter& payload) {
                       payload.number(static_cast<std::uint64_t>(value));
                     });
  auto recorder = Recorder::make({.file = path,
                                  .clock = Recorder::Clock::logical,
                                  .flush_interval = std::chrono::milliseconds(0),
                                  .catalogue = catalogue,
                                  .about = {{"program", "test \"quoted\""}},
                                  .warn = {}});
  ASSERT_TRUE(recorder) << recorder.error().message;
  auto& log = (*recorder)->here();
  const auto& type = (*recorder)->type(typeid(int));
  for (std::uint32_t actor = 1; actor <= 2; ++actor) {
    log.append({.actor = actor,
                .kind = Kind::spawn,
                .type = (*recorder)->intern(actor == 1 ? "sender" : "receiver"),
                .argument = actor});
  }
  std::vector<std::uint64_t> ids;
  for (int i = 0; i < messages; ++i) {
    ids.push_back(log.next_message());
    log.append(
        {.message = ids.back(), .actor = 1, .peer = 2, .kind = Kind::send, .type = type.name});
    log.append_payload(type, &i);
    log.publish();
    (*recorder)->flush();
  }
  std::thread([&] {
    auto& other = (*recorder)->here();
    for (const auto id : ids) {
      other.append({.message = id, .actor = 2, .peer = 1, .kind = Kind::begin, .type = type.name});
      other.append({.message = id, .actor = 2, .kind = Kind::end, .type = type.name});
      other.publish();
      (*recorder)->flush();
    }
  }).join();
  ASSERT_TRUE((*recorder)->close());
}

void expect_equal(const Trace& a, const Trace& b) {
  ASSERT_EQ(a.events.size(), b.events.size());
  for (std::uint32_t i = 1; i <= a.events.size(); ++i) {
    const auto& x = a.event(i);
    const auto& y = b.event(i);
    EXPECT_EQ(std::tie(x.time, x.message, x.actor, x.peer, x.kind, x.detail, x.argument, x.thread,
                       x.life, x.handling),
              std::tie(y.time, y.message, y.actor, y.peer, y.kind, y.detail, y.argument, y.thread,
                       y.life, y.handling))
        << "event " << i;
    EXPECT_EQ(a.name(x.type), b.name(y.type));
    EXPECT_EQ(a.describe_payload(x), b.describe_payload(y));
  }
  EXPECT_EQ(a.names, b.names);
  EXPECT_EQ(a.about, b.about);
}

TEST(TraceFile, SaysWhatWasRecorded) {
  const TraceFile file;
  record_two_threads(file.path(), 3);
  const auto trace = read_trace(file.path());
  ASSERT_TRUE(trace) << trace.error().message;
  EXPECT_TRUE(trace->completeness.complete());
  EXPECT_EQ(trace->about.at("program"), "test \"quoted\"");
  ASSERT_EQ(trace->actors.size(), 3u);
  EXPECT_EQ(trace->actor_name(2), "receiver 2");
  ASSERT_EQ(trace->messages.size(), 3u);
  for (std::uint32_t i = 0; i < 3; ++i) {
    const auto& message = trace->messages[i];
    EXPECT_LT(message.sent, message.begun);
    EXPECT_LT(message.begun, message.ended);
    EXPECT_EQ(trace->event(message.begun).thread, 2u);
    EXPECT_EQ(trace->describe_payload(trace->event(message.begun)), "value " + std::to_string(i));
  }
}

TEST(TraceFile, IsReadUpToItsLastWholeBlockWhereverItIsCutOff) {
  const TraceFile file;
  record_two_threads(file.path(), 5);
  const auto bytes = file.read();
  std::size_t most = 0;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    file.write(bytes.substr(0, size));
    const auto trace = read_trace(file.path());
    if (size < sizeof(FileHeader)) {
      EXPECT_FALSE(trace) << size;
      continue;
    }
    ASSERT_TRUE(trace) << size << ": " << trace.error().message;
    EXPECT_TRUE(trace->completeness.cut_off) << size;
    EXPECT_EQ(trace->completeness.lost_records, 0u);
    EXPECT_GE(trace->events.size(), most) << size;
    most = std::max(most, trace->events.size());
  }
  EXPECT_EQ(most, 2u + 3 * 5);
}

TEST(TraceFile, OfWhichAnyByteIsDamagedIsRefusedInOneLineOrSaysWhatItLacks) {
  const TraceFile file;
  record_two_threads(file.path(), 2);
  const auto bytes = file.read();
  const auto whole = read_trace(file.path());
  ASSERT_TRUE(whole);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    auto damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    file.write(damaged);
    const auto trace = read_trace(file.path());
    if (trace) {
      // The file's flags, and a size that reaches over the end: a trace that is not complete.
      EXPECT_FALSE(trace->completeness.complete() && i >= sizeof(FileHeader)) << "byte " << i;
    } else {
      EXPECT_EQ(trace.error().message.find('\n'), std::string::npos) << trace.error().message;
    }
  }
}

/// Where each block of a file begins.
std::vector<std::size_t> blocks_of(const std::string& bytes) {
  std::vector<std::size_t> found;
  for (std::size_t at = sizeof(FileHeader); at < bytes.size();) {
    found.push_back(at);
    BlockHeader header;
    std::memcpy(&header, bytes.data() + at, sizeof header);
    at += sizeof header + header.stored_bytes;
  }
  return found;
}

TEST(TraceFile, LosesNoMoreThanItsDamagedBlock) {
  const TraceFile file;
  record_two_threads(file.path(), 5);
  const auto bytes = file.read();
  const auto whole = read_trace(file.path());
  ASSERT_TRUE(whole);
  const auto blocks = blocks_of(bytes);
  for (const auto block : blocks) {
    BlockHeader header;
    std::memcpy(&header, bytes.data() + block, sizeof header);
    for (const std::size_t byte : {std::size_t{1}, offsetof(BlockHeader, stored_bytes) + 3,
                                   sizeof header + header.stored_bytes - 1}) {
      auto damaged = bytes;
      damaged[block + byte] = static_cast<char>(damaged[block + byte] ^ 0x40);
      file.write(damaged);
      const auto trace = read_trace(file.path());
      ASSERT_TRUE(trace) << trace.error().message;
      EXPECT_FALSE(trace->completeness.complete());
      const bool is_last = block == blocks.back();
      EXPECT_TRUE(is_last || trace->completeness.lost_records > 0) << "block at " << block;
      const std::size_t lost = header.kind == BlockKind::records ? header.count : 0;
      EXPECT_GE(trace->events.size() + lost, whole->events.size()) << "block at " << block;
      EXPECT_EQ(trace->completeness.cut_off, is_last);
      // A name that is lost takes no other's place.
      for (const auto& event : trace->events) {
        const auto name = trace->name(event.type);
        EXPECT_TRUE(name.empty() || name == "sender" || name == "receiver" || name == "number" ||
                    (header.kind == BlockKind::names && name == "(lost name)"))
            << name;
        EXPECT_TRUE(event.kind != Kind::send || name == "number" || name != "sender") << name;
      }
    }
  }
}

TEST(TraceFile, ThatLacksAllOfAThreadSaysSo) {
  const TraceFile file;
  record_two_threads(file.path(), 5);
  const auto bytes = file.read();
  std::string others = bytes.substr(0, sizeof(FileHeader));
  for (const auto block : blocks_of(bytes)) {
    BlockHeader header;
    std::memcpy(&header, bytes.data() + block, sizeof header);
    if (header.kind != BlockKind::records || header.thread != 1) {  // who sends
      others.append(bytes, block, sizeof header + header.stored_bytes);
    }
  }
  ASSERT_LT(others.size(), bytes.size());
  file.write(others);
  const auto trace = read_trace(file.path());
  ASSERT_TRUE(trace) << trace.error().message;
  EXPECT_EQ(trace->completeness.lost_records, 5u);
}

/// A file of one block that claims what it likes, with a checksum that is right.
std::string file_of(BlockHeader header, const std::string& content) {
  const FileHeader file;
  header.stored_bytes = static_cast<std::uint32_t>(content.size());
  header.checksum = checksum(header, content.data());
  std::string bytes(reinterpret_cast<const char*>(&file), sizeof file);
  bytes.append(reinterpret_cast<const char*>(&header), sizeof header);
  return bytes + content;
}

TEST(TraceFile, BelievesNoNumberThatSizesOrIndexesSomething) {
  const TraceFile file;
  const auto events = [&](const BlockHeader& header, const std::string& content) {
    file.write(file_of(header, content));
    const auto trace = read_trace(file.path());
    EXPECT_TRUE(trace) << trace.error().message;
    EXPECT_FALSE(trace->completeness.complete());
    return trace->events.size();
  };
  const auto record = [&](const Record& one, std::uint32_t thread = 1) {
    return events({.kind = BlockKind::records, .thread = thread, .count = 1},
                  {reinterpret_cast<const char*>(&one), sizeof one});
  };
  EXPECT_EQ(record({.message = 7, .actor = 1, .kind = Kind::send}), 1u);
  EXPECT_EQ(record({.message = 7, .actor = 1, .kind = Kind::send}, 0xffffffff), 0u);
  for (const auto kind : {Kind::send, Kind::begin, Kind::end, Kind::drop}) {
    EXPECT_EQ(record({.message = 0, .actor = 1, .kind = kind}), 0u);
  }
  EXPECT_EQ(record({.actor = 0, .kind = Kind::spawn}), 0u);
  EXPECT_EQ(record({.actor = 1, .kind = static_cast<Kind>(200)}), 0u);
  EXPECT_EQ(record({.actor = 0xffffffff, .peer = 0xffffffff, .kind = Kind::exit, .type = 0xffff}),
            1u);
  // Fifty million records in a block of a few bytes.
  std::string columns(sizeof(std::uint32_t), '\0');
  columns.append("\x28\xb5\x2f\xfd\x20\x00\x01\x00\x00", 9);
  EXPECT_EQ(events({.kind = BlockKind::records,
                    .encoding = Encoding::columns,
                    .thread = 1,
                    .count = 50'000'000},
                   columns),
            0u);
}

TEST(TraceFile, ThatIsNoneIsRefusedWithItsReason) {
  const TraceFile file;
  const auto error = [&](const std::string& bytes) {
    file.write(bytes);
    const auto trace = read_trace(file.path());
    return trace ? std::string("none") : trace.error().message;
  };
  EXPECT_NE(error("").find("is empty"), std::string::npos);
  EXPECT_NE(error("{\"json\": 1, \"more\": 2}").find("is not a trace"), std::string::npos);
  FileHeader newer;
  newer.version = format_version + 1;
  std::string bytes(sizeof newer, 0);
  std::memcpy(bytes.data(), &newer, sizeof newer);
  EXPECT_NE(error(bytes).find("use a newer one"), std::string::npos);
  const auto missing = read_trace(file.path().string() + ".none");
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("No such file"), std::string::npos);
}

TEST(TraceFile, WrittenAgainIsTheSameTraceAndTheSameBytes) {
  const TraceFile file;
  record_two_threads(file.path(), 4);
  const auto first = read_trace(file.path());
  ASSERT_TRUE(first);
  ASSERT_TRUE(write_trace(*first, file.path()));
  const auto bytes = file.read();
  const auto second = read_trace(file.path());
  ASSERT_TRUE(second) << second.error().message;
  expect_equal(*first, *second);
  ASSERT_TRUE(write_trace(*second, file.path()));
  EXPECT_EQ(file.read(), bytes);
}

TEST(TraceFile, KeepsWhatAnIncompleteTraceIs) {
  const TraceFile file;
  record_two_threads(file.path(), 4);
  auto trace = read_trace(file.path());
  ASSERT_TRUE(trace);
  // As a ring leaves it: spawns are missing.
  trace->events.erase(trace->events.begin(), trace->events.begin() + 2);
  trace->link();
  trace->completeness = {.lost_records = 7, .ring = true, .cut_off = true};
  ASSERT_TRUE(write_trace(*trace, file.path()));
  const auto read = read_trace(file.path());
  ASSERT_TRUE(read) << read.error().message;
  expect_equal(*trace, *read);
  EXPECT_EQ(read->actor_name(1), "sender 1");
  EXPECT_EQ(read->completeness.lost_records, 7u);
  EXPECT_TRUE(read->completeness.ring);
  EXPECT_TRUE(read->completeness.cut_off);
}

}  // namespace
}  // namespace nodezero::runtime::trace
