// SPDX-License-Identifier: BSD-3-Clause

// The tracing of nodezero/caf.hpp.

#include <optional>
#include <utility>

#include "actors/laws/trace_catalogue.hpp"
#include "nodezero/caf.hpp"
#include "nodezero/version.h"
#include "runtime/actor_trace.hpp"
#include "runtime/floating_point_mode.hpp"
#include "runtime/system_config.hpp"

namespace nodezero {

using runtime::ActorTrace;
using runtime::trace::Recorder;

struct TraceFile::State {
  std::unique_ptr<Recorder> recorder;
};

Result<TraceFile> TraceFile::create(const std::filesystem::path& path) {
  const runtime::FloatingPointMode mode;
  auto recorder = Recorder::make(
      {.file = path,
       .when_full = Recorder::WhenFull::wait,
       .catalogue = actors::trace_catalogue(),
       .about = {{"program", "a host of libnodezero"}, {"version", NODEZERO_VERSION_STRING}},
       .warn = {}});
  if (!recorder) {
    return fail(recorder.error());
  }
  return TraceFile(std::make_unique<State>(State{std::move(*recorder)}));
}

TraceFile::TraceFile(std::unique_ptr<State> state) : state_(std::move(state)) {}
TraceFile::TraceFile(TraceFile&&) noexcept = default;
TraceFile& TraceFile::operator=(TraceFile&&) noexcept = default;
TraceFile::~TraceFile() {
  const runtime::FloatingPointMode mode;
  state_.reset();
}

void configure(caf::actor_system_config& config, TraceFile* trace) {
  const runtime::FloatingPointMode mode;
  config.set("scheduler.max-throughput", std::size_t{50});
  if (trace && trace->state_) {
    runtime::attach_recorder(config, *trace->state_->recorder);
  }
}

struct MessageTrace::State {
  explicit State(const caf::local_actor& actor) : trace(actor) {}
  ActorTrace trace;
};

namespace {

class BeginningScope : public MessageTrace::Scope {
 public:
  BeginningScope(ActorTrace& trace, const caf::local_actor& actor) : scope_(trace, actor) {}
  void finished(caf::invoke_message_result) override {}

 private:
  ActorTrace::Beginning scope_;
};

class HandlingScope : public MessageTrace::Scope {
 public:
  HandlingScope(ActorTrace& trace, const caf::local_actor& actor,
                const caf::mailbox_element& element)
      : scope_(trace, actor, element) {}
  void finished(caf::invoke_message_result result) override { scope_.finished(result); }

 private:
  ActorTrace::Handling scope_;
};

class EndingScope : public MessageTrace::Scope {
 public:
  EndingScope(ActorTrace& trace, const caf::local_actor& actor, const caf::error& reason)
      : scope_(trace, actor, reason) {}
  void finished(caf::invoke_message_result) override {}

 private:
  ActorTrace::Ending scope_;
};

}  // namespace

MessageTrace::MessageTrace(const caf::local_actor& actor)
    : state_(runtime::find_recorder(actor.home_system()) ? std::make_unique<State>(actor)
                                                         : nullptr) {}
MessageTrace::~MessageTrace() = default;

void MessageTrace::spawned(const caf::local_actor& actor) {
  state_->trace.spawned(actor, runtime::trace::Actor::unnumbered);
}

void MessageTrace::sent(const caf::local_actor& receiver, const caf::mailbox_element& element) {
  state_->trace.sent(receiver, element);
}

MessageTrace::ScopePtr MessageTrace::beginning(const caf::local_actor& actor) {
  return std::make_unique<BeginningScope>(state_->trace, actor);
}

MessageTrace::ScopePtr MessageTrace::handling(const caf::local_actor& actor,
                                              const caf::mailbox_element& element) {
  return std::make_unique<HandlingScope>(state_->trace, actor, element);
}

MessageTrace::ScopePtr MessageTrace::ending(const caf::local_actor& actor,
                                            const caf::error& reason) {
  return std::make_unique<EndingScope>(state_->trace, actor, reason);
}

}  // namespace nodezero
