// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/trace/record_codec.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <unordered_map>
#include <utility>
#include <zstd.h>

namespace nodezero::runtime::trace {
namespace {

enum Column { kinds, details, times, threads, counters, actors, peers, types, arguments, words };
constexpr std::size_t column_count = words + 1;

/// Small numbers of either sign become small ones without: 0, -1, 1, -2, ...
std::uint64_t fold(std::uint64_t difference) {
  return difference << 1 ^ (0 - (difference >> 63));
}
std::uint64_t unfold(std::uint64_t folded) {
  return folded >> 1 ^ (0 - (folded & 1));
}

/// Writes a value as its difference from the expected one, seven bits a byte.
class Encoder {
 public:
  void code(Column column, std::uint64_t expected, std::uint64_t& value) {
    std::uint64_t rest = fold(value - expected);
    auto& out = columns_[column];
    while (rest >= 0x80) {
      out.push_back(static_cast<std::byte>(rest | 0x80));
      rest >>= 7;
    }
    out.push_back(static_cast<std::byte>(rest));
  }

  /// The columns, each with its length before it.
  std::vector<std::byte> joined() const {
    std::vector<std::byte> all;
    for (const auto& column : columns_) {
      const auto size = static_cast<std::uint32_t>(column.size());
      const auto* bytes = reinterpret_cast<const std::byte*>(&size);
      all.insert(all.end(), bytes, bytes + sizeof size);
      all.insert(all.end(), column.begin(), column.end());
    }
    return all;
  }

 private:
  std::array<std::vector<std::byte>, column_count> columns_;
};

/// The inverse. What is missing reads as expected and makes `damaged` true.
class Decoder {
 public:
  explicit Decoder(std::span<const std::byte> joined) {
    for (auto& column : columns_) {
      std::uint32_t size = 0;
      if (joined.size() < sizeof size) {
        damaged_ = true;
        return;
      }
      std::memcpy(&size, joined.data(), sizeof size);
      joined = joined.subspan(sizeof size);
      if (joined.size() < size) {
        damaged_ = true;
        return;
      }
      column = joined.first(size);
      joined = joined.subspan(size);
    }
  }

  void code(Column column, std::uint64_t expected, std::uint64_t& value) {
    auto& in = columns_[column];
    std::uint64_t folded = 0;
    std::size_t used = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (used == in.size()) {
        damaged_ = true;
        return;
      }
      const auto byte = static_cast<std::uint64_t>(in[used++]);
      folded |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        break;
      }
    }
    in = in.subspan(used);
    value = expected + unfold(folded);
  }

  bool damaged() const { return damaged_; }

 private:
  std::array<std::span<const std::byte>, column_count> columns_;
  bool damaged_ = false;
};

/// What the records so far let expect of the next. Encoding and decoding go through the same
/// code, so that they cannot differ in what they expect.
template <class Coder>
class RecordCoder {
 public:
  explicit RecordCoder(Coder& coder) : coder_(coder) {}

  void code(Record& record) {
    code_as(kinds, static_cast<std::uint64_t>(last_kind_), record.kind);
    last_kind_ = record.kind;
    if (record.kind == Kind::summary) {
      auto summary = std::bit_cast<SummaryRecord>(record);
      summary.kind = Kind::summary;
      code(summary);
      record = std::bit_cast<Record>(summary);
      return;
    }
    code_as(details, 0, record.detail);
    coder_.code(times, time_, record.time);
    time_ = record.time;
    code_message(record);
    code_as(actors, record.kind == Kind::begin ? 0 : handler_, record.actor);
    code_as(peers, 0, record.peer);
    code_as(types, record.kind == Kind::end ? handled_type_ : 0, record.type);
    code_argument(record);
    if (record.kind == Kind::begin) {
      handler_ = record.actor;
      handled_ = record.message;
      handled_type_ = record.type;
    }
    payload_type_ = record.type;
    payload_place_ = 0;
  }

 private:
  template <class T>
  void code_as(Column column, std::uint64_t expected, T& value) {
    auto wide = static_cast<std::uint64_t>(value);
    coder_.code(column, expected, wide);
    value = static_cast<T>(wide);
  }

  /// A message's id is a thread's number and, in the lower 40 bits, a counter of that thread:
  /// sends count on, what is handled counts on for each sending thread.
  void code_message(Record& record) {
    constexpr int counter_bits = 40;
    constexpr std::uint64_t counter_mask = (1ull << counter_bits) - 1;
    const bool is_handled = record.kind == Kind::end;
    const bool is_sent = record.kind == Kind::send;
    const std::uint64_t expected = is_handled ? handled_ : is_sent ? sent_ + 1 : 0;
    std::uint64_t thread = record.message >> counter_bits;
    coder_.code(threads, expected >> counter_bits, thread);
    auto& received = received_[thread];
    std::uint64_t counter = record.message & counter_mask;
    coder_.code(counters, is_handled || is_sent ? expected & counter_mask : received, counter);
    record.message = thread << counter_bits | (counter & counter_mask);
    if (is_sent) {
      sent_ = record.message;
    } else if (record.kind == Kind::begin) {
      received = counter;
    }
  }

  /// Requests are numbered on by each actor that asks.
  void code_argument(Record& record) {
    if (record.kind != Kind::send) {
      code_as(arguments, 0, record.argument);
      return;
    }
    const bool is_answer = (record.detail & is_response) != 0;
    auto& last = is_answer ? answered_[record.peer] : asked_[record.actor];
    const bool has_number = (record.detail & (is_request | is_response)) != 0;
    code_as(arguments, has_number ? last + 1 : 0, record.argument);
    if (has_number) {
      last = record.argument;
    }
  }

  /// Words resemble those in the same place of the last message of that type.
  void code(SummaryRecord& summary) {
    code_as(details, 3, summary.count);
    auto& last = payloads_[payload_type_];
    for (std::size_t i = 0; i < std::min<std::size_t>(summary.count, 3); ++i) {
      if (last.size() <= payload_place_) {
        last.resize(payload_place_ + 1);
      }
      coder_.code(words, last[payload_place_], summary.words[i]);
      last[payload_place_++] = summary.words[i];
    }
  }

  Coder& coder_;
  Kind last_kind_ = Kind::none;
  std::uint64_t time_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t handled_ = 0;
  std::uint32_t handler_ = 0;
  std::uint16_t handled_type_ = 0;
  std::uint16_t payload_type_ = 0;
  std::size_t payload_place_ = 0;
  std::unordered_map<std::uint64_t, std::uint64_t> received_;               ///< by thread
  std::unordered_map<std::uint32_t, std::uint32_t> asked_;                  ///< by actor that asks
  std::unordered_map<std::uint32_t, std::uint32_t> answered_;               ///< likewise
  std::unordered_map<std::uint16_t, std::vector<std::uint64_t>> payloads_;  ///< by type
};

constexpr int compression_level = 3;

}  // namespace

std::vector<std::byte> encode_records(std::span<const Record> records) {
  Encoder encoder;
  RecordCoder coder(encoder);
  for (Record record : records) {
    coder.code(record);
  }
  const auto joined = encoder.joined();
  std::vector<std::byte> bytes(sizeof(std::uint32_t) + ZSTD_compressBound(joined.size()));
  const auto raw_size = static_cast<std::uint32_t>(joined.size());
  std::memcpy(bytes.data(), &raw_size, sizeof raw_size);
  const std::size_t size =
      ZSTD_compress(bytes.data() + sizeof raw_size, bytes.size() - sizeof raw_size, joined.data(),
                    joined.size(), compression_level);
  bytes.resize(sizeof raw_size + size);
  return bytes;
}

Result<std::vector<Record>> decode_records(std::span<const std::byte> bytes, std::size_t count) {
  // Room for the records is made before they are decoded.
  constexpr std::size_t most_records_a_block = 1U << 16U;
  constexpr std::size_t least_bytes_a_record = 2;  // a summary's kind and its count of words
  constexpr std::size_t most_bytes_a_record = 80;
  std::uint32_t raw_size = 0;
  if (bytes.size() < sizeof raw_size) {
    return fail(ErrorCode::malformed, "a block of records is too short");
  }
  std::memcpy(&raw_size, bytes.data(), sizeof raw_size);
  bytes = bytes.subspan(sizeof raw_size);
  if (count > most_records_a_block || raw_size > 64 + count * most_bytes_a_record ||
      count * least_bytes_a_record > raw_size) {
    return fail(ErrorCode::malformed, "a block of records has an impossible size");
  }
  std::vector<std::byte> joined(raw_size);
  if (ZSTD_decompress(joined.data(), joined.size(), bytes.data(), bytes.size()) != raw_size) {
    return fail(ErrorCode::malformed, "a block of records cannot be decompressed");
  }
  Decoder decoder(joined);
  RecordCoder coder(decoder);
  std::vector<Record> records(count);
  for (auto& record : records) {
    coder.code(record);
  }
  if (decoder.damaged()) {
    return fail(ErrorCode::malformed, "a block of records ends early");
  }
  return records;
}

}  // namespace nodezero::runtime::trace
