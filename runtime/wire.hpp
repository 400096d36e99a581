// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// What messages that leave this process are made of. A message crosses only if it says so
// (NODEZERO_WIRE_MESSAGE), and only through a Peer. Neither a float nor a double is ever given to
// CAF's inspectors, whose format corrupts some of them: they cross as bits, or as raw memory.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <typeinfo>
#include <utility>
#include <vector>

#include "runtime/caf.hpp"
#include "runtime/crossing.hpp"
#include "runtime/thread_sanitizer.hpp"
#include "runtime/wire_floats.hpp"

namespace nodezero::runtime {

/// A type of message that may leave this process.
template <class T>
concept WireMessage = requires(const T& message) {
  { layout_of(message) } -> std::same_as<std::string>;
};

// To ThreadSanitizer a message is saved after whatever was sent to other processes before.
#ifdef NODEZERO_THREAD_SANITIZER
inline char crossing_edge = 0;
inline void announce_sending() {
  __tsan_release(&crossing_edge);
}
inline void announce_saving() {
  __tsan_acquire(&crossing_edge);
}
#else
inline void announce_sending() {}
inline void announce_saving() {}
#endif

/// An actor that may be in another process, which takes nothing but wire messages: anything else
/// does not compile.
class Peer {
 public:
  Peer() = default;
  explicit Peer(caf::strong_actor_ptr actor) : actor_(std::move(actor)) {}
  template <class Handle>
  static Peer of(const Handle& handle) {
    return Peer(caf::actor_cast<caf::strong_actor_ptr>(handle));
  }

  template <class Sender, WireMessage Message>
  void send(Sender& sender, Message message) const {
    if (actor_) {
      record_crossing(sender, actor_, typeid(message), &message);
      auto packed = caf::make_message(std::move(message));  // as it will cross
      announce_sending();
      caf::actor_cast<caf::abstract_actor*>(actor_)->enqueue(sender.ctrl(), caf::make_message_id(),
                                                             std::move(packed), sender.context());
    }
  }

  explicit operator bool() const { return actor_ != nullptr; }
  const caf::strong_actor_ptr& pointer() const { return actor_; }
  caf::actor_addr address() const { return caf::actor_cast<caf::actor_addr>(actor_); }

 private:
  caf::strong_actor_ptr actor_;
};

/// Refuses a length that the rest of a message cannot hold, before memory is taken for it.
caf::error check_length(caf::deserializer& source, std::uint64_t bytes);

// -- layouts ---------------------------------------------------------------------------------

inline std::string layout_name(const std::string&) {
  return "string";
}
inline std::string layout_name(const caf::strong_actor_ptr&) {
  return "actor";
}
template <std::integral T>
std::string layout_name(const T&) {
  std::string name(std::is_signed_v<T> ? "i" : "u");
  name += std::to_string(sizeof(T) * 8);
  return name;
}
template <WireMessage T>
std::string layout_name(const T& part) {
  return layout_of(part);
}
template <class T>
std::string layout_name(const std::vector<T>&) {
  return "list of " + layout_name(T{});
}

/// "name(first, second: u32, string)"
template <class... Members>
std::string layout_text(std::string_view name, std::string_view members, const Members&... values) {
  std::string text = std::string(name) + "(" + std::string(members) + ":";
  ((text += " " + layout_name(values)), ...);
  return text + ")";
}

}  // namespace nodezero::runtime

/// Lets a type cross to other processes: all its members, in their order. To be used in the type's
/// namespace. The names of members are part of the protocol's digest, so that two processes notice
/// if they do not mean the same.
#define NODEZERO_WIRE_MESSAGE(type, ...)                                       \
  template <class Inspector>                                                   \
  auto inspect(Inspector& inspector, type& message) {                          \
    ::nodezero::runtime::announce_saving();                                    \
    auto& [__VA_ARGS__] = message;                                             \
    return inspector(caf::meta::type_name(#type), __VA_ARGS__);                \
  }                                                                            \
  inline std::string layout_of(const type& message) {                          \
    const auto& [__VA_ARGS__] = message;                                       \
    return ::nodezero::runtime::layout_text(#type, #__VA_ARGS__, __VA_ARGS__); \
  }
