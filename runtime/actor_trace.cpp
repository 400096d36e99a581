// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/actor_trace.hpp"

#include <algorithm>
#include <utility>

#include "runtime/crossing.hpp"

namespace nodezero::runtime {
namespace {

using trace::Kind;
using trace::RecordedType;
using trace::Recorder;
using trace::ThreadLog;

constexpr char config_key[] = "nodezero.recorder";

std::uint32_t number_of(const caf::abstract_actor& actor) {
  return static_cast<std::uint32_t>(actor.id());
}

std::uint32_t sender_of(const caf::local_actor& receiver, const caf::mailbox_element& element) {
  if (!element.sender) {
    return 0;
  }
  const auto number = static_cast<std::uint32_t>(element.sender->id());
  return element.sender->node() == receiver.node()
             ? number
             : trace::number_elsewhere(process_key(element.sender->node()), number);
}

/// CAF's own types have a number instead of a type_info; three of them may be in a catalogue.
const std::type_info* type_info_of(const caf::rtti_pair& type) {
  switch (type.first) {
    case 0:
      return type.second;
    case caf::type_nr<caf::error>::value:
      return &typeid(caf::error);
    case caf::type_nr<caf::down_msg>::value:
      return &typeid(caf::down_msg);
    case caf::type_nr<caf::exit_msg>::value:
      return &typeid(caf::exit_msg);
    default:
      return nullptr;
  }
}

const RecordedType& type_of(ThreadLog& log, Recorder& recorder, const caf::local_actor& actor,
                            const caf::type_erased_tuple& content) {
  static const RecordedType empty;
  if (content.size() == 0) {
    return empty;
  }
  const auto type = content.type(0);
  const void* key =
      type.first == 0 ? static_cast<const void*>(type.second)
                      : reinterpret_cast<const void*>(static_cast<std::uintptr_t>(type.first) << 4);
  return log.type(key, [&]() -> const RecordedType& {
    const auto* info = type_info_of(type);
    return info ? recorder.type(*info)
                : recorder.type(actor.home_system().types().portable_name(type));
  });
}

std::uint8_t flags_of(const caf::message_id& id) {
  return static_cast<std::uint8_t>((id.is_request() ? trace::is_request : 0) |
                                   (id.is_response() ? trace::is_response : 0) |
                                   (id.is_urgent_message() ? trace::is_urgent : 0));
}

}  // namespace

void attach_recorder(caf::actor_system_config& config, Recorder& recorder) {
  caf::put(config.content, config_key,
           static_cast<std::int64_t>(reinterpret_cast<std::intptr_t>(&recorder)));
}

Recorder* find_recorder(const caf::actor_system& system) {
  const auto address = caf::get_or(system.config(), config_key, std::int64_t{0});
  return reinterpret_cast<Recorder*>(static_cast<std::intptr_t>(address));
}

// ---- PendingMessages ---------------------------------------------------------------------

/// Held for some nanoseconds by a sender or the receiver.
class PendingMessages::Lock {
 public:
  explicit Lock(PendingMessages& messages) : locked_(messages.locked_) {
    while (locked_.exchange(true, std::memory_order_acquire)) {
      while (locked_.load(std::memory_order_relaxed)) {
      }
    }
  }
  ~Lock() { locked_.store(false, std::memory_order_release); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  std::atomic<bool>& locked_;
};

bool PendingMessages::add(const caf::mailbox_element* element, std::uint64_t message) {
  const Lock lock(*this);
  if (!closed_) {
    append({element, message});
  }
  return !closed_;
}

void PendingMessages::put_back(const caf::mailbox_element* element, std::uint64_t message) {
  const Lock lock(*this);
  append({element, message});
}

void PendingMessages::append(Entry entry) {
  // Makes room in front when most of the memory is there.
  if (first_ > 32 && first_ * 2 > entries_.size()) {
    entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
  entries_.push_back(entry);
  ++count_;
}

std::uint64_t PendingMessages::take(const caf::mailbox_element* element, std::uint32_t& left) {
  const Lock lock(*this);
  const auto found =
      std::find_if(entries_.begin() + static_cast<std::ptrdiff_t>(first_), entries_.end(),
                   [&](const Entry& entry) { return entry.element == element; });
  std::uint64_t message = 0;
  if (found != entries_.end()) {
    message = found->message;
    found->element = nullptr;
    --count_;
  }
  while (first_ < entries_.size() && entries_[first_].element == nullptr) {
    ++first_;
  }
  if (first_ == entries_.size()) {
    entries_.clear();
    first_ = 0;
  }
  left = count_;
  return message;
}

std::vector<std::uint64_t> PendingMessages::close() {
  const Lock lock(*this);
  closed_ = true;
  std::vector<std::uint64_t> messages;
  for (std::size_t i = first_; i < entries_.size(); ++i) {
    if (entries_[i].element != nullptr) {
      messages.push_back(entries_[i].message);
    }
  }
  entries_ = {};
  first_ = 0;
  count_ = 0;
  return messages;
}

// ---- ActorTrace --------------------------------------------------------------------------

void ActorTrace::spawned(const caf::local_actor& actor, std::uint32_t number) {
  auto& log = recorder_->here();
  trace::Record record{.actor = number_of(actor),
                       .peer = log.handler,
                       .kind = Kind::spawn,
                       .type = recorder_->intern(actor.name()),
                       .argument = number};
  record.time = log.append(record);
  log.publish();
  recorder_->keep_spawn(record);
}

void ActorTrace::sent(const caf::local_actor& receiver, const caf::mailbox_element& element) {
  // Messages of streams take other ways than `consume`; this project has none.
  if (element.mid.is_stream_message()) {
    return;
  }
  auto& log = recorder_->here();
  const auto& content = element.content();
  const auto& type = type_of(log, *recorder_, receiver, content);
  const std::uint64_t message = log.next_message();
  const std::uint32_t sender = sender_of(receiver, element);
  const std::uint32_t actor = log.handler != 0 ? log.handler : sender;
  const bool is_forwarded = sender != 0 && sender != actor;
  log.append({.message = message,
              .actor = actor,
              .peer = number_of(receiver),
              .kind = Kind::send,
              .detail = static_cast<std::uint8_t>(flags_of(element.mid) |
                                                  (is_forwarded ? trace::is_forwarded : 0)),
              .type = type.name,
              .argument = static_cast<std::uint32_t>(element.mid.request_id().integer_value())});
  if (type.write) {
    log.append_payload(type, content.get(0));
  }
  if (!pending_.add(&element, message)) {
    log.append({.message = message,
                .actor = number_of(receiver),
                .peer = sender,
                .kind = Kind::drop,
                .type = type.name});
  }
  log.publish();
}

ActorTrace::Beginning::Beginning(ActorTrace& trace, const caf::local_actor& actor)
    : log_(trace.recorder_ ? &trace.recorder_->here() : nullptr) {
  if (log_ != nullptr) {
    handler_before_ = std::exchange(log_->handler, number_of(actor));
  }
}

ActorTrace::Beginning::~Beginning() {
  if (log_ != nullptr) {
    log_->handler = handler_before_;
  }
}

void ActorTrace::Handling::begin(const caf::local_actor& actor) {
  log_ = &trace_.recorder_->here();
  std::uint32_t left = 0;
  message_ = trace_.pending_.take(&element_, left);
  actor_ = number_of(actor);
  handler_before_ = std::exchange(log_->handler, actor_);
  if (message_ == 0) {
    return;
  }
  type_ = type_of(*log_, *trace_.recorder_, actor, element_.content()).name;
  log_->append({.message = message_,
                .actor = actor_,
                .peer = sender_of(actor, element_),
                .kind = Kind::begin,
                .type = type_,
                .argument = left});
  log_->publish();
}

void ActorTrace::Handling::keep(caf::invoke_message_result result) {
  switch (result) {
    case caf::invoke_message_result::consumed:
      result_ = trace::HandlingResult::consumed;
      break;
    case caf::invoke_message_result::skipped:
      result_ = trace::HandlingResult::skipped;
      if (message_ != 0) {
        trace_.pending_.put_back(&element_, message_);
      }
      break;
    case caf::invoke_message_result::dropped:
      result_ = trace::HandlingResult::dropped;
      break;
  }
}

void ActorTrace::Handling::end() {
  if (message_ != 0) {
    log_->append({.message = message_,
                  .actor = actor_,
                  .kind = Kind::end,
                  .detail = static_cast<std::uint8_t>(result_),
                  .type = type_});
    log_->publish();
  }
  log_->handler = handler_before_;
}

ActorTrace::Ending::Ending(ActorTrace& trace, const caf::local_actor& actor,
                           const caf::error& reason)
    : trace_(trace), actor_(number_of(actor)) {
  if (trace.recorder_ == nullptr || std::exchange(trace.has_ended_, true)) {
    return;
  }
  log_ = &trace.recorder_->here();
  handler_before_ = std::exchange(log_->handler, actor_);
  log_->append({.actor = actor_, .kind = Kind::exit, .type = log_->intern(caf::to_string(reason))});
  log_->publish();
}

ActorTrace::Ending::~Ending() {
  if (log_ == nullptr) {
    return;
  }
  for (const auto message : trace_.pending_.close()) {
    log_->append({.message = message, .actor = actor_, .kind = Kind::drop});
  }
  log_->publish();
  log_->handler = handler_before_;
}

void ActorTrace::state(const caf::local_actor& actor, std::string_view name,
                       std::uint64_t argument) {
  if (recorder_) {
    auto& log = recorder_->here();
    log.append({.actor = number_of(actor),
                .kind = Kind::state,
                .type = log.intern(name),
                .argument = static_cast<std::uint32_t>(argument)});
    log.publish();
  }
}

void ActorTrace::note(const caf::local_actor& actor, std::string_view text) {
  if (recorder_) {
    auto& log = recorder_->here();
    log.append({.actor = number_of(actor), .kind = Kind::note, .type = log.intern(text)});
    log.publish();
  }
}

void ActorTrace::timer(const caf::local_actor& actor, const std::type_info& type,
                       std::uint64_t milliseconds) {
  if (recorder_) {
    auto& log = recorder_->here();
    log.append({.actor = number_of(actor),
                .kind = Kind::timer,
                .type = recorder_->type(type).name,
                .argument = static_cast<std::uint32_t>(milliseconds)});
    log.publish();
  }
}

}  // namespace nodezero::runtime
