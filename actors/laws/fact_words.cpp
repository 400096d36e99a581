// SPDX-License-Identifier: BSD-3-Clause
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "actors/laws/logical_run.hpp"

namespace nodezero::actors {

std::string in_words(const FactKey& key) {
  const auto at_step =
      key.step == FactKey::none ? std::string() : fmt::format(" of step {}", key.step);
  const auto again = key.again == 0   ? std::string()
                     : key.again == 1 ? std::string(" a second time")
                                      : fmt::format(" for the {}th time", key.again + 1);
  const auto say = [&](std::string_view what) { return fmt::format("{}{}", what, again); };
  switch (key.kind) {
    case FactKind::halted:
      return say("the run halted" +
                 (key.step == FactKey::none ? "" : fmt::format(" at step {}", key.step)));
    case FactKind::sphere_ended:
      return say(fmt::format("a sphere ended in the middle{}", at_step));
    case FactKind::step_failed:
      return say(fmt::format("a sphere gave up its part{}", at_step));
    case FactKind::snapshot:
      return say(fmt::format("the weights before step {} were announced", key.step));
    case FactKind::lifecycle_state:
      return fmt::format("the lifecycle entered its state number {}", key.first + 1);
    case FactKind::asked_to_generate:
      return say("a request for text was given weights");
    case FactKind::generated:
      return say("a request for text was answered");
    case FactKind::evaluate:
      return say(fmt::format("the evaluation before step {} was planned", key.step));
    case FactKind::evaluation_assigned:
      return say(fmt::format("window {} of the evaluation before step {} was assigned", key.first,
                             key.step));
    case FactKind::evaluation_computed:
      return say(fmt::format("window {} of the evaluation before step {} was computed", key.first,
                             key.step));
    case FactKind::evaluation_closed:
      return say(fmt::format("a worker reported window {} of the evaluation before step {}",
                             key.first, key.step));
    case FactKind::evaluation_reported:
      return say(fmt::format("window {} of the evaluation before step {} was reported", key.first,
                             key.step));
    case FactKind::evaluated:
      return say(fmt::format("the evaluation before step {} ended", key.step));
    case FactKind::epoch_begun:
      return say(fmt::format("epoch {} began", key.epoch));
    case FactKind::training:
      return say(fmt::format("the last step of epoch {} was announced", key.epoch));
    case FactKind::planned:
      return say(fmt::format("step {} was planned", key.step));
    case FactKind::assigned:
      return say(fmt::format("micro-batch {}{} was assigned", key.first, at_step));
    case FactKind::computed:
      return say(fmt::format("micro-batch {}{} was computed", key.first, at_step));
    case FactKind::handed_over:
      return say(
          fmt::format("the gradient of micro-batch {}{} left its worker", key.first, at_step));
    case FactKind::closed:
      return say(fmt::format("a worker reported micro-batch {}{}", key.first, at_step));
    case FactKind::added:
      return say(
          fmt::format("micro-batches [{}, {}){} were added up", key.first, key.last, at_step));
    case FactKind::arrived:
      return say(
          fmt::format("the gradient of micro-batch {}{} reached node_zero", key.first, at_step));
    case FactKind::reported:
      return say(fmt::format("micro-batch {}{} was reported to node_zero", key.first, at_step));
    case FactKind::applied:
      return say(fmt::format("the optimizer was given the sum{}", at_step));
    case FactKind::updated:
      return say(fmt::format("phase {} of the update{} was done", key.first, at_step));
    case FactKind::completed:
      return key.first != 0 ? fmt::format("version {} of the weights was complete", key.first)
                            : say(fmt::format("the optimizer completed step {}", key.step));
    case FactKind::step_told:
      return say(fmt::format("step {} was reported to the observer", key.step));
    case FactKind::evaluation_told:
      return say(
          fmt::format("the evaluation before step {} was reported to the observer", key.step));
    case FactKind::epoch_told:
      return say(fmt::format("epoch {} was reported to the observer", key.epoch));
    case FactKind::epoch_done:
      return say(
          fmt::format("epoch {} was answered with epoch_done after step {}", key.epoch, key.step));
    case FactKind::sample_told:
      return say("a sample of text was reported to the observer");
    case FactKind::stop_answered:
      return say("a request to stop was answered");
    case FactKind::run_ended:
      return say("the run ended");
  }
  return "something happened";
}

}  // namespace nodezero::actors
