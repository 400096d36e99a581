// SPDX-License-Identifier: BSD-3-Clause
#include "verify/explore/reduction.hpp"

#include <algorithm>
#include <utility>

namespace nodezero::verify::explore {
namespace {

constexpr NodeIndex what_is_shared = 0;

std::uint64_t digest_of(NodeIndex node, const Run& run, Network& network) {
  return node == what_is_shared ? run.scenario().shared_digest() : network.node_digest(node);
}

std::size_t place_of(const std::vector<Choice>& steps, const Choice& step) {
  return static_cast<std::size_t>(std::ranges::find(steps, step) - steps.begin());
}

/// All steps of an actor, if it must go on with one of them.
std::vector<Choice> steps_of(NodeIndex node, const Reduction::View& view) {
  std::vector<Choice> result;
  bool must_go_on = false;  // what may also never happen is no step that all goes on with
  for (std::size_t i = 0; i < view.steps.size(); ++i) {
    if (view.steps[i].receiver == node) {
      result.push_back(view.steps[i]);
      must_go_on = must_go_on || !view.optional[i];
    }
  }
  return must_go_on ? result : std::vector<Choice>();
}

}  // namespace

Reduction::View Reduction::look(const Run& run, Network& network) {
  View view;
  const auto all = run.choices();
  view.steps.assign(all.begin(), all.end());
  // Of duplicates and timeouts it is not known what they commute with.
  const Faults& faults = run.faults();
  view.is_whole = run.faults_left() > 0 && (faults.duplicates || faults.timers || faults.losses ||
                                            faults.delays || faults.deaths || faults.late_timers);
  const auto see = [&](const Network::Label& label) {
    view.rough.messages.push_back(rough_.message(network, label));
    view.exact.messages.push_back(exact_.message(network, label));
  };
  for (const auto& step : view.steps) {
    const bool has_message =
        step.action != Choice::Action::timer && step.action != Choice::Action::kill;
    view.is_whole = view.is_whole || !has_message;
    view.optional.push_back(!has_message || network.is_optional(step));
    if (has_message) {
      see(network.label(step));
    }
  }
  for (const auto& label : network.queued()) {
    see(label);
  }
  for (NodeIndex node = 0; node <= network.actors(); ++node) {
    view.digests.push_back(digest_of(node, run, network));
    view.waits.push_back(network.unanswered(node) > 0);
    view.rough.locals.push_back(rough_.local(network, node, view.digests[node]));
    view.exact.locals.push_back(exact_.local(network, node, view.digests[node]));
  }
  return view;
}

void Reduction::learn(const View& before, const Choice& step, const Run& run, Network& network) {
  std::vector<std::pair<NodeIndex, std::uint64_t>> changed;
  for (NodeIndex node = 0; node <= network.actors(); ++node) {
    const std::uint64_t digest = digest_of(node, run, network);
    if (node >= before.digests.size() || before.digests[node] != digest) {
      changed.emplace_back(node, digest);
    }
  }
  std::vector<NodeIndex> used(network.handlers().begin(), network.handlers().end());
  if (std::ranges::any_of(network.handlers(), [&](NodeIndex node) {
        return run.scenario().shares(network.name(node));
      })) {
    used.push_back(what_is_shared);
  }
  const std::size_t place = place_of(before.steps, step);
  rough_.learn(before.rough, step.receiver, before.rough.messages[place], used, changed, network);
  exact_.learn(before.exact, step.receiver, before.exact.messages[place], used, changed, network);
}

const Forecast::Effect* Reduction::effect(const View& view, const Choice& step) const {
  return exact_.effect(view.exact.locals[step.receiver],
                       view.exact.messages[place_of(view.steps, step)]);
}

bool Reduction::commute(const View& view, const Choice& one, const Choice& other) const {
  if (view.is_whole || one.receiver == other.receiver) {
    return false;
  }
  const auto* first = effect(view, one);
  const auto* second = effect(view, other);
  // What is sent to an actor that has ended is in flight no more.
  const auto disturbs = [&](const Forecast::Effect& by, const Forecast::Effect& effect) {
    const auto actor = exact_.actor_of(effect.local);
    return effect.ends && std::ranges::any_of(by.messages, [&](auto sent) {
             return exact_.receiver_of(sent) == actor;
           });
  };
  return first && second && !exact_.collide(*first, *second) && !disturbs(*first, *second) &&
         !disturbs(*second, *first);
}

bool Reduction::is_enough(const View& view, NodeIndex node) {
  const auto may_be_disturbed = [&](Forecast& forecast, const Forecast::View& seen) {
    std::vector<Forecast::Number> messages;
    for (std::size_t i = 0; i < view.steps.size(); ++i) {
      if (view.steps[i].receiver == node) {
        messages.push_back(seen.messages[i]);
      }
    }
    return forecast.may_be_disturbed(seen, node, view.waits[node], messages);
  };
  return !may_be_disturbed(rough_, view.rough) || !may_be_disturbed(exact_, view.exact);
}

std::vector<Choice> Reduction::select(const View& view) {
  std::vector<Choice> best = view.steps;
  for (std::size_t i = 0; i < view.steps.size() && best.size() > 1 && !view.is_whole; ++i) {
    const auto& candidate = view.steps[i];
    auto steps = steps_of(candidate.receiver, view);
    if (!steps.empty() && steps.front() == candidate && steps.size() < best.size() &&
        is_enough(view, candidate.receiver)) {
      best = std::move(steps);
    }
  }
  return best;
}

}  // namespace nodezero::verify::explore
