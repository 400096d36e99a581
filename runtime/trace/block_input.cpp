// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/trace/block_input.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <span>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "formats/bounded_json.hpp"
#include "runtime/trace/name_table.hpp"
#include "runtime/trace/possible_record.hpp"
#include "runtime/trace/record_codec.hpp"

namespace nodezero::runtime::trace {
namespace {

Result<std::vector<Record>> take_records(const BlockHeader& header,
                                         std::span<const std::byte> content) {
  Result<std::vector<Record>> records;
  if (header.encoding == Encoding::columns) {
    records = decode_records(content, header.count);
  } else if (content.size() == header.count * sizeof(Record)) {
    records->resize(header.count);
    std::memcpy(records->data(), content.data(), content.size());
  } else {
    return fail(ErrorCode::malformed, "a block of records has the wrong size");
  }
  if (records && !std::ranges::all_of(*records, [](const Record& record) {
        return is_possible(record.kind, record.message, record.actor);
      })) {
    return fail(ErrorCode::malformed, "a block has a record that no recorder writes");
  }
  return records;
}

/// A block that is missing leaves a gap of names that nobody knows.
Result<void> take_names(const BlockHeader& header, std::span<const std::byte> content,
                        TraceParts& parts) {
  constexpr std::size_t most_names = 0x10000;
  auto names = decode_names(content);
  if (!names) {
    return fail(names.error());
  }
  if (header.first == 0 && parts.damaged_blocks > 0) {
    return fail(ErrorCode::malformed, "names are missing before it");
  }
  if (header.first != 0 && (header.first < parts.names.size() || header.first > most_names)) {
    return fail(ErrorCode::malformed, "a block of names has an impossible place");
  }
  if (header.first != 0) {
    parts.names.resize(header.first, {"(lost name)", {}});
  }
  parts.names.insert(parts.names.end(), names->begin(), names->end());
  return {};
}

Result<void> take_about(std::span<const std::byte> content, TraceParts& parts) {
  const auto* text = reinterpret_cast<const char*>(content.data());
  const auto json = formats::read_json({text, content.size()}).value_or(nlohmann::json());
  if (!json.is_object()) {
    return fail(ErrorCode::malformed, "the block about the run is damaged");
  }
  for (const auto& [key, value] : json.items()) {
    parts.about[key] = value.is_string() ? value.get<std::string>() : value.dump();
  }
  return {};
}

Result<void> take_block(const BlockHeader& header, std::span<const std::byte> content,
                        TraceParts& parts) {
  switch (header.kind) {
    case BlockKind::about:
      return take_about(content, parts);
    case BlockKind::names:
      return take_names(header, content, parts);
    case BlockKind::actors:
    case BlockKind::records: {
      auto records = take_records(header, content);
      if (!records) {
        return fail(records.error());
      }
      if (header.kind == BlockKind::actors) {
        parts.spawns.insert(parts.spawns.end(), records->begin(), records->end());
      } else {
        if (header.thread >= most_threads) {
          return fail(ErrorCode::malformed, "a block of records is of a thread that cannot be");
        }
        parts.runs.push_back({header.thread, header.first, std::move(*records)});
      }
      return {};
    }
    case BlockKind::lost:
      parts.completeness.lost_records = header.first;
      return {};
    case BlockKind::clock:
      if (content.size() != sizeof(ClockReading)) {
        return fail(ErrorCode::malformed, "a reading of the clock has the wrong size");
      }
      parts.clock.emplace();
      std::memcpy(&*parts.clock, content.data(), sizeof(ClockReading));
      return {};
    case BlockKind::end:
      return {};
  }
  return fail(ErrorCode::malformed,
              fmt::format("a block is of an unknown kind, {}", static_cast<int>(header.kind)));
}

}  // namespace

Result<std::vector<std::byte>> read_bytes(const std::filesystem::path& path, std::uint64_t offset) {
  const auto failed = [&](int code) {
    return fail(ErrorCode::io,
                fmt::format("the trace {} cannot be read ({}); check the path and its permissions",
                            path.string(), std::system_category().message(code)));
  };
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    return failed(errno);
  }
  struct stat status {};
  std::vector<std::byte> bytes;
  int error = ::fstat(file, &status) != 0 ? errno : 0;
  const auto end = error == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
  bytes.resize(end > offset ? end - offset : 0);
  std::size_t size = 0;
  // The file may grow meanwhile; what it has now is read.
  while (error == 0 && size < bytes.size()) {
    const ssize_t part =
        ::pread(file, bytes.data() + size, bytes.size() - size, static_cast<off_t>(offset + size));
    if (part > 0) {
      size += static_cast<std::size_t>(part);
    } else if (part == 0) {
      break;
    } else if (errno != EINTR) {
      error = errno;
    }
  }
  ::close(file);
  if (error != 0) {
    return failed(error);
  }
  bytes.resize(size);
  return bytes;
}

namespace {

struct Block {
  BlockHeader header;
  std::span<const std::byte> content;
  std::size_t size() const { return sizeof header + content.size(); }
};

/// The header that the bytes begin with, if it looks like one.
std::optional<BlockHeader> header_at(std::span<const std::byte> bytes) {
  BlockHeader header;
  if (bytes.size() < sizeof header) {
    return std::nullopt;
  }
  std::memcpy(&header, bytes.data(), sizeof header);
  return header.marker == BlockHeader::expected_marker ? std::optional(header) : std::nullopt;
}

/// The block that the bytes begin with, if it is whole and nothing of it has changed.
std::optional<Block> block_at(std::span<const std::byte> bytes) {
  const auto header = header_at(bytes);
  if (!header || bytes.size() - sizeof(BlockHeader) < header->stored_bytes) {
    return std::nullopt;
  }
  const auto content = bytes.subspan(sizeof(BlockHeader), header->stored_bytes);
  return checksum(*header, content.data()) == header->checksum
             ? std::optional(Block{*header, content})
             : std::nullopt;
}

/// How many bytes lie before the next block, or all of them. A file that is made of markers is
/// not searched for long.
std::size_t bytes_before_block(std::span<const std::byte> bytes) {
  constexpr int most_attempts = 1'000;
  const auto marker = std::as_bytes(std::span(&BlockHeader::expected_marker, 1));
  auto at = bytes.begin();
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    at = std::search(at, bytes.end(), marker.begin(), marker.end());
    if (at == bytes.end() || block_at({at, bytes.end()})) {
      return static_cast<std::size_t>(at - bytes.begin());
    }
    ++at;
  }
  return bytes.size();
}

/// What is wrong where no whole block begins; empty if the file may just end there.
std::string block_fault(std::span<const std::byte> bytes) {
  if (bytes.size() < sizeof(BlockHeader)) {
    return "";
  }
  const auto header = header_at(bytes);
  if (!header) {
    return "no block begins there";
  }
  return bytes.size() - sizeof(BlockHeader) < header->stored_bytes
             ? ""
             : "the block's checksum is wrong";
}

}  // namespace

Result<TakenBlocks> take_blocks(std::span<const std::byte> bytes, std::uint64_t offset,
                                TraceParts& parts, Damage damage) {
  std::size_t at = 0;
  while (true) {
    const auto rest = bytes.subspan(at);
    const auto block = block_at(rest);
    const auto taken = block ? take_block(block->header, block->content, parts) : Result<void>();
    const auto fault = block ? (taken ? "" : taken.error().message) : block_fault(rest);
    if (!fault.empty() && damage == Damage::is_refused) {
      return fail(
          ErrorCode::malformed,
          fmt::format("is damaged at byte {} ({}); record or copy it again", offset + at, fault));
    }
    if (block && taken) {
      at += block->size();
      if (block->header.kind == BlockKind::end) {
        return TakenBlocks{offset + at, true};
      }
      continue;
    }
    const auto skipped = block ? block->size()
                         : damage == Damage::is_refused || rest.empty()
                             ? rest.size()
                             : 1 + bytes_before_block(rest.subspan(1));
    parts.damaged_blocks += !fault.empty() || skipped < rest.size() ? 1 : 0;
    if (skipped >= rest.size()) {
      return TakenBlocks{offset + at, false};
    }
    at += skipped;
  }
}

std::string header_fault(std::span<const std::byte> bytes, TraceParts& parts) {
  if (bytes.empty()) {
    return "is empty, so not a trace; record it again";
  }
  FileHeader header;
  if (bytes.size() < sizeof header ||
      std::memcmp(bytes.data(), FileHeader::expected_magic, sizeof header.magic) != 0) {
    return "is not a trace of Node Zero; name a file that was recorded by it";
  }
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.version > format_version) {
    return fmt::format(
        "has trace format {}, but this program reads formats up to {}; use a newer one",
        header.version, format_version);
  }
  parts.completeness.ring = (header.flags & FileHeader::ring) != 0;
  parts.completeness.cut_off = (header.flags & FileHeader::cut_off) != 0;
  return "";
}

Result<TraceParts> read_parts(const std::filesystem::path& path) {
  const auto bytes = read_bytes(path, 0);
  if (!bytes) {
    return fail(bytes.error());
  }
  const auto is_wrong = [&](const std::string& what) {
    return fail(ErrorCode::malformed, path.string() + " " + what);
  };
  TraceParts parts;
  parts.names.emplace_back();
  if (const auto fault = header_fault(*bytes, parts); !fault.empty()) {
    return is_wrong(fault);
  }
  const auto blocks = std::span(*bytes).subspan(sizeof(FileHeader));
  const auto taken = take_blocks(blocks, sizeof(FileHeader), parts, Damage::is_left_out);
  if (!taken) {
    return is_wrong(taken.error().message);
  }
  auto& completeness = parts.completeness;
  completeness.cut_off |= !taken->is_last;
  completeness.lost_records = std::max(completeness.lost_records, parts.damaged_blocks);
  return parts;
}

}  // namespace nodezero::runtime::trace
