// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "actors/spheres/routing.hpp"
#include "actors/spheres/sphere.hpp"
#include "actors/spheres/topology.hpp"

namespace nodezero::actors {

/// A sphere with children: routes a step's positions to them, takes their gradients and
/// reports, and replaces those that die. Children are told apart by identity: a step is
/// closed when each child has closed it once, not when so many messages have come.
template <class Base>
class sphere_parent : public summing_sphere<Base> {
 protected:
  sphere_parent(caf::actor_config& config, SphereSettingsPtr settings, const TopologyNode& place)
      : summing_sphere<Base>(config, std::move(settings), place),
        router_(this->settings_->routing, this->settings_->symmetry, place.level,
                this->settings_->token_frequencies) {}

  /// All children have closed the step and its positions have all been passed up. To be answered
  /// with close_family().
  virtual void step_closed() = 0;
  /// The step cannot be finished below this sphere.
  virtual void step_lost(Error reason) = 0;

  void spawn_children() {
    const auto& tree = *this->settings_->tree;
    const std::uint32_t end = this->place_.id + this->place_.nodes;
    for (std::uint32_t id = this->place_.id + 1; id < end; id += tree[id].nodes) {
      targets_.push_back({tree[id].workers, tree[id].first_group, tree[id].last_group});
      spawn(family_.children.emplace_back(Child{id, {}, {}}));
    }
  }

  /// Has one child that somebody else has spawned, and that nobody can replace.
  void adopt(sphere_actor child) {
    targets_.push_back({this->place_.workers, this->place_.first_group, this->place_.last_group});
    this->monitor(child);
    family_.children.push_back(Child{this->place_.id, std::move(child), {}});
    has_adopted_ = true;
  }

  void distribute(const assign& step) {
    this->open(step);
    auto& attempts = this->open_step().attempts;
    attempts.assign(step.batches->batches.size(), 0);
    for (std::size_t i = 0; i < step.attempts.size(); ++i) {
      attempts_at(step.positions[i]) = step.attempts[i];
    }
    for (auto& child : family_.children) {
      child.share = Share{{}, {}, false};
    }
    const auto routes = router_.route(*step.batches, step.positions, targets_);
    for (std::size_t i = 0; i < routes.size(); ++i) {
      family_.children[routes[i]].share.positions.push_back(step.positions[i]);
    }
    for (auto& child : family_.children) {
      send_assignment(child);
    }
  }

  /// Closes the step here, and nothing is left of it.
  void close_family() {
    this->close();
    for (auto& child : family_.children) {
      child.share = {};
    }
  }

  void abandon_step(const Envelope& envelope) {
    close_family();
    for (const auto& child : family_.children) {
      this->send(child.handle, abandon{envelope});
    }
  }

  void on_gradient(const gradient& message) {
    Child* child = sender_of(message.envelope, message.purpose);
    if (!child) {
      return;
    }
    const auto range = message.range;
    const auto& own = child->share.positions;
    const auto first = std::lower_bound(own.begin(), own.end(), range.first);
    const bool from_its_own = range.first < range.last &&
                              own.end() - first >= static_cast<std::ptrdiff_t>(range.size()) &&
                              *first == range.first &&
                              *(first + range.size() - 1) == range.last - 1;
    if (child->share.closed || !from_its_own || !this->open_step().reduction.acceptable(range)) {
      conservation_violated(*child, range.first, "a gradient that was not expected of it");
      return;
    }
    Partial part = message.partial.full() ? message.partial.take() : Partial{};
    // What is summed is placed by the range that it carries itself.
    const bool is_whole = static_cast<bool>(part.gradient)
                              ? message.purpose == Purpose::train && fits_weights(*part.gradient)
                              : message.purpose == Purpose::evaluate;
    const auto tokens = part.loss.valid_tokens;
    if (part.range != range || !is_whole || tokens < 0 || tokens / most_tokens >= range.size()) {
      conservation_violated(*child, range.first, "a gradient that is not what its message says");
      return;
    }
    child->share.valid_tokens += part.loss.valid_tokens;
    this->count(part.loss);
    this->put(std::move(part));
  }

  void on_report(const report& message) {
    Child* child = sender_of(message.envelope, message.purpose);
    if (!child) {
      return;
    }
    const auto& share = child->share;
    const auto missing = std::find_if(
        share.positions.begin(), share.positions.end(),
        [this](auto position) { return !this->open_step().reduction.arrived(position); });
    if (share.closed || message.positions != share.positions ||
        message.loss.valid_tokens != share.valid_tokens || missing != share.positions.end()) {
      conservation_violated(
          *child, missing == share.positions.end() ? std::nullopt : std::optional(*missing),
          "a report that does not match what it was assigned");
      return;
    }
    child->share.closed = true;
    this->open_step().spheres_busy += message.spheres_busy;
    close_if_complete();
  }

  void on_step_failed(const step_failed& message) {
    if (sender_of(message.envelope, message.purpose)) {
      step_lost(message.reason);
    }
  }

  /// True if the dead actor was a child, which is then replaced.
  bool on_child_down(const caf::down_msg& down) {
    const auto child =
        std::find_if(family_.children.begin(), family_.children.end(),
                     [&](const Child& c) { return c.handle.address() == down.source; });
    if (child == family_.children.end() || has_adopted_) {
      return false;
    }
    Error reason = to_error(down.reason);
    this->send(this->settings_->observer,
               telemetry_notice{{"sphere " + std::to_string(child->id) +
                                 " was replaced: " + to_string(reason)}});
    spawn(*child);
    if (this->is_open() && !child->share.closed) {
      assign_again(*child, std::move(reason));
    }
    return true;
  }

  void sum_failed(Error reason) override { step_lost(std::move(reason)); }

  /// To be called when a sum has been passed up.
  void close_if_complete() {
    const bool closed = this->is_open() && this->open_step().reduction.finished() &&
                        std::all_of(family_.children.begin(), family_.children.end(),
                                    [](const Child& child) { return child.share.closed; });
    if (closed) {
      step_closed();
    }
  }

  /// A child's part in the open step.
  struct Share {
    std::vector<std::uint32_t> positions;  ///< assigned to its present incarnation, ascending
    std::int64_t valid_tokens = 0;         ///< of the gradients that it has delivered of them
    bool closed = true;
  };
  struct Child {
    std::uint32_t id = 0;
    sphere_actor handle;
    Share share;
  };
  /// The part of the state that all parents have.
  struct Family {
    std::vector<Child> children;
  };
  Family family_;

 private:
  void spawn(Child& child) {
    child.handle = spawn_sphere(*this, this->settings_, (*this->settings_->tree)[child.id],
                                caf::actor_cast<parent_actor>(this));
    this->monitor(child.handle);
  }

  bool fits_weights(const model::Gradient& gradient) const {
    return gradient.values().size() == this->step().weights->values().size();
  }

  std::uint32_t& attempts_at(std::uint32_t position) {
    auto& open = this->open_step();
    return open.attempts[position - open.step.batches->before];
  }

  void send_assignment(Child& child) {
    child.share.valid_tokens = 0;
    std::vector<std::uint32_t> attempts;
    for (const std::uint32_t position : child.share.positions) {
      attempts.push_back(attempts_at(position));
    }
    const auto& step = this->step();
    this->send(child.handle, assign{step.envelope, step.purpose, step.weights, step.batches,
                                    child.share.positions, std::move(attempts)});
  }

  // What the dead one had not delivered is computed again. The micro-batch that it names
  // has had an attempt; if it names none, all that were on it have.
  void assign_again(Child& child, Error reason) {
    auto& open = this->open_step();
    std::erase_if(child.share.positions,
                  [&](std::uint32_t position) { return open.reduction.arrived(position); });
    const auto blamed = reason.place.value_or(ErrorPlace{});
    reason.place = at(open.step.envelope, blamed.sphere.value_or(child.id));
    for (const std::uint32_t position : child.share.positions) {
      if (blamed.micro_batch.value_or(position) != position) {
        continue;
      }
      if (++attempts_at(position) > this->settings_->attempts) {
        reason.place->micro_batch = position;
        reason.message += ", " + std::to_string(attempts_at(position)) + " times";
        step_lost(std::move(reason));
        return;
      }
    }
    send_assignment(child);
  }

  /// The child whose message of the open step this is; else nobody, and the message is a stray.
  Child* sender_of(const Envelope& envelope, Purpose purpose) {
    if (this->is_of_open_step(envelope, purpose)) {
      for (auto& child : family_.children) {
        if (child.handle.address() == this->current_sender()) {
          return &child;
        }
      }
    }
    return nullptr;
  }

  void conservation_violated(const Child& child, std::optional<std::uint32_t> position,
                             const char* what) {
    step_lost({ErrorCode::conservation, std::string("the sphere sent ") + what,
               at(this->step().envelope, child.id, position)});
  }

  /// Of one micro-batch, whatever a model counts as its tokens; sums of a step do not overflow.
  static constexpr std::int64_t most_tokens = std::int64_t{1} << 41;

  // As they were made:
  Router router_;
  std::vector<RoutingTarget> targets_;
  bool has_adopted_ = false;
};

}  // namespace nodezero::actors
