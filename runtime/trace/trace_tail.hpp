// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "runtime/trace/block_input.hpp"

namespace nodezero::runtime::trace {

/// Reads a trace that is still being written, piece by piece, and keeps of it only what is under
/// way: messages that have not been handled, handlings that have not ended, and the actors.
class TraceTail {
 public:
  /// What was written since the piece before. The trace also has the earlier sends and handlings
  /// that the new events refer to, but no other earlier event; its numbers of events are its own.
  struct Piece {
    Trace trace;
    std::vector<std::uint32_t> fresh;  ///< numbers of the new events, ascending
  };

  explicit TraceTail(std::filesystem::path path);

  enum class Writer { goes_on, is_gone };

  /// Reads what the file has now, perhaps nothing. In the pieces, one after the other, every
  /// message is sent before it is handled; times of events without such a bond may fall back.
  /// What waits for the sending that caused it is held back, unless its writer is gone.
  /// @return an error if the file cannot be read, is not a trace of ours or is damaged; a file that
  /// is still empty is none.
  Result<Piece> next(Writer writer = Writer::goes_on);

  /// The file was closed properly, and all of it has been read.
  bool has_ended() const { return has_ended_; }
  const std::map<std::string, std::string>& about() const { return known_.about; }

 private:
  /// A record and the payload behind it.
  using Entry = std::vector<Record>;

  struct Thread {
    std::deque<Entry> waiting;  ///< read, not yet in a piece
    std::vector<Entry> open;    ///< handlings that have begun, the outermost first
  };
  class PieceBuilder;

  Result<TraceParts> read_new_blocks();
  void take(const RecordRun& run);
  bool is_ready(const Thread& thread) const;
  void note(Thread& thread, const Entry& entry);

  std::filesystem::path path_;
  std::uint64_t offset_ = 0;
  bool has_ended_ = false;
  TraceParts known_;  ///< what every piece has: about, names, spawns, clock, completeness
  std::unordered_set<std::uint32_t> spawned_;
  std::map<std::uint32_t, Thread> threads_;
  std::unordered_map<std::uint64_t, Entry> sends_;  ///< of messages that may still be handled
};

}  // namespace nodezero::runtime::trace
