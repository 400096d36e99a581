// SPDX-License-Identifier: BSD-3-Clause
#include "nodezero/explore/world.hpp"

#include <utility>

#include "verify/library/program.hpp"

namespace nodezero::explore {

caf::actor_system& World::system() {
  return state_.program.system();
}

void World::settle() {
  state_.program.network().settle();
}

void World::inject(const caf::strong_actor_ptr& receiver, caf::message content) {
  state_.program.network().inject(receiver, caf::make_message_id(), std::move(content), false);
}

void World::set_name(const caf::strong_actor_ptr& actor, std::string name) {
  auto& network = state_.program.network();
  network.rename(network.index(actor->id()), state_.program.keep_name(name.c_str()));
}

void World::set_may_die(const caf::strong_actor_ptr& actor) {
  state_.program.mortals.insert(state_.program.network().index(actor->id()));
}

void World::set_stateless(caf::actor_id id) {
  state_.program.stateless.insert(id);
}

bool World::is_alive_id(caf::actor_id id) const {
  const auto& network = state_.program.network();
  return network.is_alive(network.index(id));
}

void World::always(std::string rule, std::function<bool()> holds) {
  state_.program.always.push_back({std::move(rule), std::move(holds)});
}

void World::at_end(std::string rule, std::function<bool()> holds) {
  state_.program.at_end.push_back({std::move(rule), std::move(holds)});
}

void World::fail(std::string rule) {
  state_.program.fail(std::move(rule));
}

void World::on_delivery(std::function<void(const Delivery&)> observer) {
  state_.program.observers.push_back(std::move(observer));
}

void World::remember(std::function<void(Hasher&)> memory) {
  state_.program.memories.push_back(std::move(memory));
}

void World::know_message(const std::type_info& type, std::uint16_t number, HashMessage hash) {
  if (number == 0) {
    state_.program.messages.emplace(type, hash);
    return;
  }
  auto& builtin = state_.program.builtin_messages;
  builtin.resize(std::max<std::size_t>(builtin.size(), number + std::size_t{1}));
  builtin[number] = hash;
}

void World::know_actor(const std::type_info& type, HashActor hash) {
  state_.program.actors.emplace(type, hash);
}

}  // namespace nodezero::explore
