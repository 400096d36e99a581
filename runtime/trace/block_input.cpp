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

#include "runtime/trace/name_table.hpp"
#include "runtime/trace/record_codec.hpp"

namespace nodezero::runtime::trace {
namespace {

Result<std::vector<std::byte>> read_bytes(const std::filesystem::path& path) {
  const auto failed = [&](int code) {
    return fail(
        fmt::format("{} cannot be read: {}", path.string(), std::system_category().message(code)));
  };
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    return failed(errno);
  }
  struct stat status {};
  std::vector<std::byte> bytes;
  int error = ::fstat(file, &status) != 0 ? errno : 0;
  bytes.resize(error == 0 ? static_cast<std::size_t>(status.st_size) : 0);
  std::size_t size = 0;
  // The file may grow meanwhile; what it has now is read.
  while (error == 0 && size < bytes.size()) {
    const ssize_t part = ::read(file, bytes.data() + size, bytes.size() - size);
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

Result<std::vector<Record>> take_records(const BlockHeader& header,
                                         std::span<const std::byte> content) {
  if (header.encoding == Encoding::columns) {
    return decode_records(content, header.count);
  }
  if (content.size() != header.count * sizeof(Record)) {
    return fail("a block of records has the wrong size");
  }
  std::vector<Record> records(header.count);
  std::memcpy(records.data(), content.data(), content.size());
  return records;
}

Result<void> take_about(std::span<const std::byte> content, TraceParts& parts) {
  const auto* text = reinterpret_cast<const char*>(content.data());
  const auto json = nlohmann::json::parse(text, text + content.size(), nullptr, false);
  if (!json.is_object()) {
    return fail("the block about the run is damaged");
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
        parts.runs.push_back({header.thread, header.first, std::move(*records)});
      }
      return {};
    }
    case BlockKind::lost:
      parts.completeness.lost_records = header.first;
      return {};
    case BlockKind::clock:
      if (content.size() != sizeof(ClockReading)) {
        return fail("a reading of the clock has the wrong size");
      }
      parts.clock.emplace();
      std::memcpy(&*parts.clock, content.data(), sizeof(ClockReading));
      return {};
    case BlockKind::end:
      return {};
  }
  return fail(fmt::format("a block is of the unknown kind {}", static_cast<int>(header.kind)));
}

Result<void> take_blocks(std::span<const std::byte> bytes, TraceParts& parts) {
  std::size_t offset = sizeof(FileHeader);
  while (true) {
    BlockHeader header;
    if (bytes.size() - offset < sizeof header) {
      parts.completeness.cut_off = true;
      return {};
    }
    const auto damaged = [&](const std::string& what) {
      return fail(fmt::format("is damaged at byte {}: {}", offset, what));
    };
    std::memcpy(&header, bytes.data() + offset, sizeof header);
    if (header.marker != BlockHeader::expected_marker) {
      return damaged("no block begins there");
    }
    const auto rest = bytes.subspan(offset + sizeof header);
    if (rest.size() < header.stored_bytes) {
      parts.completeness.cut_off = true;
      return {};
    }
    const auto content = rest.first(header.stored_bytes);
    if (checksum(header, content.data()) != header.checksum) {
      return damaged("the block's checksum is wrong");
    }
    if (const auto taken = take_block(header, content, parts); !taken) {
      return damaged(taken.error());
    }
    if (header.kind == BlockKind::end) {
      return {};
    }
    offset += sizeof header + content.size();
  }
}

}  // namespace

Result<TraceParts> read_parts(const std::filesystem::path& path) {
  const auto bytes = read_bytes(path);
  if (!bytes) {
    return fail(bytes.error());
  }
  const auto is_wrong = [&](const std::string& what) { return fail(path.string() + " " + what); };
  if (bytes->empty()) {
    return is_wrong("is empty, not a trace");
  }
  FileHeader header;
  if (bytes->size() < sizeof header ||
      std::memcmp(bytes->data(), FileHeader::expected_magic, sizeof header.magic) != 0) {
    return is_wrong("is not a trace of nodezero");
  }
  std::memcpy(&header, bytes->data(), sizeof header);
  if (header.version > format_version) {
    return is_wrong(fmt::format("has trace format {}; this program reads up to {}: use a newer one",
                                header.version, format_version));
  }
  TraceParts parts;
  parts.names.emplace_back();
  if (const auto taken = take_blocks(*bytes, parts); !taken) {
    return is_wrong(taken.error());
  }
  parts.completeness.ring = (header.flags & FileHeader::ring) != 0;
  parts.completeness.cut_off |= (header.flags & FileHeader::cut_off) != 0;
  return parts;
}

}  // namespace nodezero::runtime::trace
