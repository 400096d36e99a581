// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include <caf/all.hpp>

#include "nodezero/explore/hasher.hpp"
#include "nodezero/export.h"

namespace nodezero::explore {

/// A message that is about to be handled. Valid only during the call it is passed to.
class Delivery {
 public:
  Delivery(const caf::mailbox_element& element, std::string sender, std::string receiver)
      : element_(&element), sender_(std::move(sender)), receiver_(std::move(receiver)) {}

  /// Names, with the actor's number in the run: "account 3"; "outside" if no actor sent it.
  const std::string& sender() const { return sender_; }
  const std::string& receiver() const { return receiver_; }
  bool is_request() const { return element_->mid.is_request(); }
  bool is_response() const { return element_->mid.is_response(); }
  const caf::type_erased_tuple& content() const { return element_->content(); }
  /// The message's element number `index`, if it is a T.
  template <class T>
  const T* as(std::size_t index = 0) const {
    return index < content().size() && content().match_element<T>(index)
               ? &content().get_as<T>(index)
               : nullptr;
  }

 private:
  const caf::mailbox_element* element_;
  std::string sender_;
  std::string receiver_;
};

/// The answer to World::ask, which comes during the run.
template <class... Ts>
class Answer {
 public:
  struct State {
    std::optional<std::tuple<Ts...>> values;
    caf::error error;
  };
  explicit Answer(std::shared_ptr<State> state) : state_(std::move(state)) {}

  /// True once it is here, be it an error.
  bool arrived() const { return has_value() || state_->error; }
  bool has_value() const { return state_->values.has_value(); }
  template <std::size_t I = 0>
  const auto& value() const {
    return std::get<I>(*state_->values);
  }
  const caf::error& error() const { return state_->error; }

 private:
  std::shared_ptr<State> state_;
};

namespace detail {

/// Who waits for an Answer.
struct asking {
  static inline const char* name = "client";
  void fingerprint(Hasher& hasher) const { hasher.number(0); }
};

template <class T, class = void>
struct has_state : std::false_type {};
template <class T>
struct has_state<T, std::void_t<decltype(std::declval<const T&>().state)>> : std::true_type {};

template <class T>
void hash_message(const void* message, Hasher& hasher) {
  hasher.add(*static_cast<const T*>(message));
}

template <class Actor>
void hash_actor(const caf::scheduled_actor& actor, Hasher& hasher) {
  const auto& self = static_cast<const Actor&>(actor);
  if constexpr (has_fingerprint<Actor>::value) {
    self.fingerprint(hasher);
  } else if constexpr (has_state<Actor>::value) {
    hasher.add(self.state);
  } else {
    hasher.does_not_know(typeid(Actor));
  }
}

template <class Class, class = void>
struct signatures_of {
  using type = caf::detail::type_list<>;
};
template <class Class>
struct signatures_of<Class, std::void_t<typename Class::signatures>> {
  using type = typename Class::signatures;
};

}  // namespace detail

/// One run in the making: what the function that is given to `explore` spawns, sends and asks for.
/// It is called anew for every schedule, so whatever it captures by reference it must reset.
class NODEZERO_EXPORT World {
 public:
  struct State;
  explicit World(State& state) : state_(state) {}
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  /// Has the testing scheduler. No message in it moves unless the exploration says so.
  caf::actor_system& system();

  // -- actors ----------------------------------------------------------------------------------

  /// As caf::actor_system::spawn. Actors that run on threads of their own are refused.
  template <caf::spawn_options Os = caf::no_spawn_options, class F, class... Ts>
  auto spawn(F f, Ts&&... xs) {
    using impl = typename caf::infer_handle_from_fun<F>::impl;
    refuse_threads<impl, Os>();
    auto handle = system().template spawn<Os>(std::move(f), std::forward<Ts>(xs)...);
    return spawned<impl>(std::move(handle));
  }
  template <class Class, caf::spawn_options Os = caf::no_spawn_options, class... Ts>
  auto spawn(Ts&&... xs) {
    refuse_threads<Class, Os>();
    auto handle = system().template spawn<Class, Os>(std::forward<Ts>(xs)...);
    return spawned<Class>(std::move(handle));
  }
  /// What reports call an actor; without it they use CAF's name.
  template <class Handle>
  void name(const Handle& actor, std::string name) {
    set_name(caf::actor_cast<caf::strong_actor_ptr>(actor), std::move(name));
  }
  /// Makes this one of the actors that Faults::deaths are about. Without any, all may die.
  template <class Handle>
  void may_die(const Handle& actor) {
    set_may_die(caf::actor_cast<caf::strong_actor_ptr>(actor));
  }
  /// Says of an actor without a state that its handlers leave nothing to later ones, so that it has
  /// a fingerprint all the same.
  template <class Handle>
  void stateless(const Handle& actor) {
    set_stateless(actor.id());
  }
  template <class Handle>
  bool is_alive(const Handle& actor) const {
    return is_alive_id(actor.id());
  }
  /// The state of a stateful actor, which must be alive.
  template <class State, class Handle>
  State& state(const Handle& actor) const {
    auto* const base = caf::actor_cast<caf::abstract_actor*>(actor);
    if constexpr (std::is_same_v<Handle, caf::actor>) {
      return dynamic_cast<caf::stateful_actor<State>&>(*base).state;
    } else {
      return dynamic_cast<typename Handle::template stateful_base<State>&>(*base).state;
    }
  }

  // -- messages from outside -------------------------------------------------------------------

  /// Sends from a sender of its own: it may come before or after any other message.
  template <class Handle, class... Ts>
  void send(const Handle& receiver, Ts&&... xs) {
    knows<std::decay_t<Ts>...>();
    inject(caf::actor_cast<caf::strong_actor_ptr>(receiver),
           caf::make_message(std::forward<Ts>(xs)...));
  }
  /// Asks an actor from an actor of its own, "client", which waits without a timeout: `Out` is what
  /// the answer consists of.
  template <class... Out, class Handle, class... Ts>
  Answer<Out...> ask(const Handle& receiver, Ts&&... xs) {
    knows<std::decay_t<Ts>..., Out...>();
    auto answer = std::make_shared<typename Answer<Out...>::State>();
    spawn(
        [receiver, answer](caf::stateful_actor<detail::asking>* self, std::decay_t<Ts>... values) {
          self->request(receiver, caf::infinite, std::move(values)...)
              .then([answer](Out... out) { answer->values.emplace(std::move(out)...); },
                    [answer](caf::error& error) { answer->error = error; });
        },
        std::decay_t<Ts>(std::forward<Ts>(xs))...);
    remember([answer](Hasher& hasher) { hasher.add(answer->values, answer->error); });
    return Answer<Out...>(answer);
  }

  // -- what must hold --------------------------------------------------------------------------

  /// A rule that is asked for after every step.
  void always(std::string rule, std::function<bool()> holds);
  /// A rule about the end of a run, when nothing is left to happen.
  void at_end(std::string rule, std::function<bool()> holds);
  /// Says that a rule is broken, from an observer.
  void fail(std::string rule);
  /// Sees every message just before it is handled.
  void on_delivery(std::function<void(const Delivery&)> observer);

  // -- fingerprints ----------------------------------------------------------------------------

  /// Lets these types be told apart by their content: message types, and classes of actors.
  /// What `spawn`, `send`, `ask` and typed interfaces mention is known without it.
  template <class... Ts>
  void knows() {
    (know<Ts>(), ...);
  }
  /// What rules and observers note and judge later, or actors share, is a part of the state.
  void remember(std::function<void(Hasher&)> memory);

 private:
  using HashMessage = void (*)(const void*, Hasher&);
  using HashActor = void (*)(const caf::scheduled_actor&, Hasher&);

  template <class Class, caf::spawn_options Os>
  static void refuse_threads() {
    static_assert(!caf::has_detach_flag(Os), "a detached actor cannot be explored");
    static_assert(!std::is_base_of<caf::blocking_actor, Class>::value,
                  "a blocking actor cannot be explored");
  }
  template <class Class, class Handle>
  Handle spawned(Handle handle) {
    knows<Class>();
    settle();
    return handle;
  }
  template <class T>
  void know() {
    if constexpr (std::is_base_of_v<caf::scheduled_actor, T>) {
      if constexpr (detail::has_fingerprint<T>::value || detail::has_state<T>::value) {
        know_actor(typeid(T), &detail::hash_actor<T>);
      }
      know_signatures(typename detail::signatures_of<T>::type());
    } else if constexpr (!std::is_void_v<T>) {
      know_message(typeid(T), caf::type_nr<T>::value, &detail::hash_message<T>);
    }
  }
  template <class None>
  void know_signatures(None) {}
  template <class... Signatures>
  void know_signatures(caf::detail::type_list<Signatures...>) {
    (know_signature(static_cast<Signatures*>(nullptr)), ...);
  }
  template <class... In, class... Out>
  void know_signature(caf::typed_mpi<caf::detail::type_list<In...>, caf::output_tuple<Out...>>*) {
    knows<In..., Out...>();
  }

  void know_message(const std::type_info& type, std::uint16_t number, HashMessage hash);
  void know_actor(const std::type_info& type, HashActor hash);
  void settle();
  void inject(const caf::strong_actor_ptr& receiver, caf::message content);
  void set_name(const caf::strong_actor_ptr& actor, std::string name);
  void set_may_die(const caf::strong_actor_ptr& actor);
  void set_stateless(caf::actor_id id);
  bool is_alive_id(caf::actor_id id) const;

  State& state_;
};

}  // namespace nodezero::explore
