// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/terminal/quantities.hpp"

#include <array>
#include <cmath>

#include <fmt/format.h>

namespace nodezero::apps {

std::string grouped(std::uint64_t number) {
  auto text = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3) {
    text.insert(static_cast<std::size_t>(at), 1, ',');
  }
  return text;
}

std::string counted(std::uint64_t number, std::string_view noun, std::string_view plural) {
  return number == 1       ? fmt::format("1 {}", noun)
         : !plural.empty() ? fmt::format("{} {}", grouped(number), plural)
                           : fmt::format("{} {}s", grouped(number), noun);
}

std::string epochs_text(double epochs) {
  const auto count = count_text(epochs);
  return count == "1" ? "1 epoch" : count + " epochs";
}

std::string count_text(double count) {
  return count < 100 ? fmt::format("{:.3g}", count)
                     : grouped(static_cast<std::uint64_t>(std::llround(count)));
}

std::string bytes_text(std::uint64_t bytes) {
  static constexpr std::array units{"B", "kB", "MB", "GB", "TB", "PB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  // 999.5 would be shown as 1000.
  while (value >= 999.5 && unit + 1 < units.size()) {
    value /= 1'000;
    ++unit;
  }
  return unit > 0 && value < 9.95 ? fmt::format("{:.1f} {}", value, units[unit])
                                  : fmt::format("{:.0f} {}", value, units[unit]);
}

std::string duration_text(double seconds) {
  if (seconds < 10) {
    return fmt::format("{:.1f} s", seconds);
  }
  const auto whole = static_cast<std::uint64_t>(std::llround(seconds));
  if (whole < 60) {
    return fmt::format("{} s", whole);
  }
  if (whole < 3'600) {
    return fmt::format("{} min {} s", whole / 60, whole % 60);
  }
  if (whole < 48 * 3'600) {
    return fmt::format("{} h {} min", whole / 3'600, whole / 60 % 60);
  }
  return fmt::format("{} days", grouped(whole / 86'400));
}

std::string clock_text(double seconds) {
  const auto whole = static_cast<std::uint64_t>(std::llround(seconds));
  if (whole < 3'600) {
    return fmt::format("{}:{:02}", whole / 60, whole % 60);
  }
  if (whole < 48 * 3'600) {
    return fmt::format("{}:{:02}:{:02}", whole / 3'600, whole / 60 % 60, whole % 60);
  }
  return fmt::format("{} days", grouped(whole / 86'400));
}

}  // namespace nodezero::apps
