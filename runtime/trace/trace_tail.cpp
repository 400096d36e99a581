// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/trace/trace_tail.hpp"

#include <algorithm>
#include <bit>
#include <iterator>
#include <span>
#include <utility>
#include <vector>

#include "runtime/trace/merge.hpp"

namespace nodezero::runtime::trace {

namespace {

/// The words in the records behind a send.
std::vector<std::uint64_t> payload(std::span<const Record> entry) {
  std::vector<std::uint64_t> words;
  for (const auto& record : entry.subspan(1)) {
    const auto summary = std::bit_cast<SummaryRecord>(record);
    words.insert(words.end(), summary.words,
                 summary.words + std::min<std::size_t>(summary.count, 3));
  }
  return words;
}

}  // namespace

/// Puts a piece together: earlier records that the new ones refer to, and the new ones.
class TraceTail::PieceBuilder {
 public:
  explicit PieceBuilder(const TraceTail& tail) : tail_(tail), parts_(tail.known_) {
    parts_.runs.push_back({.thread = sends_of_earlier_pieces, .first = 0, .records = {}});
    for (const auto& [number, thread] : tail.threads_) {
      runs_[number] = parts_.runs.size();
      repeated_[number] = thread.open.size();
      parts_.runs.push_back({.thread = number, .first = 0, .records = {}});
      for (const auto& begin : thread.open) {
        refer_to(begin.front().message);
        append(parts_.runs.back(), begin);
      }
    }
  }

  void add(std::uint32_t thread, const Entry& entry) {
    const Record& record = entry.front();
    if (record.kind == Kind::send) {
      here_.insert(record.message);
    } else if (record.message != 0) {
      refer_to(record.message);
    }
    append(parts_.runs[runs_.at(thread)], entry);
  }

  Piece finish() && {
    Piece piece{merge(std::move(parts_)), {}};
    for (std::uint32_t number = 1; number <= piece.trace.events.size(); ++number) {
      const auto thread = piece.trace.event(number).thread;
      if (thread == sends_of_earlier_pieces) {
        continue;
      }
      auto& repeated = repeated_.at(thread);
      if (repeated == 0) {
        piece.fresh.push_back(number);
      } else {
        --repeated;
      }
    }
    return piece;
  }

 private:
  /// A number that no thread has.
  static constexpr std::uint32_t sends_of_earlier_pieces = most_threads;

  static void append(RecordRun& run, const Entry& entry) {
    run.records.insert(run.records.end(), entry.begin(), entry.end());
  }

  void refer_to(std::uint64_t message) {
    const auto send = tail_.sends_.find(message);
    if (send != tail_.sends_.end() && here_.insert(message).second) {
      append(parts_.runs.front(), send->second);
    }
  }

  const TraceTail& tail_;
  TraceParts parts_;
  std::map<std::uint32_t, std::size_t> runs_;      ///< by thread, index in parts_.runs
  std::map<std::uint32_t, std::size_t> repeated_;  ///< by thread, handlings of earlier pieces
  std::unordered_set<std::uint64_t> here_;         ///< messages whose send is in the piece
};

TraceTail::TraceTail(std::filesystem::path path) : path_(std::move(path)) {
  known_.names.emplace_back();
}

Result<TraceParts> TraceTail::read_new_blocks() {
  const auto bytes = read_bytes(path_, offset_);
  if (!bytes) {
    return fail(bytes.error());
  }
  TraceParts parts;
  parts.names = known_.names;
  std::span<const std::byte> blocks = *bytes;
  if (offset_ == 0) {
    if (blocks.empty()) {
      return parts;
    }
    if (const auto fault = header_fault(blocks, known_); !fault.empty()) {
      return fail(ErrorCode::malformed, path_.string() + " " + fault);
    }
    offset_ = sizeof(FileHeader);
    blocks = blocks.subspan(sizeof(FileHeader));
  }
  const auto taken = take_blocks(blocks, offset_, parts, Damage::is_refused);
  if (!taken) {
    return fail(ErrorCode::malformed, path_.string() + " " + taken.error().message);
  }
  offset_ = taken->end;
  has_ended_ = taken->is_last;
  return parts;
}

void TraceTail::take(const RecordRun& run) {
  auto& waiting = threads_[run.thread].waiting;
  for (const auto& record : run.records) {
    if (record.kind != Kind::summary) {
      waiting.push_back({record});
    } else if (!waiting.empty()) {
      waiting.back().push_back(record);
    }
  }
}

bool TraceTail::is_ready(const Thread& thread) const {
  if (thread.waiting.empty()) {
    return false;
  }
  const Entry& entry = thread.waiting.front();
  const Record& record = entry.front();
  if (record.kind != Kind::spawn && record.actor != 0 && !spawned_.contains(record.actor)) {
    return false;
  }
  switch (record.kind) {
    case Kind::begin:
    case Kind::drop:
      return sends_.contains(record.message);
    case Kind::send: {
      // A payload, or the end of it, may stand in the next block.
      return thread.waiting.size() > 1 || record.type >= known_.names.size() ||
             is_whole(known_.names[record.type].fields, payload(entry));
    }
    default:
      return true;
  }
}

/// Remembers what later records may refer to, and forgets what none will.
void TraceTail::note(Thread& thread, const Entry& entry) {
  const Record& record = entry.front();
  switch (record.kind) {
    case Kind::send:
      sends_[record.message] = entry;
      break;
    case Kind::spawn:
      if (spawned_.insert(record.actor).second) {
        known_.spawns.push_back(record);
      }
      break;
    case Kind::begin:
      thread.open.push_back(entry);
      break;
    case Kind::end:
      if (!thread.open.empty()) {
        thread.open.pop_back();
      }
      if (static_cast<HandlingResult>(record.detail) != HandlingResult::skipped) {
        sends_.erase(record.message);
      }
      break;
    case Kind::drop:
      sends_.erase(record.message);
      break;
    default:
      break;
  }
}

Result<TraceTail::Piece> TraceTail::next(Writer writer) {
  auto read = read_new_blocks();
  if (!read) {
    return fail(read.error());
  }
  known_.about.merge(read->about);
  known_.names = std::move(read->names);
  known_.clock = read->clock ? read->clock : known_.clock;
  known_.completeness.lost_records =
      std::max(known_.completeness.lost_records, read->completeness.lost_records);
  for (const auto& spawn : read->spawns) {
    spawned_.insert(spawn.actor);
    known_.spawns.push_back(spawn);
  }
  for (const auto& run : read->runs) {
    take(run);
  }
  PieceBuilder piece(*this);
  const auto release = [&](std::uint32_t number, Thread& thread) {
    const Entry entry = std::move(thread.waiting.front());
    thread.waiting.pop_front();
    piece.add(number, entry);
    note(thread, entry);
  };
  const auto release_what_is_ready = [&] {
    bool any = false;
    for (auto& [number, thread] : threads_) {
      while (is_ready(thread)) {
        release(number, thread);
        any = true;
      }
    }
    return any;
  };
  // The cause of a thread's first record can come in a later piece: the recorder had written
  // that thread's records before those of the other. What never comes is not waited for.
  const bool cause_comes =
      !has_ended_ && writer == Writer::goes_on && known_.completeness.lost_records == 0;
  const auto release_what_waits_in_vain = [&] {
    for (auto& [number, thread] : threads_) {
      if (!thread.waiting.empty() && !cause_comes) {
        release(number, thread);
        return true;
      }
    }
    return false;
  };
  while (release_what_is_ready() || release_what_waits_in_vain()) {
  }
  return std::move(piece).finish();
}

}  // namespace nodezero::runtime::trace
