// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "verify/explore/choice.hpp"

namespace nodezero::explore {

/// A schedule as a line that fits into a test: "o1>1 1>2 t 2>1!". A word for each step: sender and
/// receiver by number, o for outside, ! for urgent; + duplicated, - lost, ~ set aside, late> late,
/// t time passes, t0@2 a timeout of actor 2, x2 actor 2 ends.
std::string to_text(const std::vector<verify::explore::Choice>& steps);
/// None if the line is not a schedule.
std::optional<std::vector<verify::explore::Choice>> schedule_of(std::string_view text);

}  // namespace nodezero::explore
