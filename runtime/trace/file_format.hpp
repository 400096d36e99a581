// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// A trace file: a FileHeader, then blocks, each a BlockHeader and its content. All numbers are
// little-endian. A block is whole or is not read: a file that was cut off anywhere is good up
// to its last whole block.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace nodezero::runtime::trace {

static_assert(std::endian::native == std::endian::little, "trace files are written as they lie");

inline constexpr std::uint32_t format_version = 1;

struct FileHeader {
  static constexpr char expected_magic[8] = {'N', 'Z', 'T', 'R', 'A', 'C', 'E', '\n'};
  /// Only the last seconds were kept.
  static constexpr std::uint32_t ring = 1;
  /// Copied from a file that was cut off.
  static constexpr std::uint32_t cut_off = 2;

  char magic[8] = {'N', 'Z', 'T', 'R', 'A', 'C', 'E', '\n'};
  std::uint32_t version = format_version;
  std::uint32_t flags = 0;
};
static_assert(sizeof(FileHeader) == 16);

enum class BlockKind : std::uint8_t {
  about = 1,    ///< a JSON object of strings
  names = 2,    ///< the next interned names (NameTable)
  actors = 3,   ///< spawn records of actors whose spawn may be missing among the records
  records = 4,  ///< `first`: index of the first one in its thread's sequence
  lost = 5,     ///< `first`: records lost so far
  clock = 6,    ///< a ClockReading; the last one counts
  end = 7,      ///< the file was closed properly
};

enum class Encoding : std::uint8_t {
  raw = 0,
  columns = 1,  ///< record_codec.hpp, compressed by zstd
};

struct BlockHeader {
  static constexpr std::uint32_t expected_marker = 0x4b425a4e;  // "NZBK"

  std::uint32_t marker = expected_marker;
  BlockKind kind = BlockKind::end;
  Encoding encoding = Encoding::raw;
  std::uint16_t reserved = 0;
  std::uint32_t thread = 0;
  std::uint32_t count = 0;  ///< of records
  std::uint64_t first = 0;
  std::uint32_t stored_bytes = 0;  ///< of the content
  std::uint32_t reserved_too = 0;
  std::uint64_t checksum = 0;  ///< of this header with checksum 0, then the stored bytes
};
static_assert(sizeof(BlockHeader) == 40);

/// Two readings of the recorder's clock and of a clock in nanoseconds: at the start, and later.
struct ClockReading {
  std::uint64_t start_ticks = 0;
  std::uint64_t start_nanoseconds = 0;
  std::uint64_t ticks = 0;
  std::uint64_t nanoseconds = 0;
};

/// FNV-1a over words of 64 bits, the last one filled up with zeros. Finds every damage to one
/// word; it may be computed inside a signal handler.
inline std::uint64_t checksum(const void* data, std::size_t bytes,
                              std::uint64_t state = 0xcbf29ce484222325) {
  const auto* from = static_cast<const unsigned char*>(data);
  while (bytes > 0) {
    std::uint64_t word = 0;
    const std::size_t part = bytes < sizeof word ? bytes : sizeof word;
    std::memcpy(&word, from, part);
    state = (state ^ word) * 0x100000001b3;
    from += part;
    bytes -= part;
  }
  return state;
}

inline std::uint64_t checksum(BlockHeader header, const void* content) {
  header.checksum = 0;
  return checksum(content, header.stored_bytes, checksum(&header, sizeof header));
}

}  // namespace nodezero::runtime::trace
