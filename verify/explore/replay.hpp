// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "verify/explore/report.hpp"

namespace nodezero::verify::explore {

/// A schedule and what it was made from: the words of its maker, whose meaning this layer does
/// not know (configuration, versions, seed), and four bytes a step.
struct ScheduleFile {
  std::string header;  ///< one line
  std::vector<Choice> steps;
};

/// Errors are one line for people.
[[nodiscard]] tl::expected<void, std::string> write_schedule(const std::filesystem::path& path,
                                                             const ScheduleFile& schedule);
[[nodiscard]] tl::expected<ScheduleFile, std::string> read_schedule(
    const std::filesystem::path& path);

/// Takes exactly these steps. The rule is empty if none was broken; it says so if a step was
/// not possible, or if the run goes on after the last one.
Counterexample replay(Run& run, const std::vector<Choice>& steps);

/// Leaves out steps for as long as a rule is still broken: in the end no single step can be left
/// out. A step that is not possible without one that was left out is left out as well. A rule
/// that is broken at the end of a run needs the rest of the run, which is then gone through link
/// by link; where a rule is broken before, nothing comes after it.
Counterexample shrink(Run& run, const Counterexample& found);

/// The causal past of a schedule's last step as a Mermaid sequence diagram: what it shows had to
/// happen for the rule to be broken. `describe` says what a message carries.
std::string sequence_diagram(Run& run, const Counterexample& found,
                             const std::function<std::string(const Delivery&)>& describe);

}  // namespace nodezero::verify::explore
