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
  const std::string count_message =
      "if (const auto waiting = std::find_if(family_.children.begin(), family_.children.end(),"
      "[](const Child& one) { return !one.share.closed; }); waiting != family_.children.end()) {"
      "waiting->share.closed = true; } close_if_complete();";
  const std::string is_wrong =
      "share.closed || message.positions != share.positions ||"
      "message.loss.valid_tokens != share.valid_tokens || missing != share.positions.end()";
  return {
      {"messages_counted",
       "a step is closed by as many messages as there are children",
       "B2",
       {{parent, "this->put(std::move(part));", "this->put(std::move(part));" + count_message},
        {parent,
         "if (" + is_wrong +
             ") { conservation_violated(*child,"
             "missing == share.positions.end() ? std::nullopt : std::optional(*missing),"
             "\"a report that does not match what it was assigned\"); return; }",
         "this->open_step().spheres_busy += message.spheres_busy;" + count_message + "return;"}}},
      {"report_without_gradients",
       "a report is not compared with what was assigned and came",
       "B1",
       {{parent, is_wrong, "false"}},
       {},
       guarded},
      {"report_before_sum",
       "a sphere reports before its sum is passed up",
       "A1 B1",
       {{parent, "this->open_step().reduction.finished()", "true"}}},
      {"report_before_children",
       "a sphere reports before all children have",
       "B2",
       {{parent,
         "std::all_of(family_.children.begin(), family_.children.end(),"
         "[](const Child& child) { return child.share.closed; })",
         "true"}}},
      {"old_step_accepted",
       "messages of another step are believed",
       "A8 B4",
       {{sphere, "is_open() && step().envelope == envelope && step().purpose == purpose",
         "is_open()"}}},
      {"dead_sphere_believed",
       "an only child's messages are believed also when it has died and was replaced",
       "D12",
       {{parent, "return nullptr;",
         "return this->is_of_open_step(envelope, purpose) && family_.children.size() == 1"
         "? &family_.children.front() : nullptr;"}},
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
       {{parent, "this->is_open() && !child->share.closed", "false"}}},
      {"dead_childs_work_all_again",
       "a dead child's work is assigned again, also what had arrived",
       "D12",
       {{parent,
         "std::erase_if(child.share.positions,"
         "[&](std::uint32_t position) { return open.reduction.arrived(position); });",
         ""}}},
      {"one_attempt_less",
       "a micro-batch may fail once less often than was allowed",
       "D12",
       {{parent, "++attempts_at(position) > this->settings_->attempts",
         "++attempts_at(position) >= this->settings_->attempts"}}},
      {"delivered_kept",
       "what a child delivered of an earlier assignment is counted in the next",
       "B4",
       {{parent, "child.share.valid_tokens = 0;", ""}}},
      {"positions_kept",
       "a child keeps the last step's positions",
       "B4",
       {{parent, "child.share = Share{{}, {}, false};", "child.share.closed = false;"},
        {parent, "child.share = {};", ""}}},
      {"position_not_assigned",
       "the first micro-batch of a step is assigned to nobody",
       "B1",
       {{parent, "family_.children[routes[i]].share.positions.push_back(step.positions[i]);",
         "if (i > 0) { family_.children[routes[i]].share.positions.push_back(step.positions[i]); "
         "}"}}},
      {"position_assigned_twice",
       "the first child gets all micro-batches of a step, the others theirs as well",
       "B1",
       {{parent, "family_.children[routes[i]].share.positions.push_back(step.positions[i]);",
         "family_.children[routes[i]].share.positions.push_back(step.positions[i]);"
         "if (routes[i] != 0) {"
         "family_.children.front().share.positions.push_back(step.positions[i]); }"}}},
      {"abandoned_step_goes_on",
       "a sphere does not close a step that is abandoned",
       "A10",
       {{parent,
         "close_family(); for (const auto& child : family_.children) {"
         "this->send(child.handle, abandon{envelope}); }",
         "for (const auto& child : family_.children) {"
         "this->send(child.handle, abandon{envelope}); }"}}},
  };
}

std::vector<Mutant> of_workers() {
  const std::string gradient =
      "send(state_.parent, gradient{step().envelope, step().purpose, place_.id, range,"
      "Moved(std::move(sum))});";
  const std::string report = "send(state_.parent, report_of_step());";
  const std::string finished = "if (open_step().reduction.finished()) {";
  return {
      {"empty_child_silent",
       "a child without work does not report",
       "B3",
       {{worker, "if (assigned.positions.empty()) { " + report + "close(); return; }",
         "if (assigned.positions.empty()) { return; }"}}},
      {"gradient_lies",
       "a worker's sum is of other positions than its message says",
       "B1",
       {{worker, gradient, "++sum.range.last;" + gradient}}},
      {"report_first",
       "a report overtakes the last gradient",
       "B1",
       {{worker, gradient + finished + report + "close(); }",
         finished + report + "}" + gradient + finished + "close(); }"}}},
      {"report_twice",
       "a worker reports twice",
       "B2",
       {{worker, finished + report + "close(); }", finished + report + report + "close(); }"}}},
      {"first_gradient_reports",
       "a worker closes its step with its first gradient",
       "C2",
       {{worker, "open_step().reduction.finished()", "true"}}},
      {"loss_counted_twice",
       "the tokens of a micro-batch count twice",
       "B1",
       {{sphere, "open_step().loss = open_step().loss + part;",
         "open_step().loss = open_step().loss + part + part;"}}},
      {"old_answer_used",
       "a lane's answer for another step is used",
       "B4",
       {{sphere, "return generation == sums_.generation;",
         "return generation == sums_.generation || is_open();"}},
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
      {"left_half_lost",
       "of two siblings the left one counts as zero if it came last",
       "C1",
       {{reduction, "return Combine{std::move(part), std::move(other)};",
         "if (part.gradient) { std::ranges::fill((*part.gradient).values(), 0.0F); }"
         "return Combine{std::move(part), std::move(other)};"}}},
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
