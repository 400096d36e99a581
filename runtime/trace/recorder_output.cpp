// SPDX-License-Identifier: BSD-3-Clause

// What a recorder writes: its file as it goes, and dumps of its ring.

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "runtime/trace/record_codec.hpp"
#include "runtime/trace/recorder.hpp"

namespace nodezero::runtime::trace {
namespace {

std::string write_error_text(const std::filesystem::path& path, int code) {
  return fmt::format("the trace file {} cannot be written ({}); check the folder and the disk",
                     path.string(), std::system_category().message(code));
}

}  // namespace

// ---- the file ----------------------------------------------------------------------------

/// Records of one block that have been published and not been written.
struct Recorder::Part {
  std::uint32_t thread = 0;
  std::uint64_t first = 0;
  std::vector<Record> records;
};

void Recorder::writer_loop() {
  std::unique_lock lock(mutex_);
  while (!closing_) {
    // Whoever calls may do so while a write goes on, when nobody listens.
    work_.wait_for(lock, options_.flush_interval,
                   [this] { return closing_ || has_much_to_write(); });
    lock.unlock();
    write_out();
    lock.lock();
  }
}

void Recorder::flush() {
  if (file_ >= 0) {
    write_out();
  }
}

void Recorder::write_out() {
  const std::lock_guard writing(write_mutex_);
  std::vector<Part> parts;
  const auto take = [&](RecordBlock& block) {
    const auto count = block.count.load(std::memory_order_acquire);
    if (count > block.written) {
      const auto begin = block.records.begin();
      parts.push_back(
          {block.thread, block.first + block.written, {begin + block.written, begin + count}});
      block.written = count;
    }
  };
  {
    const std::lock_guard lock(mutex_);
    reap_ended_threads();
    for (auto* block : std::exchange(full_, {})) {
      take(*block);
      retire(*block);
    }
    for (const auto& log : logs_) {
      if (log->block_) {
        take(*log->block_);
      }
    }
  }
  // Names were interned before the records that use them were published.
  name_output_.write_new(output_);
  // Before the records, so that whoever follows knows their times. Later readings make them more
  // exact; ever rarer ones are enough.
  if (options_.clock == Clock::processor && !parts.empty() && nanoseconds() >= next_clock_) {
    write_clock(output_);
    next_clock_ = 2 * nanoseconds() - start_nanoseconds_;
  }
  for (const auto& part : parts) {
    const auto bytes = encode_records(part.records);
    output_.block({.kind = BlockKind::records,
                   .encoding = Encoding::columns,
                   .thread = part.thread,
                   .count = static_cast<std::uint32_t>(part.records.size()),
                   .first = part.first},
                  bytes.data(), bytes.size());
  }
  if (const auto lost = this->lost(); lost != lost_written_) {
    lost_written_ = lost;
    output_.block({.kind = BlockKind::lost, .first = lost}, nullptr, 0);
  }
  if (output_.error() != 0) {
    fail_file();
  }
}

void Recorder::fail_file() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(file_failed_, true)) {
      return;
    }
  }
  if (options_.warn) {
    options_.warn(write_error_text(options_.file, output_.error()) +
                  "; the trace ends here, the run goes on");
  }
}

void Recorder::write_clock(BlockOutput& out) {
  const ClockReading reading{start_ticks_, start_nanoseconds_, now(), nanoseconds()};
  out.block({.kind = BlockKind::clock}, &reading, sizeof reading);
}

Result<void> Recorder::close() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(closing_, true)) {
      return {};
    }
  }
  work_.notify_all();
  block_is_free_.notify_all();
  if (writer_.joinable()) {
    writer_.join();
  }
  if (file_ < 0) {
    return {};
  }
  next_clock_ = 0;
  write_out();
  output_.block({.kind = BlockKind::end}, nullptr, 0);
  const bool is_closed = ::close(std::exchange(file_, -1)) == 0;
  const int error = output_.error() != 0 ? output_.error() : is_closed ? 0 : errno;
  if (error != 0) {
    return fail(ErrorCode::io, write_error_text(options_.file, error));
  }
  return {};
}

// ---- dumps of the ring -------------------------------------------------------------------

/// Allocates nothing and takes no lock. Blocks that change while they are copied are left out.
void Recorder::write_dump(BlockOutput& out) noexcept {
  out.file_header(FileHeader::ring);
  out.block({.kind = BlockKind::about}, about_.data(), about_.size());
  NameOutput names(names_);
  names.write_new(out);
  for (std::size_t i = 0; i < most_kept_blocks && kept_slots_[i].load(); ++i) {
    const RecordBlock& block = *kept_slots_[i].load();
    const auto count = block.count.load(std::memory_order_acquire);
    out.block({.kind = BlockKind::actors, .count = count}, block.records.data(),
              count * sizeof(Record));
  }
  for (std::size_t i = 0; i < block_slots_count_ && block_slots_[i].load(); ++i) {
    RecordBlock& block = *block_slots_[i].load();
    const auto generation = block.generation.load(std::memory_order_acquire);
    const auto count = block.count.load(std::memory_order_acquire);
    if (generation % 2 == 0 || count == 0) {
      continue;
    }
    std::memcpy(scratch_->records.data(), block.records.data(), count * sizeof(Record));
    const auto thread = block.thread;
    const auto first = block.first;
    // Not a load, which might be done before the copy.
    if (block.generation.fetch_add(0, std::memory_order_acq_rel) == generation) {
      out.block({.kind = BlockKind::records, .thread = thread, .count = count, .first = first},
                scratch_->records.data(), count * sizeof(Record));
    }
  }
  names.write_new(out);
  if (const auto lost = this->lost(); lost > 0) {
    out.block({.kind = BlockKind::lost, .first = lost}, nullptr, 0);
  }
  if (options_.clock == Clock::processor) {
    write_clock(out);
  }
  out.block({.kind = BlockKind::end}, nullptr, 0);
}

Result<void> Recorder::dump(const std::filesystem::path& path) {
  if (!has_ring()) {
    return fail(ErrorCode::wrong_mode,
                "this run keeps no messages in memory; record it with a ring of some seconds");
  }
  const int file = ::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
  if (file < 0) {
    return fail(ErrorCode::io, write_error_text(path, errno));
  }
  BlockOutput out(file);
  {
    // No block is given to anybody else meanwhile.
    const std::lock_guard lock(mutex_);
    write_dump(out);
  }
  const bool is_closed = ::close(file) == 0;
  if (out.error() != 0 || !is_closed) {
    return fail(ErrorCode::io, write_error_text(path, out.error() != 0 ? out.error() : errno));
  }
  return {};
}

bool Recorder::dump_in_signal_handler(const char* path) noexcept {
  if (!has_ring() || dumping_.exchange(true)) {
    return false;
  }
  const int file = ::open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
  if (file < 0) {
    dumping_ = false;
    return false;
  }
  BlockOutput out(file);
  write_dump(out);
  ::close(file);
  dumping_ = false;
  return out.error() == 0;
}

}  // namespace nodezero::runtime::trace
