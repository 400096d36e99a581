// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>

#include "apps/nodezero/process/processors.hpp"
#include "apps/nodezero/terminal/json_answer.hpp"
#include "verify/explore/report.hpp"
#include "verify/scenarios/session.hpp"

namespace nodezero::apps {

struct VerifyOptions {
  verify::Question question;
  bool asks = false;  ///< answer `question`; otherwise all questions of the suite
  verify::explore::Bounds bounds;
  std::uint64_t schedules = 1000;
  std::string replay;  ///< a schedule to run again; empty: none
  std::string out = "violation.schedule";
  std::uint32_t jobs = available_processors().count;
  bool full = false;
  bool pairs = false;
  JsonOptions output;
};

/// Prints what was covered and, if a rule is broken, its shortest schedule.
/// @throws CommandError
void verify_command(const VerifyOptions& options);

}  // namespace nodezero::apps
