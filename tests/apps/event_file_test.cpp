// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/train/event_file.hpp"

#include <cstring>
#include <fstream>
#include <iterator>
#include <vector>

#include <gtest/gtest.h>

namespace nodezero::apps {
namespace {

std::string written(void (*write)(EventFile&)) {
  const auto path = std::filesystem::path(testing::TempDir()) / "events.out.tfevents.test";
  {
    EventFile file(path, 1.0);
    write(file);
    EXPECT_TRUE(file.is_good());
  }
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The messages of a file, without their sums.
std::vector<std::string> events_in(const std::string& file) {
  std::vector<std::string> events;
  for (std::size_t at = 0; at < file.size();) {
    std::uint64_t length = 0;
    std::memcpy(&length, file.data() + at, sizeof length);
    events.push_back(file.substr(at + 12, length));
    at += 12 + length + 4;
  }
  return events;
}

TEST(EventFile, IsWhatTensorBoardWrites) {
  // A scalar of 2.5 with the tag train/loss at step 7, by TensorBoard's own writer.
  const std::string expected(
      "\x18\x00\x00\x00\x00\x00\x00\x00\xA3\x7F\x4B\x22\x09\x00\x00\x00\x00\x00\x00\xF0\x3F\x1A\x0D"
      "brain.Event:"
      "2\x86\xBF\x57\x7A\x20\x00\x00\x00\x00\x00\x00\x00\x29\xED\xA9\x50\x09\x00\x00\x00"
      "\x00\x00\x00\xF0\x3F\x10\x07\x2A\x13\x0A\x11\x0A\x0Atrain/loss\x15\x00\x00\x20\x40\xB1\xE0"
      "\xCD\x68",
      88);
  EXPECT_EQ(written([](EventFile& file) { file.scalar(1.0, 7, "train/loss", 2.5); }), expected);
}

TEST(EventFile, MarksTheStartOfASession) {
  const auto events = events_in(written([](EventFile& file) { file.start_session(1.0, 300); }));
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[1].substr(9), std::string("\x10\xAC\x02\x3A\x02\x08\x01"));
}

TEST(EventFile, HoldsTexts) {
  const auto events = events_in(written([](EventFile& file) { file.text(1.0, 7, "t", "hi"); }));
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(
      events[1].substr(9),
      std::string("\x10\x07\x2A\x17\x0A\x15\x0A\x01t\x42\x06\x08\x07\x42\x02hi\x4A\x08\x0A\x06"
                  "\x0A\x04text"));
}

}  // namespace
}  // namespace nodezero::apps
