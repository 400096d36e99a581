// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "actors/digests.hpp"
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

  /// All children have closed the step and its positions have all been passed up.
  virtual void step_closed(report total) = 0;
  /// The step cannot be finished below this sphere.
  virtual void step_lost(Error reason) = 0;

  void spawn_children() {
    const auto& tree = *this->settings_->tree;
    const std::uint32_t end = this->place_.id + this->place_.nodes;
    for (std::uint32_t id = this->place_.id + 1; id < end; id += tree[id].nodes) {
      Child child;
      child.place = tree[id];
      targets_.push_back({tree[id].workers, tree[id].first_group, tree[id].last_group});
      children_.push_back(std::move(child));
      spawn(children_.back());
    }
  }

  void distribute(const assign& step) {
    this->open(step);
    total_ = {step.envelope, step.purpose, this->place_.id, step.positions, {}, 0};
    attempts_.assign(step.batches->size(), 0);
    for (std::size_t i = 0; i < step.positions.size(); ++i) {
      attempts_[step.positions[i]] = step.attempts.empty() ? 0 : step.attempts[i];
    }
    for (auto& child : children_) {
      child.closed = false;
      child.positions.clear();
    }
    const auto routes = router_.route(step.batches->batches, step.positions, targets_);
    for (std::size_t i = 0; i < routes.size(); ++i) {
      children_[routes[i]].positions.push_back(step.positions[i]);
    }
    for (auto& child : children_) {
      send_assignment(child);
    }
  }

  void abandon_step(const Envelope& envelope) {
    this->close();
    for (const auto& child : children_) {
      this->send(child.handle, abandon{envelope});
    }
  }

  void on_gradient(const gradient& message) {
    Child* child = sender_of(message.envelope, message.purpose);
    if (!child) {
      return;
    }
    const auto range = message.range;
    const auto& own = child->positions;
    const auto first = std::lower_bound(own.begin(), own.end(), range.first);
    const bool from_its_own = own.end() - first >= static_cast<std::ptrdiff_t>(range.size()) &&
                              *first == range.first &&
                              *(first + range.size() - 1) == range.last - 1;
    if (child->closed || !from_its_own || !this->reduction_.acceptable(range)) {
      conservation_violated(*child, range.first, "a gradient that was not expected of it");
      return;
    }
    Partial part = message.partial.take();
    add(child->delivered, part.loss);
    add(total_.loss, part.loss);
    this->put(std::move(part));
  }

  void on_report(const report& message) {
    Child* child = sender_of(message.envelope, message.purpose);
    if (!child) {
      return;
    }
    const auto missing = std::find_if(
        child->positions.begin(), child->positions.end(),
        [this](std::uint32_t position) { return !this->reduction_.arrived(position); });
    if (child->closed || message.positions != child->positions ||
        message.loss.valid_tokens != child->delivered.valid_tokens ||
        missing != child->positions.end()) {
      conservation_violated(*child, missing == child->positions.end() ? -1 : std::int64_t{*missing},
                            "a report that does not match what it was assigned");
      return;
    }
    child->closed = true;
    total_.spheres_busy += message.spheres_busy;
    close_if_complete();
  }

  void on_step_failed(const step_failed& message) {
    if (sender_of(message.envelope, message.purpose)) {
      step_lost(message.reason);
    }
  }

  /// True if the dead actor was a child, which is then replaced.
  bool on_child_down(const caf::down_msg& down) {
    const auto child = std::find_if(children_.begin(), children_.end(), [&](const Child& c) {
      return c.handle.address() == down.source;
    });
    if (child == children_.end()) {
      return false;
    }
    Error reason = to_error(down.reason);
    this->send(this->settings_->observer,
               telemetry_notice{{"sphere " + std::to_string(child->place.id) +
                                 " was replaced: " + to_string(reason)}});
    spawn(*child);
    if (this->open_ && !child->closed) {
      assign_again(*child, std::move(reason));
    }
    return true;
  }

  void sum_failed(Error reason) override { step_lost(std::move(reason)); }

  /// To be called when a sum has been passed up.
  void close_if_complete() {
    const bool closed = this->open_ && this->reduction_.finished() &&
                        std::all_of(children_.begin(), children_.end(),
                                    [](const Child& child) { return child.closed; });
    if (closed) {
      step_closed(std::move(total_));
    }
  }

  std::uint64_t strays() const { return strays_; }

  std::uint64_t family_digest(const runtime::ActorKeys& keys) const {
    runtime::Fingerprint digest;
    digest.add(this->step_digest());
    for (const auto& child : children_) {
      digest.add(keys.of(child.handle));
    }
    if (this->open_) {  // the rest is of the open step
      digest.add(digest_of(attempts_)).add(total_.spheres_busy).add(digest_of(total_.loss));
      for (const auto& child : children_) {
        digest.add(child.closed).add(digest_of(child.positions)).add(digest_of(child.delivered));
      }
    }
    return digest.value();
  }

 private:
  struct Child {
    TopologyNode place;
    sphere_actor handle;
    std::vector<std::uint32_t> positions;  ///< assigned to its present incarnation, ascending
    model::LossSum delivered;              ///< in the gradients of that assignment
    bool closed = true;
  };

  static void add(model::LossSum& sum, const model::LossSum& part) {
    sum.negative_log_likelihood += part.negative_log_likelihood;
    sum.valid_tokens += part.valid_tokens;
  }

  void spawn(Child& child) {
    child.handle =
        spawn_sphere(*this, this->settings_, child.place, caf::actor_cast<parent_actor>(this));
    this->monitor(child.handle);
  }

  void send_assignment(Child& child) {
    child.delivered = {};
    std::vector<std::uint32_t> attempts;
    for (const std::uint32_t position : child.positions) {
      attempts.push_back(attempts_[position]);
    }
    const auto& step = this->step_;
    this->send(child.handle, assign{step.envelope, step.purpose, step.weights, step.batches,
                                    child.positions, std::move(attempts)});
  }

  // What the dead one had not delivered is computed again. The micro-batch that it names
  // has had an attempt; if it names none, all that were on it have.
  void assign_again(Child& child, Error reason) {
    std::erase_if(child.positions,
                  [this](std::uint32_t position) { return this->reduction_.arrived(position); });
    const auto blamed = reason.place.value_or(ErrorPlace{});
    reason.place = at(this->step_.envelope, blamed.sphere.value_or(child.place.id));
    for (const std::uint32_t position : child.positions) {
      if (blamed.micro_batch.value_or(position) != position) {
        continue;
      }
      if (++attempts_[position] > this->settings_->attempts) {
        reason.place->micro_batch = position;
        reason.message += ", " + std::to_string(attempts_[position]) + " times";
        step_lost(std::move(reason));
        return;
      }
    }
    send_assignment(child);
  }

  /// The child whose message of the open step this is; else the message is counted.
  Child* sender_of(const Envelope& envelope, Purpose purpose) {
    if (this->is_open(envelope, purpose)) {
      for (auto& child : children_) {
        if (child.handle.address() == this->current_sender()) {
          return &child;
        }
      }
    }
    ++strays_;
    return nullptr;
  }

  void conservation_violated(const Child& child, std::optional<std::uint32_t> position,
                             const char* what) {
    step_lost({ErrorCode::conservation, std::string("the sphere sent ") + what,
               at(this->step_.envelope, child.place.id, position)});
  }

  Router router_;
  std::vector<Child> children_;
  std::vector<RoutingTarget> targets_;
  std::vector<std::uint32_t> attempts_;  ///< failures of each position of the open step
  report total_;
  std::uint64_t strays_ = 0;  ///< messages of another step or of a dead incarnation
};

}  // namespace nodezero::actors
