// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "nodezero/error.hpp"
#include "runtime/trace/file_format.hpp"
#include "runtime/trace/record.hpp"
#include "runtime/trace/trace.hpp"

namespace nodezero::runtime::trace {

/// Consecutive records of one thread.
struct RecordRun {
  std::uint32_t thread = 0;
  std::uint64_t first = 0;  ///< index in the thread's sequence
  std::vector<Record> records;
};

/// The blocks of a trace file, decoded and still apart.
struct TraceParts {
  std::map<std::string, std::string> about;
  std::vector<Name> names;
  std::vector<Record> spawns;  ///< kept apart from the records
  std::vector<RecordRun> runs;
  std::optional<ClockReading> clock;
  Completeness completeness;
  std::uint64_t damaged_blocks = 0;  ///< left out; each counts as a lost record at least
};

/// Reads all whole blocks; damaged ones are left out and counted. @return an error as read_trace
/// does.
Result<TraceParts> read_parts(const std::filesystem::path& path);

/// The bytes of a file from an offset to where it ends now.
Result<std::vector<std::byte>> read_bytes(const std::filesystem::path& path, std::uint64_t offset);

/// What makes a file's first bytes no header of a trace that this program reads; empty if
/// nothing does. Notes in `parts` what the header says.
std::string header_fault(std::span<const std::byte> bytes, TraceParts& parts);

/// How far `take_blocks` came.
struct TakenBlocks {
  std::uint64_t end = 0;  ///< offset in the file behind the last block
  bool is_last = false;   ///< that block says that the file ends with it
};

/// What becomes of a damaged block.
enum class Damage {
  is_refused,   ///< an error says where it is
  is_left_out,  ///< it is counted, and the next whole block is looked for
};

/// Adds the whole blocks of `bytes`, which stand at `offset` in the file.
Result<TakenBlocks> take_blocks(std::span<const std::byte> bytes, std::uint64_t offset,
                                TraceParts& parts, Damage damage);

}  // namespace nodezero::runtime::trace
