// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <variant>

#include <caf/all.hpp>

#include "nodezero/explore/members.hpp"
#include "nodezero/export.h"

namespace nodezero::explore {

/// Names an actor by its place in the run (who spawned it, as which child), which is the same in
/// every run; its id and its address are not.
class NODEZERO_EXPORT Keys {
 public:
  virtual ~Keys();
  virtual std::uint64_t key_of(caf::actor_id actor) const = 0;
};

class Hasher;

namespace detail {

template <class T, class = void>
struct has_fingerprint : std::false_type {};
template <class T>
struct has_fingerprint<
    T, std::void_t<decltype(std::declval<const T&>().fingerprint(std::declval<Hasher&>()))>>
    : std::true_type {};

template <class T, class = void>
struct is_inspectable : std::false_type {};
template <class T>
struct is_inspectable<T,
                      std::void_t<decltype(inspect(std::declval<Hasher&>(), std::declval<T&>()))>>
    : std::true_type {};

template <class T, class = void>
struct is_range : std::false_type {};
template <class T>
struct is_range<T, std::void_t<decltype(std::begin(std::declval<const T&>())),
                               decltype(std::end(std::declval<const T&>()))>> : std::true_type {};

template <class T, class = void>
struct is_hash_table : std::false_type {};
template <class T>
struct is_hash_table<T, std::void_t<typename T::hasher>> : std::true_type {};

/// Smart pointers and optionals.
template <class T>
struct is_box : std::false_type {};
template <class T>
struct is_box<std::shared_ptr<T>> : std::true_type {};
template <class T, class D>
struct is_box<std::unique_ptr<T, D>> : std::true_type {};
template <class T>
struct is_box<std::optional<T>> : std::true_type {};
template <class T>
struct is_box<caf::optional<T>> : std::true_type {};

template <class T>
struct is_tuple : std::false_type {};
template <class... Ts>
struct is_tuple<std::tuple<Ts...>> : std::true_type {};
template <class A, class B>
struct is_tuple<std::pair<A, B>> : std::true_type {};

template <class T>
struct is_duration : std::false_type {};
template <class R, class P>
struct is_duration<std::chrono::duration<R, P>> : std::true_type {};

template <class T>
struct is_variant : std::false_type {};
template <class... Ts>
struct is_variant<std::variant<Ts...>> : std::true_type {};

template <class T>
struct is_typed_promise : std::false_type {};
template <class... Ts>
struct is_typed_promise<caf::typed_response_promise<Ts...>> : std::true_type {};

}  // namespace detail

/// A fingerprint of values: numbers, strings, containers, optionals, pointers (what they point to),
/// actors, promises (who waits for them), types with CAF's `inspect`, aggregates of at most ten
/// members, and classes with a member `void fingerprint(Hasher&) const`. Of any other type it
/// remembers that it does not know it.
class Hasher {
 public:
  using result_type = void;  ///< of CAF's inspect functions

  explicit Hasher(const Keys& keys) : keys_(&keys) {}

  std::uint64_t value() const { return hash_; }
  /// A type that has no fingerprint; null if there was none.
  const std::type_info* unknown() const { return unknown_; }
  void does_not_know(const std::type_info& type) { unknown_ = &type; }

  /// Order matters, and so does the count.
  Hasher& number(std::uint64_t value) {
    hash_ = mix(hash_ ^ (value + 0x9e3779b97f4a7c15U));
    return *this;
  }
  template <class... Ts>
  Hasher& add(const Ts&... values) {
    (add_one(values), ...);
    return *this;
  }
  /// As a CAF inspector.
  template <class... Ts>
  void operator()(const Ts&... values) {
    (inspected(values), ...);
  }

 private:
  static std::uint64_t mix(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31U);
  }

  template <class T>
  void inspected(const T& value) {
    if constexpr (!std::is_base_of_v<caf::meta::annotation, T>) {
      add_one(value);
    }
  }
  void actor(caf::actor_id id) { number(id == 0 ? 0 : keys_->key_of(id)); }
  void text(const char* begin, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
      number(static_cast<unsigned char>(begin[i]));
    }
    number(size);
  }

  template <class T>
  void add_one(const T& value);
  template <class T>
  void add_range(const T& range);

  const Keys* keys_;
  const std::type_info* unknown_ = nullptr;
  std::uint64_t hash_ = 0x243f6a8885a308d3U;
};

template <class T>
void Hasher::add_range(const T& range) {
  std::uint64_t count = 0;
  std::uint64_t sum = 0;  // a hash table's order says nothing
  for (const auto& element : range) {
    if constexpr (detail::is_hash_table<T>::value) {
      Hasher one(*keys_);
      one.add(element);
      sum += mix(one.value());
      unknown_ = one.unknown_ ? one.unknown_ : unknown_;
    } else {
      add(element);
    }
    ++count;
  }
  number(sum).number(count);
}

template <class T>
void Hasher::add_one(const T& value) {
  using namespace detail;
  if constexpr (has_fingerprint<T>::value) {
    value.fingerprint(*this);
  } else if constexpr (std::is_floating_point_v<T>) {
    const auto wide = static_cast<double>(value);
    std::uint64_t bits = 0;
    std::memcpy(&bits, &wide, sizeof bits);
    number(bits);
  } else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
    number(static_cast<std::uint64_t>(value));
  } else if constexpr (std::is_convertible_v<const T&, const char*>) {
    const char* const begin = value;
    text(begin, std::strlen(begin));
  } else if constexpr (std::is_same_v<T, std::string>) {
    text(value.data(), value.size());
  } else if constexpr (std::is_same_v<T, caf::strong_actor_ptr> ||
                       std::is_same_v<T, caf::weak_actor_ptr>) {
    actor(value ? value->id() : 0);
  } else if constexpr (caf::is_handle<T>::value || std::is_same_v<T, caf::actor_addr>) {
    actor(value ? value.id() : 0);
  } else if constexpr (std::is_same_v<T, caf::response_promise>) {
    actor(value.source() ? value.source()->id() : 0);
    number(value.pending());
  } else if constexpr (is_typed_promise<T>::value) {
    add_one<caf::response_promise>(const_cast<T&>(value));
  } else if constexpr (std::is_same_v<T, caf::error>) {
    number(value ? value.code() : 0)
        .number(value ? static_cast<std::uint64_t>(value.category()) : 0);
  } else if constexpr (std::is_same_v<T, caf::down_msg> || std::is_same_v<T, caf::exit_msg>) {
    add(value.source, value.reason);
  } else if constexpr (std::is_same_v<T, caf::unit_t> || std::is_empty_v<T>) {
    number(0);
  } else if constexpr (is_duration<T>::value) {
    number(static_cast<std::uint64_t>(value.count()));
  } else if constexpr (is_tuple<T>::value) {
    std::apply([this](const auto&... parts) { add(parts...); }, value);
  } else if constexpr (is_variant<T>::value) {
    number(value.index());
    std::visit([this](const auto& part) { add(part); }, value);
  } else if constexpr (is_box<T>::value) {
    number(value ? 1 : 0);
    if (value) {
      add(*value);
    }
  } else if constexpr (is_range<T>::value) {
    add_range(value);
  } else if constexpr (is_inspectable<T>::value) {
    inspect(*this, const_cast<T&>(value));
  } else if constexpr (detail::count_members<T>() > 0) {
    detail::visit_members(value, [this](const auto&... members) { add(members...); });
  } else {
    unknown_ = &typeid(T);
  }
}

}  // namespace nodezero::explore
