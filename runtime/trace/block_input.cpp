// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/trace/block_input.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <span>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "formats/bounded_json.hpp"
#include "runtime/trace/name_table.hpp"
#include "runtime/trace/record_codec.hpp"

namespace nodezero::runtime::trace {
namespace {

Result<std::vector<Record>> take_records(const BlockHeader& header,
                                         std::span<const std::byte> content) {
  if (header.encoding == Encoding::columns) {
    return decode_records(content, header.count);
  }
  if (content.size() != header.count * sizeof(Record)) {
    return fail(ErrorCode::malformed, "a block of records has the wrong size");
  }
  std::vector<Record> records(header.count);
  std::memcpy(records.data(), content.data(), content.size());
  return records;
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
    case BlockKind::names: {
      auto names = decode_names(content);
      if (!names) {
        return fail(names.error());
      }
      parts.names.insert(parts.names.end(), names->begin(), names->end());
      return {};
    }
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

Result<TakenBlocks> take_blocks(std::span<const std::byte> bytes, std::uint64_t offset,
                                TraceParts& parts) {
  std::size_t at = 0;
  while (true) {
    BlockHeader header;
    if (bytes.size() - at < sizeof header) {
      return TakenBlocks{offset + at, false};
    }
    const auto damaged = [&](const std::string& what) {
      return fail(
          ErrorCode::malformed,
          fmt::format("is damaged at byte {} ({}); record or copy it again", offset + at, what));
    };
    std::memcpy(&header, bytes.data() + at, sizeof header);
    if (header.marker != BlockHeader::expected_marker) {
      return damaged("no block begins there");
    }
    const auto rest = bytes.subspan(at + sizeof header);
    if (rest.size() < header.stored_bytes) {
      return TakenBlocks{offset + at, false};
    }
    const auto content = rest.first(header.stored_bytes);
    if (checksum(header, content.data()) != header.checksum) {
      return damaged("the block's checksum is wrong");
    }
    if (const auto taken = take_block(header, content, parts); !taken) {
      return damaged(taken.error().message);
    }
    at += sizeof header + content.size();
    if (header.kind == BlockKind::end) {
      return TakenBlocks{offset + at, true};
    }
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
  const auto taken = take_blocks(blocks, sizeof(FileHeader), parts);
  if (!taken) {
    return is_wrong(taken.error().message);
  }
  parts.completeness.cut_off |= !taken->is_last;
  return parts;
}

}  // namespace nodezero::runtime::trace
