// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/train/print_plan.hpp"

#include <cstdio>

#include <fmt/format.h>

#include "apps/nodezero/process/memory.hpp"
#include "apps/nodezero/terminal/json_answer.hpp"
#include "apps/nodezero/train/plan_machines.hpp"
#include "formats/printable_text.hpp"

namespace nodezero::apps {

namespace {

void print_as_text(const PreparedRun& run) {
  for (const auto& remark : run.remarks) {
    fmt::print("note: {}\n", formats::escaped(remark));
  }
  const auto available = available_memory();
  const bool fits = run.plan.total_bytes() <= available;
  const double seconds = fits ? estimate_seconds(run.plan, run.settings) : -1;
  fmt::print("{}", to_string(run.plan, available, seconds));
  if (fits) {
    fmt::print("{:<12}{}\n", "precision", precisions_text(run.settings));
    fmt::print("{}", machines_text(run.plan, run.settings, seconds));
  }
  std::fflush(stdout);
  check_memory(run.plan, available);
}

/// A plan that does not fit is an error, and nothing is printed before it.
void print_as_json(const PreparedRun& run) {
  const auto available = available_memory();
  check_memory(run.plan, available);
  auto answer = json_answer("train --plan");
  const double seconds = estimate_seconds(run.plan, run.settings);
  answer.update(plan_as_json(run.plan, available, seconds));
  answer["machines"] = machines_as_json(run.plan, run.settings, seconds);
  answer["remarks"] = run.remarks;
  print_json(answer);
}

}  // namespace

void print_plan(const PreparedRun& run, bool as_json) {
  as_json ? print_as_json(run) : print_as_text(run);
}

}  // namespace nodezero::apps
