// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/trace/clock_alignment.hpp"

#include <algorithm>
#include <deque>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

namespace nodezero::runtime::trace {
namespace {

/// How much later another clock's readings are than one's, for any of the messages between them.
struct Bounds {
  std::int64_t least = std::numeric_limits<std::int64_t>::min();
  std::int64_t most = std::numeric_limits<std::int64_t>::max();

  std::int64_t best() const {
    constexpr Bounds open;
    if (least == open.least || most == open.most) {
      return least == open.least ? most : least;
    }
    return std::midpoint(least, most);
  }
};

}  // namespace

// Each machine's clock is set by one that is set already, the first machine's to begin with.
std::vector<std::int64_t> align_clocks(std::size_t machines,
                                       std::span<const DatedMessage> messages) {
  std::map<std::pair<std::size_t, std::size_t>, Bounds> between;
  for (const auto& message : messages) {
    const std::int64_t late = difference(message.arrived, message.sent);
    auto& there = between[{message.from, message.to}];
    there.most = std::min(there.most, late);
    auto& back = between[{message.to, message.from}];
    back.least = std::max(back.least, difference(0, late));
  }
  std::vector<std::int64_t> shifts(machines);
  std::vector<bool> is_set(machines);
  is_set[0] = true;
  std::deque<std::size_t> next{0};
  while (!next.empty()) {
    const std::size_t from = next.front();
    next.pop_front();
    for (const auto& [pair, bounds] : between) {
      if (pair.first == from && !is_set[pair.second]) {
        is_set[pair.second] = true;
        shifts[pair.second] = difference(shifts[from], bounds.best());
        next.push_back(pair.second);
      }
    }
  }
  return shifts;
}

}  // namespace nodezero::runtime::trace
