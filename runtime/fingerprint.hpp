// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <bit>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include "runtime/caf.hpp"
#include "runtime/fields.hpp"
#include "runtime/moved.hpp"

namespace nodezero::runtime {

/// A fingerprint of a sequence of numbers: order matters, and so does their count.
class Fingerprint {
 public:
  constexpr Fingerprint& add(std::uint64_t value) {
    hash_ = mix(hash_ ^ (value + 0x9e3779b97f4a7c15U));
    return *this;
  }
  constexpr Fingerprint& add(std::string_view text) {
    for (const char c : text) {
      add(static_cast<unsigned char>(c));
    }
    return add(text.size());
  }
  constexpr std::uint64_t value() const { return hash_; }

  /// The finalizer of SplitMix64: a bijection in which every bit reaches every other.
  static constexpr std::uint64_t mix(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31U);
  }

 private:
  std::uint64_t hash_ = 0x243f6a8885a308d3U;
};

/// Names actors by their place in the run (who spawned them, as which of its children), so that
/// the same actor has the same name in every run, which its address and its id have not.
class ActorKeys {
 public:
  virtual ~ActorKeys() = default;
  /// 0 for nobody.
  virtual std::uint64_t key(caf::actor_id actor) const = 0;

  template <class Handle>
  std::uint64_t of(const Handle& handle) const {
    return handle ? key(handle.id()) : 0;
  }
};

/// A member that is left out of fingerprints, because no later handler acts by it, or because all
/// that one could notice of it is elsewhere. Where it is used stands which.
template <class T>
struct Unseen {
  T value{};

  T& operator*() { return value; }
  const T& operator*() const { return value; }
  T* operator->() { return &value; }
  const T* operator->() const { return &value; }
  friend auto operator<=>(const Unseen&, const Unseen&) = default;
};

/// What of a T belongs into a fingerprint, where that is not simply all of it. To be specialised
/// with `static void add(ContentFingerprint&, const T&)`.
template <class T>
struct FingerprintOf;

/// A fingerprint of whole values: members of structs, elements of containers, what pointers point
/// to, and actors by their keys. A class with private members has a member `fields()` that binds
/// them all and gives those that count. What is not known does not compile.
class ContentFingerprint {
 public:
  explicit ContentFingerprint(const ActorKeys& keys) : keys_(keys) {}

  template <class T>
  ContentFingerprint& add(const T& value);

  std::uint64_t value() const { return fingerprint_.value(); }
  const ActorKeys& keys() const { return keys_; }

 private:
  template <class T>
  void add_range(const T& range) {
    std::uint64_t count = 0;
    for (const auto& element : range) {
      add(element);
      ++count;
    }
    add(count);
  }

  const ActorKeys& keys_;
  Fingerprint fingerprint_;
};

/// Of all values, one after the other.
template <class... Values>
std::uint64_t fingerprint(const ActorKeys& keys, const Values&... values) {
  ContentFingerprint result(keys);
  (result.add(values), ...);
  return result.value();
}

namespace detail {

template <template <class...> class Template, class T>
inline constexpr bool is_a = false;
template <template <class...> class Template, class... Parts>
inline constexpr bool is_a<Template, Template<Parts...>> = true;

template <class T>
inline constexpr bool never = false;

template <class T>
concept SpeaksForItself = requires(ContentFingerprint& fingerprint, const T& value) {
  FingerprintOf<T>::add(fingerprint, value);
};
template <class T>
concept GivesFields = requires(const T& value) {
  value.fields();
};
template <class T>
concept Handle = requires(const T& value) {
  static_cast<bool>(value);
  { value.id() } -> std::convertible_to<caf::actor_id>;
};
template <class T>
concept Range = requires(const T& value) {
  value.begin();
  value.end();
};

}  // namespace detail

template <class T>
ContentFingerprint& ContentFingerprint::add(const T& value) {
  using namespace detail;
  if constexpr (SpeaksForItself<T>) {
    FingerprintOf<T>::add(*this, value);
  } else if constexpr (is_a<Unseen, T>) {
    // as it says
  } else if constexpr (std::is_floating_point_v<T>) {
    fingerprint_.add(std::bit_cast<std::uint64_t>(static_cast<double>(value)));
  } else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
    fingerprint_.add(static_cast<std::uint64_t>(value));
  } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    fingerprint_.add(std::string_view(value));
  } else if constexpr (is_a<std::pair, T> || is_a<std::tuple, T>) {
    std::apply([this](const auto&... parts) { (add(parts), ...); }, value);
  } else if constexpr (is_a<std::variant, T>) {
    add(value.index());
    std::visit([this](const auto& part) { add(part); }, value);
  } else if constexpr (is_a<std::optional, T> || is_a<std::shared_ptr, T> ||
                       is_a<std::unique_ptr, T>) {
    add(static_cast<bool>(value));
    if (value) {
      add(*value);
    }
  } else if constexpr (is_a<Moved, T>) {
    const auto* content = value.peek();
    add(content != nullptr);
    if (content) {
      add(*content);
    }
  } else if constexpr (is_a<caf::typed_response_promise, T>) {
    // Who waits for the answer. CAF lets nobody look who has not the right to answer.
    const caf::response_promise& promise = const_cast<T&>(value);
    add(promise.source());
  } else if constexpr (std::is_same_v<T, caf::strong_actor_ptr>) {
    fingerprint_.add(value ? keys_.key(value->id()) : 0);
  } else if constexpr (Handle<T>) {
    fingerprint_.add(keys_.of(value));
  } else if constexpr (Range<T>) {
    add_range(value);
  } else if constexpr (GivesFields<T>) {
    add(value.fields());
  } else if constexpr (std::is_aggregate_v<T>) {
    add(fields(value));
  } else {
    static_assert(never<T>,
                  "no fingerprint of this type: leave the member out with Unseen, or specialise "
                  "FingerprintOf");
  }
  return *this;
}

}  // namespace nodezero::runtime
