// SPDX-License-Identifier: BSD-3-Clause

// What crosses arrives as it was, to the bit, and nothing is believed of a length.

#include "actors/wire.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>

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

std::vector<float> with_bits(const std::vector<std::uint32_t>& bits) {
  std::vector<float> values(bits.size());
  std::ranges::transform(bits, values.begin(), [](auto x) { return std::bit_cast<float>(x); });
  return values;
}

runtime::Floats floats(const std::vector<float>& values) {
  std::shared_ptr<float> shared(new float[values.size()], std::default_delete<float[]>());
  std::ranges::copy(values, shared.get());
  return {shared, values.size()};
}

/// Gradients have few exponents.
std::vector<std::uint32_t> bits_like_a_gradient(std::size_t count, std::uint32_t mask) {
  std::mt19937 random(1);
  std::vector<std::uint32_t> bits(count);
  std::ranges::generate(bits, [&] { return ((random() & 0x80FFFFFFU) | 0x3C000000U) & mask; });
  return bits;
}

TEST_F(Wire, FloatsKeepTheirBitsInEachForm) {
  const std::vector<std::uint32_t> strange{0,           0x80000000U, 0x7F800000U, 1,
                                           0x7FC12345U, 0xFF800001U, 0x3FC00000U};
  const std::vector<std::uint32_t> strange_halves{0,           0x80000000U, 0x7F800000U,
                                                  0x00010000U, 0x7FC10000U, 0xFFFF0000U};
  for (const auto& bits :
       {std::vector<std::uint32_t>{}, strange, strange_halves,
        bits_like_a_gradient(5'000, 0xFFFFFFFFU), bits_like_a_gradient(5'000, 0xFFFF0000U)}) {
    const auto plain = floats(with_bits(bits));
    for (const auto& sent : {plain, plain.packed()}) {
      caf::message there;
      ASSERT_FALSE(load(saved(caf::make_message(part{7, 3, {4, 8}, sent})), there));
      ASSERT_TRUE(there.match_elements<part>());
      const auto& got = there.get_as<part>(0);
      EXPECT_EQ(got.term, 7);
      EXPECT_EQ(got.block, 3);
      EXPECT_EQ(got.range.last, 8);
      ASSERT_EQ(got.values.size(), bits.size());
      for (std::size_t i = 0; i < bits.size(); ++i) {
        EXPECT_EQ(std::bit_cast<std::uint32_t>(got.values.span()[i]), bits[i]);
      }
    }
  }
}

TEST_F(Wire, FloatsInHalvesAndPackedTakeFewerBytes) {
  const auto whole = floats(with_bits(bits_like_a_gradient(60'000, 0xFFFFFFFFU)));
  const auto halves = floats(with_bits(bits_like_a_gradient(60'000, 0xFFFF0000U)));
  const auto sent = [&](const runtime::Floats& values) {
    return saved(caf::make_message(part{7, 3, {4, 8}, values})).size();
  };
  constexpr std::size_t most_around = 100;
  for (const auto& values : {whole, halves, whole.packed(), halves.packed()}) {
    EXPECT_GE(sent(values), values.bytes());
    EXPECT_LE(sent(values), values.bytes() + most_around);
  }
  EXPECT_EQ(whole.bytes(), 4 * whole.size());
  EXPECT_EQ(halves.bytes(), 2 * halves.size());
  // Of the highest byte its sign is left.
  EXPECT_LT(whole.packed().bytes(), 3.3 * whole.size());
  EXPECT_LT(halves.packed().bytes(), 1.3 * halves.size());
  // What does not become smaller crosses as it is.
  EXPECT_EQ(floats({1.1F, 2.3F, 1e30F}).packed().bytes(), 12);
}

TEST_F(Wire, PackedFloatsThatCannotBeAreRefused) {
  const auto values = floats(with_bits(bits_like_a_gradient(5'000, 0xFFFFFFFFU))).packed();
  const auto good = saved(caf::make_message(part{7, 3, {4, 8}, values}));
  // CAF does not tell of every fault, but then there are no values.
  const auto is_refused = [&](const std::vector<char>& bytes) {
    caf::message there;
    return load(bytes, there) || !there.match_elements<part>() ||
           there.get_as<part>(0).values.size() == 0;
  };
  ASSERT_FALSE(is_refused(good));
  const std::size_t form = good.size() - values.bytes() - 9;  // before count and compressed size
  for (std::size_t i = form; i < form + 13; ++i) {            // and up to what zstd begins with
    auto bytes = good;
    bytes[i] = static_cast<char>(bytes[i] ^ 0x11);
    EXPECT_TRUE(is_refused(bytes)) << i - form;
  }
  for (std::size_t size = 0; size < good.size(); size += 97) {
    EXPECT_TRUE(is_refused({good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)}));
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
  EXPECT_NE(text.find("part(term, block, range, values: u64 u32 Range(first, last: u32 u32) "
                      "floats, halves or packed)"),
            std::string::npos)
      << text;
  EXPECT_EQ(protocol_digest().size(), 16);
}

}  // namespace
}  // namespace nodezero::actors::wire
