// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "nodezero/error.hpp"
#include "runtime/trace/block_output.hpp"
#include "runtime/trace/catalogue.hpp"
#include "runtime/trace/name_table.hpp"
#include "runtime/trace/record_block.hpp"

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace nodezero::runtime::trace {

class Recorder;

/// A message type as records name it.
struct RecordedType {
  std::uint16_t name = 0;
  void (*write)(const void* message, PayloadWriter& payload) = nullptr;
};

/// What one thread records. Used by that thread alone.
class ThreadLog {
 public:
  ThreadLog(Recorder& recorder, std::uint32_t number) : recorder_(recorder), number_(number) {}

  std::uint32_t number() const { return number_; }
  /// An id that no other send has.
  std::uint64_t next_message() { return static_cast<std::uint64_t>(number_) << 40 | ++messages_; }

  /// Appends with the current time, which it returns; others see it after `publish`.
  std::uint64_t append(Record record);
  /// Appends the payload of the record before it.
  void append_payload(const RecordedType& type, const void* message);
  /// Makes what was appended visible to dumps and to the file's writer.
  void publish() {
    if (block_) {
      block_->count.store(used_, std::memory_order_release);
    }
  }

  /// The type that `resolve()` returns for this key; asked for once a thread.
  template <class Resolve>
  const RecordedType& type(const void* key, Resolve resolve) {
    auto& slot = recent_types_[(reinterpret_cast<std::uintptr_t>(key) >> 4) % recent_types_.size()];
    if (slot.first != key) {
      auto [found, is_new] = types_.try_emplace(key);
      if (is_new) {
        found->second = &resolve();
      }
      slot = {key, found->second};
    }
    return *slot.second;
  }

  std::uint16_t intern(std::string_view text);

  /// The actor whose handler runs on this thread, or 0.
  std::uint32_t handler = 0;

 private:
  friend class Recorder;

  void append_raw(const Record& record);
  bool next_block();

  Recorder& recorder_;
  std::uint32_t number_;
  RecordBlock* block_ = nullptr;
  std::uint32_t used_ = RecordBlock::capacity;
  std::uint64_t index_ = 0;  ///< records appended, those that were lost included
  std::uint64_t messages_ = 0;
  std::uint64_t last_time_ = 0;
  std::atomic<bool> thread_ended_{false};
  std::array<std::pair<const void*, const RecordedType*>, 64> recent_types_{};
  std::unordered_map<const void*, const RecordedType*> types_;
};

/// Keeps what a host's actors did: everything in a file, the last seconds in memory, or both.
/// Each thread appends to a block of its own without a lock; a full block goes to the recorder.
///
/// A host makes one, attaches it to the configuration of its actor system before the system
/// exists (runtime/recorded.hpp) and keeps it until the system is gone. One recorder records one
/// system. Nothing is global, no signal handler is installed; a thread runs only if a file is
/// asked for.
class Recorder {
 public:
  /// What happens to a record when all buffers are full.
  enum class WhenFull {
    lose,  ///< it is counted as lost, and the trace says so
    wait,  ///< the recording thread waits for the file's writer
  };
  enum class Clock {
    processor,  ///< the time stamp counter, or steady_clock where there is none
    logical,    ///< counts records: the same schedule gives the same file
  };
  struct Options {
    std::filesystem::path file;                        ///< empty: none
    std::chrono::seconds ring{0};                      ///< what to keep in memory; 0: nothing
    std::size_t buffer_bytes = std::size_t{32} << 20;  ///< of records in memory, at most
    WhenFull when_full = WhenFull::lose;
    Clock clock = Clock::processor;
    /// The file is written by a thread of its own, which also writes what blocks hold that are
    /// not full, so often. 0: by the thread that fills a block, and no thread is started.
    std::chrono::milliseconds flush_interval{200};
    Catalogue catalogue;
    std::map<std::string, std::string> about;  ///< Trace::about
    /// Called once, by any thread, when the file cannot be written any more. Recording goes on
    /// in the ring, if there is one.
    std::function<void(const std::string&)> warn;
  };

  /// @return an error if the file cannot be created, or there is neither file nor ring.
  static Result<std::unique_ptr<Recorder>> make(Options options);
  /// Closes the file. No actor may be left that records.
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  /// The calling thread's log.
  ThreadLog& here() {
    const auto& recent = recent_log();
    return recent.recorder == id_ ? *recent.log : find_log();
  }

  std::uint16_t intern(std::string_view text) { return names_.intern(text); }
  /// Resolve a message type by its type_info or, for types that have none, by a name.
  const RecordedType& type(const std::type_info& type);
  const RecordedType& type(const std::string& name);

  /// Remembers a spawn for as long as the recorder lives, also when the ring has left it behind.
  void keep_spawn(const Record& spawn);
  /// Says something about the run itself, such as a violated invariant.
  void note(std::string_view text);

  /// Writes what the ring holds as a trace of its own. May be called from any thread.
  Result<void> dump(const std::filesystem::path& path);
  /// The same inside a signal handler: needs no lock and no memory. Records that threads make
  /// meanwhile may be lost. @return false if the ring holds nothing or it cannot be written.
  bool dump_in_signal_handler(const char* path) noexcept;

  /// Writes all that has been published so far to the file.
  void flush();
  /// Writes everything and ends the file; what is recorded later is lost.
  Result<void> close();

  /// Records that were lost so far.
  std::uint64_t lost() const { return lost_; }
  bool has_ring() const { return options_.ring.count() > 0; }
  std::uint64_t now();

 private:
  friend class ThreadLog;
  struct RecentLog {
    std::uint64_t recorder = 0;
    ThreadLog* log = nullptr;
  };
  struct OwnedLogs;
  struct Part;

  explicit Recorder(Options options, int file);

  static RecentLog& recent_log() {
    static thread_local constinit RecentLog recent;
    return recent;
  }
  ThreadLog& find_log();
  bool next_block(ThreadLog& log);
  RecordBlock* take_block(std::unique_lock<std::mutex>& lock);
  void hand_over(ThreadLog& log);
  void retire(RecordBlock& block);
  void release(RecordBlock& block);
  void reap_ended_threads();
  void write_out();
  void writer_loop();
  bool has_much_to_write() const {
    return !full_.empty() && (waiting_ > 0 || full_.size() * 8 >= most_blocks_);
  }
  void write_clock(BlockOutput& out);
  void write_dump(BlockOutput& out) noexcept;
  void fail_file();
  std::uint64_t nanoseconds() const;

  const Options options_;
  const std::uint64_t id_;  ///< unique in the process, so that no thread mistakes its log
  const std::string about_;
  int file_ = -1;
  std::atomic<std::uint64_t> logical_time_{0};
  std::uint64_t start_ticks_ = 0;
  std::uint64_t start_nanoseconds_ = 0;
  NameTable names_;

  mutable std::mutex types_mutex_;
  std::unordered_map<std::string, RecordedType> types_;

  mutable std::mutex mutex_;  ///< guards everything down to blocks_
  std::condition_variable block_is_free_;
  std::condition_variable work_;
  std::vector<std::shared_ptr<ThreadLog>> logs_;
  std::uint32_t threads_ = 0;
  std::vector<RecordBlock*> free_;
  std::deque<RecordBlock*> full_;  ///< for the file
  std::deque<RecordBlock*> ring_;  ///< oldest first
  std::size_t waiting_ = 0;        ///< threads, for a block
  bool closing_ = false;
  bool file_failed_ = false;

  /// All blocks there are, and kept spawns; a signal handler walks over them.
  std::vector<std::unique_ptr<RecordBlock>> blocks_;
  std::unique_ptr<std::atomic<RecordBlock*>[]> block_slots_;
  std::size_t most_blocks_ = 0;
  std::size_t block_slots_count_ = 0;
  std::vector<std::unique_ptr<RecordBlock>> kept_blocks_;
  static constexpr std::size_t most_kept_blocks = 1'024;
  std::unique_ptr<std::atomic<RecordBlock*>[]> kept_slots_;
  std::unique_ptr<RecordBlock> scratch_;  ///< of the dump
  std::atomic<bool> dumping_{false};
  std::atomic<std::uint64_t> lost_{0};
  std::atomic<bool> blocks_may_be_free_{true};

  std::mutex write_mutex_;  ///< whoever writes the file; taken before mutex_
  BlockOutput output_;
  NameOutput name_output_;
  std::uint64_t lost_written_ = 0;
  std::uint64_t next_clock_ = 0;
  std::thread writer_;
};

inline std::uint64_t Recorder::now() {
  if (options_.clock == Clock::logical) {
    return logical_time_.fetch_add(1, std::memory_order_relaxed) + 1;
  }
#if defined(__x86_64__)
  return __rdtsc();
#else
  return nanoseconds();
#endif
}

inline void ThreadLog::append_raw(const Record& record) {
  ++index_;
  if (used_ == RecordBlock::capacity && !next_block()) {
    return;
  }
  block_->records[used_++] = record;
}

inline std::uint64_t ThreadLog::append(Record record) {
  record.time = last_time_ = recorder_.now();
  append_raw(record);
  return record.time;
}

}  // namespace nodezero::runtime::trace
