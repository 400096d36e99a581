// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/train/event_file.hpp"

#include <cstring>
#include <fstream>
#include <iterator>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

namespace nodezero::apps {
namespace {

/// Of the running test alone: others run beside it.
std::filesystem::path own_path(const std::string& ending) {
  return std::filesystem::path(testing::TempDir()) /
         (testing::UnitTest::GetInstance()->current_test_info()->name() + ending);
}

std::string written(void (*write)(EventFile&)) {
  const auto path = own_path(".tfevents");
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

TEST(EventFile, HoldsHistograms) {
  const auto events = events_in(written([](EventFile& file) {
    file.histogram(1.0, 7, "t",
                   {.least = -1,
                    .most = 2,
                    .sum = 3,
                    .sum_of_squares = 5,
                    .count = 4,
                    .limits = {0.5, 2},
                    .counts = {1, 3}});
  }));
  ASSERT_EQ(events.size(), 2u);
  const auto number = [](double value) {
    return std::string(reinterpret_cast<const char*>(&value), sizeof value);
  };
  const auto histogram = "\x09" + number(-1) + "\x11" + number(2) + "\x19" + number(4) + "\x21" +
                         number(3) + "\x29" + number(5) + "\x32\x10" + number(0.5) + number(2) +
                         "\x3A\x10" + number(1) + number(3);
  EXPECT_EQ(events[1].substr(9), "\x10\x07\x2A\x58\x0A\x56\x0A\x01t\x2A\x51" + histogram);
}

/// The histogram of a file of one tensor.
Histogram histogram_of(const std::vector<float>& numbers) {
  const auto folder = own_path("-histograms");
  std::filesystem::create_directories(folder);
  const auto bytes = numbers.size() * sizeof(float);
  const auto header = "{\"a\":{\"dtype\":\"F32\",\"shape\":[" + std::to_string(numbers.size()) +
                      "],\"data_offsets\":[0," + std::to_string(bytes) + "]}}";
  const std::uint64_t length = header.size();
  {
    std::ofstream file(folder / "model.safetensors", std::ios::binary);
    file.write(reinterpret_cast<const char*>(&length), sizeof length) << header;
    file.write(reinterpret_cast<const char*>(numbers.data()), static_cast<std::streamsize>(bytes));
  }
  std::vector<Histogram> all;
  const auto read = for_each_histogram(folder, [&](const std::string& name, const Histogram& one) {
    EXPECT_EQ(name, "a");
    all.push_back(one);
  });
  EXPECT_TRUE(read) << read.error().message;
  EXPECT_EQ(all.size(), 1u);
  std::filesystem::remove_all(folder);
  EXPECT_FALSE(for_each_histogram(folder, {}));
  return all.at(0);
}

TEST(WeightHistograms, CountEveryNumber) {
  std::vector<float> numbers(300'000);  // more than are read at a time
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] = static_cast<float>(i % 1'000) - 500;
  }
  const auto found = histogram_of(numbers);
  EXPECT_EQ(found.least, -500);
  EXPECT_EQ(found.most, 499);
  EXPECT_EQ(found.count, 300'000);
  EXPECT_EQ(found.sum, -150'000);
  EXPECT_EQ(found.sum_of_squares,
            std::inner_product(numbers.begin(), numbers.end(), numbers.begin(), 0.0));
  EXPECT_EQ(std::accumulate(found.counts.begin(), found.counts.end(), 0.0), 300'000);
  ASSERT_EQ(found.limits.size(), found.counts.size());
  EXPECT_EQ(found.limits.back(), 499);
  double below = -500;
  for (std::size_t i = 0; i < found.limits.size(); ++i) {
    // There are 300 of each whole number.
    EXPECT_NEAR(found.counts[i], 300 * (found.limits[i] - below), 300) << i;
    below = found.limits[i];
  }
}

TEST(WeightHistograms, HaveNumbersThatAreAllTheSameInOneBucket) {
  const auto found = histogram_of(std::vector<float>(100, 0.5f));
  EXPECT_EQ(found.least, 0.5);
  EXPECT_EQ(found.most, 0.5);
  EXPECT_EQ(found.counts.back(), 100);
  EXPECT_EQ(std::accumulate(found.counts.begin(), found.counts.end(), 0.0), 100);
}

}  // namespace
}  // namespace nodezero::apps
