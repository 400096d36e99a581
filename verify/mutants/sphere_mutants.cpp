// SPDX-License-Identifier: BSD-3-Clause

// Mutants of spheres: what a parent believes of its children, what a worker tells, and how both
// add.

#include "verify/mutants/mutant.hpp"

namespace nodezero::mutants {
namespace {

constexpr auto sphere = "actors/spheres/sphere.hpp";
constexpr auto parent = "actors/spheres/sphere_parent.hpp";
constexpr auto worker = "actors/spheres/worker.cpp";
constexpr auto reduction = "actors/spheres/step_reduction.cpp";

std::vector<Mutant> of_parents() {
  const auto guarded = "another guard keeps the protocol right without this one; see the pairs";
  constexpr auto count_message =
      "if (const auto waiting = std::find_if(children_.begin(), children_.end(),"
      "[](const Child& one) { return !one.closed; }); waiting != children_.end()) {"
      "waiting->closed = true; } close_if_complete();";
  const auto gradient_counted = std::string("this->put(std::move(part));") + count_message;
  const auto report_counted =
      std::string("total_.spheres_busy += message.spheres_busy;") + count_message + "return;";
  return {
      {"messages_counted",
       "a step is closed by as many messages as there are children",
       "B2",
       {{parent, "this->put(std::move(part));", gradient_counted},
        {parent,
         "if (child->closed || message.positions != child->positions ||"
         "message.loss.valid_tokens != child->delivered.valid_tokens ||"
         "missing != child->positions.end()) {"
         "conservation_violated(*child,"
         "missing == child->positions.end() ? -1 : std::int64_t{*missing},"
         "\"a report that does not match what it was assigned\");"
         "return; }",
         report_counted}}},
      {"report_without_gradients",
       "a report is not compared with what was assigned and came",
       "B1",
       {{parent,
         "child->closed || message.positions != child->positions ||"
         "message.loss.valid_tokens != child->delivered.valid_tokens ||"
         "missing != child->positions.end()",
         "false"}},
       {},
       guarded},
      {"report_before_sum",
       "a sphere reports before its sum is passed up",
       "A1 B1",
       {{parent, "this->reduction_.finished()", "true"}}},
      {"report_before_children",
       "a sphere reports before all children have",
       "B2",
       {{parent,
         "std::all_of(children_.begin(), children_.end(),"
         "[](const Child& child) { return child.closed; })",
         "true"}}},
      {"old_step_accepted",
       "messages of another step are believed",
       "A8 B4",
       {{sphere, "open_ && step_.envelope == envelope && step_.purpose == purpose", "open_"}}},
      {"dead_sphere_believed",
       "an only child's messages are believed also when it has died and was replaced",
       "D12",
       {{parent, "++strays_; return nullptr;",
         "return this->is_open(envelope, purpose) && children_.size() == 1 ? &children_.front()"
         ": nullptr;"}},
       {},
       "word of a death comes behind all messages of the dead, so that none comes from a sphere "
       "that was replaced"},
      {"child_not_monitored",
       "nobody hears of a child's death",
       "D12",
       {{parent, "this->monitor(child.handle);", ""}}},
      {"child_not_replaced",
       "a child that has died is not replaced",
       "D12",
       {{parent, "spawn(*child);", ""}}},
      {"dead_childs_work_lost",
       "a dead child's work is not assigned again",
       "D12",
       {{parent, "this->open_ && !child->closed", "false"}}},
      {"dead_childs_work_all_again",
       "a dead child's work is assigned again, also what had arrived",
       "D12",
       {{parent,
         "std::erase_if(child.positions,"
         "[this](std::uint32_t position) { return this->reduction_.arrived(position); });",
         ""}}},
      {"one_attempt_less",
       "a micro-batch may fail once less often than was allowed",
       "D12",
       {{parent, "++attempts_[position] > this->settings_->attempts",
         "++attempts_[position] >= this->settings_->attempts"}}},
      {"delivered_kept",
       "what a child delivered of an earlier assignment is counted in the next",
       "B4",
       {{parent, "child.delivered = {};", ""}}},
      {"positions_kept",
       "a child keeps the last step's positions",
       "B4",
       {{parent, "child.positions.clear();", ""}}},
      {"position_not_assigned",
       "the first micro-batch of a step is assigned to nobody",
       "B1",
       {{parent, "children_[routes[i]].positions.push_back(step.positions[i]);",
         "if (i > 0) { children_[routes[i]].positions.push_back(step.positions[i]); }"}}},
      {"position_assigned_twice",
       "the first child gets all micro-batches of a step, the others theirs as well",
       "B1",
       {{parent, "children_[routes[i]].positions.push_back(step.positions[i]);",
         "children_[routes[i]].positions.push_back(step.positions[i]);"
         "if (routes[i] != 0) { children_.front().positions.push_back(step.positions[i]); }"}}},
      {"abandoned_step_goes_on",
       "a sphere does not close a step that is abandoned",
       "A10",
       {{parent, "this->close();", ""}}},
  };
}

std::vector<Mutant> of_workers() {
  constexpr auto report =
      "send(parent_, report{step_.envelope, step_.purpose, place_.id, step_.positions, loss_, 1});";
  const auto twice = std::string(report) + report;
  return {
      {"empty_child_silent",
       "a child without work does not report",
       "B3",
       {{worker,
         "send(parent_, report{step.envelope, step.purpose, place_.id, {}, {}, 0}); close();",
         ""}}},
      {"report_first",
       "a report overtakes the last gradient",
       "B1",
       {{worker,
         "send(parent_, gradient{step_.envelope, step_.purpose, place_.id, range,"
         "Moved(std::move(sum))});"
         "if (reduction_.finished()) {"
         "send(parent_, report{step_.envelope, step_.purpose, place_.id, step_.positions, loss_,"
         "1});"
         "close(); }",
         "if (reduction_.finished()) {"
         "send(parent_, report{step_.envelope, step_.purpose, place_.id, step_.positions, loss_,"
         "1}); }"
         "send(parent_, gradient{step_.envelope, step_.purpose, place_.id, range,"
         "Moved(std::move(sum))});"
         "if (reduction_.finished()) { close(); }"}}},
      {"report_twice", "a worker reports twice", "B2", {{worker, report, twice}}},
      {"first_gradient_reports",
       "a worker closes its step with its first gradient",
       "C2",
       {{worker, "reduction_.finished()", "true"}}},
      {"loss_counted_twice",
       "a worker counts the tokens of its last micro-batch twice",
       "B1",
       {{worker, "loss_.valid_tokens += part.loss.valid_tokens;",
         "loss_.valid_tokens += 2 * part.loss.valid_tokens;"}}},
      {"old_answer_used",
       "a lane's answer for another step is used",
       "B4",
       {{sphere, "return generation == generation_;",
         "return generation == generation_ || open_;"}},
       {},
       "a step is given up only when its epoch fails or the run stops, and no step is opened after "
       "that, so that there is none that the answer could be used for"},
  };
}

std::vector<Mutant> of_sums() {
  return {
      {"second_gradient_accepted",
       "a gradient that came before is taken again",
       "B1",
       {{reduction,
         "std::none_of(first, first + range.size(), [](bool arrived) { return arrived; })",
         "true"}},
       {},
       "a message's content can be taken once (Moved): whoever takes a gradient again dies of it, "
       "as after any other fault, and is replaced"},
      {"arrival_not_noted",
       "it is not noted which positions have arrived",
       "B1",
       {{reduction, "std::fill(first, first + part.range.size(), true);", ""}}},
      {"sibling_not_checked",
       "what comes second is added to what came first, sibling or not",
       "C1",
       {{reduction,
         "if (held == held_.end() || held->second.range != *sibling) {"
         "held_.emplace(part.range.first, std::move(part)); return Held{}; }",
         "if (held_.empty()) {"
         "held_.emplace(part.range.first, std::move(part)); return Held{}; }"
         "Partial other = std::move(held_.begin()->second);"
         "held_.erase(held_.begin());"
         "return Combine{std::move(other), std::move(part)};"}}},
      {"siblings_swapped",
       "of two siblings the right one counts as the left if it came first",
       "C1",
       {{reduction, "return Combine{std::move(part), std::move(other)};",
         "return Combine{std::move(other), std::move(part)};"}}},
      {"passed_up_miscounted",
       "a sum that is passed up counts as one micro-batch",
       "B1",
       {{reduction, "passed_up_ += part.range.size();", "passed_up_ += 1;"}}},
  };
}

}  // namespace

std::vector<Mutant> of_spheres() {
  std::vector<Mutant> joined = of_parents();
  for (const auto& part : {of_workers(), of_sums()}) {
    joined.insert(joined.end(), part.begin(), part.end());
  }
  return joined;
}

}  // namespace nodezero::mutants
