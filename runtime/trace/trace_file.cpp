// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/trace/trace_file.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <map>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "runtime/trace/block_input.hpp"
#include "runtime/trace/block_output.hpp"
#include "runtime/trace/merge.hpp"
#include "runtime/trace/record_codec.hpp"

namespace nodezero::runtime::trace {
namespace {

Record to_record(const Event& event) {
  return {.time = static_cast<std::uint64_t>(event.time),
          .message = event.message,
          .actor = event.actor,
          .peer = event.peer,
          .kind = event.kind,
          .detail = event.detail,
          .type = event.type,
          .argument = event.argument};
}

void append_payload(std::span<const std::uint64_t> words, std::vector<Record>& records) {
  for (; !words.empty(); words = words.subspan(std::min<std::size_t>(words.size(), 3))) {
    SummaryRecord summary;
    summary.count = static_cast<std::uint8_t>(std::min<std::size_t>(words.size(), 3));
    std::ranges::copy(words.first(summary.count), summary.words);
    records.push_back(std::bit_cast<Record>(summary));
  }
}

/// Each thread's records in the order of the events.
std::map<std::uint32_t, std::vector<Record>> split_by_thread(const Trace& trace) {
  std::map<std::uint32_t, std::vector<Record>> threads;
  for (const auto& event : trace.events) {
    auto& records = threads[event.thread];
    records.push_back(to_record(event));
    append_payload(std::span(trace.words).subspan(event.first_word, event.word_count), records);
  }
  return threads;
}

void write_names(const Trace& trace, BlockOutput& out) {
  std::vector<std::byte> bytes;
  for (std::size_t i = 1; i < trace.names.size(); ++i) {
    const auto name = encode_name(trace.names[i].text, trace.names[i].fields);
    bytes.insert(bytes.end(), name.begin(), name.end());
  }
  out.block({.kind = BlockKind::names, .first = 1}, bytes.data(), bytes.size());
}

/// All actors, if the spawn of any is not among the events. Their names are appended to `names`.
std::vector<Record> spawns_before(Trace& trace) {
  const auto actors =
      std::span(trace.actors).subspan(std::min<std::size_t>(trace.actors.size(), 1));
  if (std::ranges::all_of(actors, [](const Actor& actor) { return actor.spawned != 0; })) {
    return {};
  }
  std::vector<Record> spawns;
  for (const auto& actor : actors) {
    const auto found = std::ranges::find(trace.names, actor.name, &Name::text);
    const auto name = found - trace.names.begin();
    if (found == trace.names.end()) {
      trace.names.push_back({actor.name, {}});
    }
    const auto number = static_cast<std::uint32_t>(spawns.size() + 1);
    spawns.push_back({.time = number,
                      .actor = number,
                      .peer = actor.parent,
                      .kind = Kind::spawn,
                      .type = static_cast<std::uint16_t>(name),
                      .argument = actor.number});
  }
  return spawns;
}

void write_records(std::uint32_t thread, std::span<const Record> records, BlockOutput& out) {
  constexpr std::size_t records_a_block = 16'384;
  for (std::size_t first = 0; first < records.size(); first += records_a_block) {
    const auto part = records.subspan(first, std::min(records_a_block, records.size() - first));
    const auto bytes = encode_records(part);
    out.block({.kind = BlockKind::records,
               .encoding = Encoding::columns,
               .thread = thread,
               .count = static_cast<std::uint32_t>(part.size()),
               .first = first},
              bytes.data(), bytes.size());
  }
}

}  // namespace

Result<Trace> read_trace(const std::filesystem::path& path) {
  auto parts = read_parts(path);
  if (!parts) {
    return fail(parts.error());
  }
  return merge(std::move(*parts));
}

Result<void> write_trace(const Trace& original, const std::filesystem::path& path) {
  const auto failed = [&](int code) {
    return fail(
        ErrorCode::io,
        fmt::format("the trace file {} cannot be written ({}); check the folder and the disk",
                    path.string(), std::system_category().message(code)));
  };
  const int file = ::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
  if (file < 0) {
    return failed(errno);
  }
  Trace trace = original;
  const auto spawns = spawns_before(trace);
  const auto about = nlohmann::json(trace.about).dump();
  BlockOutput out(file);
  out.file_header((trace.completeness.ring ? FileHeader::ring : 0) |
                  (trace.completeness.cut_off ? FileHeader::cut_off : 0));
  out.block({.kind = BlockKind::about}, about.data(), about.size());
  write_names(trace, out);
  if (!spawns.empty()) {
    out.block({.kind = BlockKind::actors, .count = static_cast<std::uint32_t>(spawns.size())},
              spawns.data(), spawns.size() * sizeof(Record));
  }
  for (const auto& [thread, records] : split_by_thread(trace)) {
    write_records(thread, records, out);
  }
  if (trace.completeness.lost_records > 0) {
    out.block({.kind = BlockKind::lost, .first = trace.completeness.lost_records}, nullptr, 0);
  }
  out.block({.kind = BlockKind::end}, nullptr, 0);
  const int error = ::close(file) != 0 ? errno : 0;
  if (out.error() != 0 || error != 0) {
    return failed(out.error() != 0 ? out.error() : error);
  }
  return {};
}

Result<void> check_overwritable(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored) ||
      std::filesystem::file_size(path, ignored) == 0) {
    return {};
  }
  std::array<char, sizeof FileHeader::expected_magic> magic{};
  std::ifstream(path, std::ios::binary).read(magic.data(), magic.size());
  if (std::memcmp(magic.data(), FileHeader::expected_magic, magic.size()) == 0) {
    return {};
  }
  return fail(ErrorCode::invalid_argument,
              fmt::format("'{}' would be overwritten, which is not a trace: choose another name or "
                          "remove the file",
                          path.string()));
}

}  // namespace nodezero::runtime::trace
