// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/trace/recorder.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "runtime/trace/record_codec.hpp"

namespace nodezero::runtime::trace {
namespace {

std::uint64_t unique_id() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

std::int64_t nanoseconds_since_1970() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

std::string error_text(int code) {
  return std::system_category().message(code);
}

/// Collects three words at a time.
class SummaryWriter final : public PayloadWriter {
 public:
  explicit SummaryWriter(ThreadLog& log, void (*append)(ThreadLog&, const Record&))
      : log_(log), append_(append) {}

  void number(std::uint64_t value) override {
    summary_.words[summary_.count++] = value;
    if (summary_.count == 3) {
      flush();
    }
  }
  void flush() {
    if (summary_.count > 0) {
      append_(log_, std::bit_cast<Record>(summary_));
      summary_ = {};
    }
  }

 private:
  ThreadLog& log_;
  void (*append_)(ThreadLog&, const Record&);
  SummaryRecord summary_;
};

}  // namespace

// ---- ThreadLog ---------------------------------------------------------------------------

void ThreadLog::append_payload(const RecordedType& type, const void* message) {
  if (type.write) {
    SummaryWriter payload(*this,
                          [](ThreadLog& log, const Record& record) { log.append_raw(record); });
    type.write(message, payload);
    payload.flush();
  }
}

std::uint16_t ThreadLog::intern(std::string_view text) {
  return recorder_.intern(text);
}

bool ThreadLog::next_block() {
  publish();
  const bool got_one =
      (block_ != nullptr || recorder_.blocks_may_be_free_.load(std::memory_order_relaxed)) &&
      recorder_.next_block(*this);
  if (!got_one) {
    recorder_.lost_.fetch_add(1, std::memory_order_relaxed);
  }
  return got_one;
}

// ---- threads -----------------------------------------------------------------------------

/// The logs of one thread, one for each recorder that it has met.
struct Recorder::OwnedLogs {
  ~OwnedLogs() {
    for (const auto& [id, log] : logs) {
      log->thread_ended_.store(true, std::memory_order_release);
    }
    recent_log() = {};
  }
  std::vector<std::pair<std::uint64_t, std::shared_ptr<ThreadLog>>> logs;
};

ThreadLog& Recorder::find_log() {
  static thread_local OwnedLogs owned;
  auto found = std::ranges::find(owned.logs, id_, [](const auto& entry) { return entry.first; });
  if (found == owned.logs.end()) {
    // Only this thread holds the logs of recorders that are gone.
    std::erase_if(owned.logs, [](const auto& entry) { return entry.second.use_count() == 1; });
    const std::lock_guard lock(mutex_);
    reap_ended_threads();
    owned.logs.emplace_back(id_,
                            logs_.emplace_back(std::make_shared<ThreadLog>(*this, ++threads_)));
    found = owned.logs.end() - 1;
  }
  recent_log() = {id_, found->second.get()};
  return *found->second;
}

void Recorder::reap_ended_threads() {
  std::erase_if(logs_, [this](const auto& log) {
    const bool has_ended = log->thread_ended_.load(std::memory_order_acquire);
    if (has_ended) {
      hand_over(*log);
    }
    return has_ended;
  });
}

// ---- blocks ------------------------------------------------------------------------------

bool Recorder::next_block(ThreadLog& log) {
  std::unique_lock lock(mutex_);
  hand_over(log);
  if (file_ >= 0 && !writer_.joinable() && !full_.empty()) {
    lock.unlock();
    write_out();
    lock.lock();
  }
  RecordBlock* block = take_block(lock);
  if (block == nullptr) {
    blocks_may_be_free_ = false;
    return false;
  }
  block->thread = log.number_;
  block->first = log.index_ - 1;
  block->written = 0;
  block->count.store(0, std::memory_order_relaxed);
  block->generation.fetch_add(1, std::memory_order_release);
  log.block_ = block;
  log.used_ = 0;
  return true;
}

RecordBlock* Recorder::take_block(std::unique_lock<std::mutex>& lock) {
  while (true) {
    if (closing_ || dumping_.load(std::memory_order_acquire)) {
      return nullptr;
    }
    if (!free_.empty()) {
      RecordBlock* block = free_.back();
      free_.pop_back();
      return block;
    }
    // Each thread can have one to itself, or one might wait for what another never gives back.
    if (blocks_.size() < std::max(most_blocks_, std::min(logs_.size() + 2, block_slots_count_))) {
      auto& block = blocks_.emplace_back(std::make_unique<RecordBlock>());
      block_slots_[blocks_.size() - 1].store(block.get(), std::memory_order_release);
      return block.get();
    }
    if (!ring_.empty()) {
      release(*ring_.front());
      ring_.pop_front();
      continue;
    }
    if (options_.when_full == WhenFull::lose || !writer_.joinable()) {
      return nullptr;
    }
    ++waiting_;
    work_.notify_one();
    block_is_free_.wait(lock);
    --waiting_;
  }
}

/// Takes the block that a thread has been filling.
void Recorder::hand_over(ThreadLog& log) {
  RecordBlock* block = std::exchange(log.block_, nullptr);
  log.used_ = RecordBlock::capacity;
  if (block == nullptr) {
    return;
  }
  block->last_time = log.last_time_;
  if (file_ >= 0 && !file_failed_) {
    full_.push_back(block);
    if (has_much_to_write()) {
      work_.notify_one();
    }
  } else {
    retire(*block);
  }
}

/// A block that the file needs no more: it stays in the ring or is used again.
void Recorder::retire(RecordBlock& block) {
  if (!has_ring()) {
    if (file_failed_) {
      lost_ += block.count.load(std::memory_order_relaxed) - block.written;
    }
    release(block);
    return;
  }
  ring_.push_back(&block);
  if (options_.clock == Clock::processor) {
    const std::uint64_t ticks = now() - start_ticks_;
    const double elapsed = static_cast<double>(nanoseconds() - start_nanoseconds_) * 1e-9;
    const auto span = static_cast<std::uint64_t>(static_cast<double>(ticks) / (elapsed + 1e-9) *
                                                 static_cast<double>(options_.ring.count()));
    while (ring_.size() > 1 && ring_.front()->last_time + span < start_ticks_ + ticks) {
      release(*ring_.front());
      ring_.pop_front();
    }
  }
}

void Recorder::release(RecordBlock& block) {
  block.generation.fetch_add(1, std::memory_order_release);
  block.count.store(0, std::memory_order_relaxed);
  free_.push_back(&block);
  blocks_may_be_free_ = true;
  block_is_free_.notify_one();
}

void Recorder::keep_spawn(const Record& spawn) {
  if (!has_ring()) {
    return;
  }
  const std::lock_guard lock(mutex_);
  RecordBlock* block = kept_blocks_.empty() ? nullptr : kept_blocks_.back().get();
  if (block == nullptr || block->count.load(std::memory_order_relaxed) == RecordBlock::capacity) {
    if (kept_blocks_.size() == most_kept_blocks) {
      return;
    }
    block = kept_blocks_.emplace_back(std::make_unique<RecordBlock>()).get();
    kept_slots_[kept_blocks_.size() - 1].store(block, std::memory_order_release);
  }
  const auto count = block->count.load(std::memory_order_relaxed);
  block->records[count] = spawn;
  block->count.store(count + 1, std::memory_order_release);
}

// ---- what is said once -------------------------------------------------------------------

const RecordedType& Recorder::type(const std::type_info& type) {
  const auto* described = options_.catalogue.find(type);
  if (described == nullptr) {
    return this->type(readable_name(type));
  }
  const std::lock_guard lock(types_mutex_);
  const auto [found, is_new] = types_.try_emplace(described->name);
  if (is_new) {
    found->second = {names_.intern(described->name, described->fields), described->write};
  }
  return found->second;
}

const RecordedType& Recorder::type(const std::string& name) {
  const std::lock_guard lock(types_mutex_);
  const auto [found, is_new] = types_.try_emplace(name);
  if (is_new) {
    found->second = {names_.intern(name), nullptr};
  }
  return found->second;
}

void Recorder::note(std::string_view text) {
  auto& log = here();
  log.append({.actor = log.handler, .kind = Kind::note, .type = intern(text)});
  log.publish();
}

// ---- life --------------------------------------------------------------------------------

Result<std::unique_ptr<Recorder>> Recorder::make(Options options) {
  int file = -1;
  if (options.clock == Clock::processor) {
    options.about.try_emplace("started_unix_ns", std::to_string(nanoseconds_since_1970()));
  }
  if (options.file.empty() && options.ring.count() <= 0) {
    return fail(ErrorCode::invalid_argument,
                "nothing would be recorded; give a trace file, or a ring of at least a second");
  }
  if (!options.file.empty()) {
    file = ::open(options.file.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
    if (file < 0) {
      return fail(
          ErrorCode::io,
          fmt::format("the trace file {} cannot be written ({}); check the folder and the disk",
                      options.file.string(), error_text(errno)));
    }
  }
  return std::unique_ptr<Recorder>(new Recorder(std::move(options), file));
}

Recorder::Recorder(Options options, int file)
    : options_(std::move(options)),
      id_(unique_id()),
      about_(nlohmann::json(options_.about)
                 .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)),
      file_(file),
      most_blocks_(std::max<std::size_t>(options_.buffer_bytes / sizeof(RecordBlock), 2)),
      block_slots_count_(most_blocks_ + 1'024),
      output_(file),
      name_output_(names_) {
  if (options_.clock == Clock::processor) {
    start_ticks_ = now();
    start_nanoseconds_ = nanoseconds();
  }
  block_slots_ = std::make_unique<std::atomic<RecordBlock*>[]>(block_slots_count_);
  kept_slots_ = std::make_unique<std::atomic<RecordBlock*>[]>(most_kept_blocks);
  scratch_ = std::make_unique<RecordBlock>();
  if (file_ >= 0) {
    output_.file_header(0);
    output_.block({.kind = BlockKind::about}, about_.data(), about_.size());
    if (options_.flush_interval.count() > 0) {
      writer_ = std::thread([this] { writer_loop(); });
    }
  }
}

Recorder::~Recorder() {
  static_cast<void>(close());
}

std::uint64_t Recorder::nanoseconds() const {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(time.tv_nsec);
}

}  // namespace nodezero::runtime::trace
