// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

namespace nodezero::explore::detail {

/// Stands for a value of any type where it is only asked whether there is room for one.
struct AnyValue {
  template <class T>
  operator T() const;
};

template <class T, class Indices, class = void>
struct has_room : std::false_type {};
template <class T, std::size_t... Is>
struct has_room<T, std::index_sequence<Is...>,
                std::void_t<decltype(T{(static_cast<void>(Is), AnyValue{})...})>> : std::true_type {
};

inline constexpr std::size_t most_members = 10;

/// The number of members of an aggregate; 0 for other types, and if there are more than ten.
template <class T, std::size_t Count = most_members + 1>
constexpr std::size_t count_members() {
  if constexpr (!std::is_aggregate_v<T> || std::is_array_v<T> || std::is_union_v<T>) {
    return 0;
  } else if constexpr (Count == 0) {
    return 0;
  } else if constexpr (has_room<T, std::make_index_sequence<Count>>::value) {
    return Count > most_members ? 0 : Count;
  } else {
    return count_members<T, Count - 1>();
  }
}

/// Calls a function with references to all members of an aggregate.
template <class T, class Visit>
void visit_members(const T& value, Visit visit) {
  constexpr std::size_t count = count_members<T>();
  if constexpr (count == 1) {
    const auto& [a] = value;
    visit(a);
  } else if constexpr (count == 2) {
    const auto& [a, b] = value;
    visit(a, b);
  } else if constexpr (count == 3) {
    const auto& [a, b, c] = value;
    visit(a, b, c);
  } else if constexpr (count == 4) {
    const auto& [a, b, c, d] = value;
    visit(a, b, c, d);
  } else if constexpr (count == 5) {
    const auto& [a, b, c, d, e] = value;
    visit(a, b, c, d, e);
  } else if constexpr (count == 6) {
    const auto& [a, b, c, d, e, f] = value;
    visit(a, b, c, d, e, f);
  } else if constexpr (count == 7) {
    const auto& [a, b, c, d, e, f, g] = value;
    visit(a, b, c, d, e, f, g);
  } else if constexpr (count == 8) {
    const auto& [a, b, c, d, e, f, g, h] = value;
    visit(a, b, c, d, e, f, g, h);
  } else if constexpr (count == 9) {
    const auto& [a, b, c, d, e, f, g, h, i] = value;
    visit(a, b, c, d, e, f, g, h, i);
  } else {
    const auto& [a, b, c, d, e, f, g, h, i, j] = value;
    visit(a, b, c, d, e, f, g, h, i, j);
  }
}

}  // namespace nodezero::explore::detail
