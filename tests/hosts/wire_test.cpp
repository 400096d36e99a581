// SPDX-License-Identifier: BSD-3-Clause

// What crosses arrives as it was, to the bit, and nothing is believed of a length.

#include "actors/wire.hpp"

#include <bit>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace nodezero::actors::wire {
namespace {

class Wire : public ::testing::Test {
 protected:
  Wire() { register_messages(config_); }

  std::vector<char> saved(const caf::message& message) {
    std::vector<char> bytes;
    caf::binary_serializer sink(system_, bytes);
    auto copy = message;
    EXPECT_FALSE(sink(copy));
    return bytes;
  }
  caf::error load(const std::vector<char>& bytes, caf::message& message) {
    caf::binary_deserializer source(system_, bytes);
    return source(message);
  }

  caf::actor_system_config config_;
  caf::actor_system system_{config_};
};

TEST_F(Wire, FloatsKeepTheirBits) {
  const std::vector<float> values{0.0F,
                                  -0.0F,
                                  std::numeric_limits<float>::infinity(),
                                  std::numeric_limits<float>::denorm_min(),
                                  std::bit_cast<float>(0x7fc12345U),
                                  1.5F};
  std::shared_ptr<float> shared(new float[values.size()], std::default_delete<float[]>());
  std::copy(values.begin(), values.end(), shared.get());
  caf::message there;
  ASSERT_FALSE(load(saved(caf::make_message(part{7, 3, {4, 8}, {shared, values.size()}})), there));
  ASSERT_TRUE(there.match_elements<part>());
  const auto& got = there.get_as<part>(0);
  EXPECT_EQ(got.term, 7);
  EXPECT_EQ(got.block, 3);
  EXPECT_EQ(got.range.last, 8);
  ASSERT_EQ(got.values.size(), values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(std::bit_cast<std::uint32_t>(got.values.span()[i]),
              std::bit_cast<std::uint32_t>(values[i]));
  }
}

TEST_F(Wire, MicroBatchesKeepTheirTokens) {
  auto batch = std::make_shared<model::MicroBatch>();
  batch->sequences = 2;
  batch->context = 3;
  batch->valid_tokens = 5;
  batch->inputs = {1, 2, 3, 4, 5, 6};
  batch->targets = {2, 3, 4, 5, 6, model::ignored_target};
  caf::message there;
  ASSERT_FALSE(load(saved(caf::make_message(work{9, 1, {batch}})), there));
  const auto& got = there.get_as<work>(0);
  EXPECT_EQ(got.tokens.batch->inputs, batch->inputs);
  EXPECT_EQ(got.tokens.batch->targets, batch->targets);
  EXPECT_EQ(got.tokens.batch->valid_tokens, 5);
}

TEST_F(Wire, BatchesOfAHostsModelKeepTheirBytes) {
  for (const std::size_t size : {0u, 5u}) {
    auto batch = std::make_shared<model::MicroBatch>();
    const std::vector<std::byte> content(size, std::byte{7});
    batch->host_data = AnyValue::of(model::EncodedBatch{content});
    const auto bytes = saved(caf::make_message(work{9, 1, {batch}}));
    caf::message there;
    ASSERT_FALSE(load(bytes, there));
    const auto got = there.get_as<work>(0).tokens.batch->host_data.as<model::EncodedBatch>();
    ASSERT_TRUE(got);
    EXPECT_EQ(got->bytes, content);
    // No other length is believed.
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      auto changed = bytes;
      changed[i] = static_cast<char>(changed[i] ^ 0x7f);
      caf::message other;
      if (!load(changed, other) && other.match_elements<work>()) {
        const auto wrong = other.get_as<work>(0).tokens.batch->host_data.as<model::EncodedBatch>();
        EXPECT_LE(wrong ? wrong->bytes.size() : 0, size + 7);
      }
    }
  }
}

TEST_F(Wire, BelievesNoLengthAndSurvivesEveryCut) {
  std::shared_ptr<float> shared(new float[4]{1, 2, 3, 4}, std::default_delete<float[]>());
  const auto bytes = saved(caf::make_message(sum{1, 2, 3, {shared, 4}}));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    caf::message there;
    // CAF does not tell of every cut, but then there are no values.
    if (!load({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)}, there) &&
        there.match_elements<sum>()) {
      EXPECT_EQ(there.get_as<sum>(0).values.size(), 0) << size;
    }
  }
  // Every byte of it changed: the length among them, which must not be allocated.
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    auto changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 0x7f);
    caf::message there;
    if (!load(changed, there) && there.match_elements<sum>()) {
      EXPECT_LE(there.get_as<sum>(0).values.size(), 4);
    }
  }
}

TEST(WireProtocol, TellsNamesAndLayouts) {
  const auto text = protocol_text();
  EXPECT_NE(
      text.find("part(term, block, range, values: u64 u32 Range(first, last: u32 u32) floats)"),
      std::string::npos)
      << text;
  EXPECT_EQ(protocol_digest().size(), 16);
}

}  // namespace
}  // namespace nodezero::actors::wire
