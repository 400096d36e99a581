// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/trace/record_codec.hpp"

#include <bit>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace nodezero::runtime::trace {
namespace {

/// Records whose members are small or take all their bits.
std::vector<Record> random_records(std::uint32_t seed, std::size_t count) {
  std::mt19937_64 random(seed);
  const auto number = [&](std::uint64_t most) {
    return random() % 3 == 0 ? random() & most : random() % 8;
  };
  std::vector<Record> records(count);
  for (auto& record : records) {
    record.kind = static_cast<Kind>(1 + random() % 10);
    if (record.kind == Kind::summary) {
      SummaryRecord summary;
      summary.count = static_cast<std::uint8_t>(1 + random() % 3);
      for (std::size_t i = 0; i < summary.count; ++i) {
        summary.words[i] = number(~std::uint64_t{0});
      }
      record = std::bit_cast<Record>(summary);
      continue;
    }
    record.time = number(~std::uint64_t{0});
    record.message = number(~std::uint64_t{0});
    record.actor = static_cast<std::uint32_t>(number(0xffffffff));
    record.peer = static_cast<std::uint32_t>(number(0xffffffff));
    record.detail = static_cast<std::uint8_t>(number(0xff));
    record.type = static_cast<std::uint16_t>(number(0xffff));
    record.argument = static_cast<std::uint32_t>(number(0xffffffff));
  }
  return records;
}

TEST(RecordCodec, GivesBackWhatItWasGiven) {
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    const auto records = random_records(seed, seed);
    const auto decoded = decode_records(encode_records(records), records.size());
    ASSERT_TRUE(decoded) << decoded.error().message;
    ASSERT_EQ(*decoded, records) << "seed " << seed;
  }
}

TEST(RecordCodec, RefusesBytesOfOtherRecords) {
  const auto records = random_records(1, 100);
  auto bytes = encode_records(records);
  EXPECT_FALSE(decode_records(bytes, 101));
  EXPECT_FALSE(decode_records({}, 100));
  bytes.resize(bytes.size() / 2);
  EXPECT_FALSE(decode_records(bytes, 100));
  // A size that nothing of this count can have is not even allocated.
  bytes[3] = std::byte{0xff};
  EXPECT_FALSE(decode_records(bytes, 100));
}

TEST(RecordCodec, MakesThePatternOfARunSmall) {
  // A thread that handles what two others send and answers each.
  std::vector<Record> records;
  for (std::uint64_t i = 0; i < 5'000; ++i) {
    const std::uint64_t from = 2 + i % 2;
    const std::uint64_t time = i * 1'000 + i % 7;
    const auto sender = static_cast<std::uint32_t>(10 + from);
    records.push_back({.time = time,
                       .message = from << 40 | (i / 2 + 1),
                       .actor = 5,
                       .peer = sender,
                       .kind = Kind::begin,
                       .type = 3});
    records.push_back({.time = time + 90,
                       .message = 1ull << 40 | (i + 1),
                       .actor = 5,
                       .peer = sender,
                       .kind = Kind::send,
                       .detail = is_response,
                       .type = 4,
                       .argument = static_cast<std::uint32_t>(i)});
    records.push_back({.time = time + 100,
                       .message = from << 40 | (i / 2 + 1),
                       .actor = 5,
                       .kind = Kind::end,
                       .type = 3});
  }
  EXPECT_LT(encode_records(records).size(), 2 * records.size());
}

}  // namespace
}  // namespace nodezero::runtime::trace
