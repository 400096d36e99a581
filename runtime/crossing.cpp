// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/crossing.hpp"

#include "runtime/actor_trace.hpp"

namespace nodezero::runtime {

trace::ProcessKey process_key(const caf::node_id& process) {
  trace::ProcessKey key = 0xcbf29ce484222325;  // FNV-1a
  for (const unsigned char c : caf::to_string(process)) {
    key = (key ^ c) * 0x100000001b3;
  }
  return key;
}

void record_crossing(const caf::local_actor& sender, const caf::strong_actor_ptr& receiver,
                     const std::type_info& type, const void* message) {
  if (receiver->node() == sender.node()) {
    return;
  }
  trace::Recorder* const recorder = find_recorder(sender.home_system());
  if (recorder == nullptr) {
    return;
  }
  auto& log = recorder->here();
  const auto& recorded =
      log.type(&type, [&]() -> const trace::RecordedType& { return recorder->type(type); });
  const auto number = static_cast<std::uint32_t>(receiver->id());
  log.append({.message = log.next_message(),
              .actor = log.handler != 0 ? log.handler : static_cast<std::uint32_t>(sender.id()),
              .peer = trace::number_elsewhere(process_key(receiver->node()), number),
              .kind = trace::Kind::send,
              .type = recorded.name});
  if (recorded.write) {
    log.append_payload(recorded, message);
  }
  log.publish();
}

void record_machine(const caf::actor_system& system, std::string_view machine) {
  if (trace::Recorder* const recorder = find_recorder(system)) {
    recorder->note(trace::machine_note(machine, process_key(system.node())));
  }
}

}  // namespace nodezero::runtime
