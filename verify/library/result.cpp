// SPDX-License-Identifier: BSD-3-Clause
#include "nodezero/explore/result.hpp"

#include <ostream>

#include <fmt/format.h>

namespace nodezero::explore {
namespace {

std::string numbers(const Result& result) {
  std::string text = fmt::format("{} {}", result.runs, result.runs == 1 ? "run" : "runs");
  if (result.states > 0) {
    text += fmt::format(", {} states", result.states);
  }
  text += fmt::format(", {} steps, {:.3f} s", result.steps, result.cpu_seconds);
  if (result.cut_off > 0) {
    text += fmt::format(", {} runs cut off", result.cut_off);
  }
  return text;
}

}  // namespace

std::string to_string(const Result& result) {
  if (!result.refused.empty()) {
    return fmt::format("cannot be explored: {}\n", result.refused);
  }
  std::string text;
  if (result.problem.empty()) {
    text = fmt::format("nothing found{} ({})\n", result.complete ? ", all covered" : "",
                       numbers(result));
  } else {
    text = fmt::format("{}\n", result.problem);
    for (std::size_t i = 0; i < result.deliveries.size(); ++i) {
      text += fmt::format("{:>4}. {}\n", i + 1, result.deliveries[i]);
    }
    text += fmt::format("schedule \"{}\" ({})\n", result.schedule, numbers(result));
  }
  if (!result.note.empty()) {
    text += fmt::format("note: {}\n", result.note);
  }
  if (!result.trace_error.empty()) {
    text += fmt::format("no trace: {}\n", result.trace_error);
  }
  return text;
}

std::ostream& operator<<(std::ostream& out, const Result& result) {
  return out << to_string(result);
}

}  // namespace nodezero::explore
