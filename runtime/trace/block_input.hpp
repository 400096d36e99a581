#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime/trace/file_format.hpp"
#include "runtime/trace/record.hpp"
#include "runtime/trace/result.hpp"
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
};

/// Reads all whole blocks. @return an error as read_trace does.
Result<TraceParts> read_parts(const std::filesystem::path& path);

}  // namespace nodezero::runtime::trace
