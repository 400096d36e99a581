// SPDX-License-Identifier: BSD-3-Clause
#include "actors/hosts/exchange.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <exception>
#include <utility>

#include "actors/hosts/fingerprints.hpp"
#include "actors/hosts/state_of_run.hpp"
#include "actors/spheres/control.hpp"

namespace nodezero::actors {
namespace {

std::uint64_t microseconds(caf::actor_clock::duration_type time) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(time).count());
}

}  // namespace

exchange::exchange(caf::actor_config& config, ExchangeSettings settings)
    : recorded(config),
      settings_(std::move(settings)),
      here_(settings_.here),
      weights_(std::move(settings_.weights)) {
  progress_ = settings_.progress;
  blocks_ = model::norm_block_count(*settings_.layout);
  gradients_ = std::make_shared<GradientPool>(settings_.layout);
}

exchange::behavior_type exchange::make_behavior() {
  // A reason of ours could not cross to another process.
  set_exception_handler([](pointer, std::exception_ptr&) -> caf::error {
    return caf::exit_reason::unhandled_exception;
  });
  control_ = spawn<control>(settings_.spheres, settings_.spheres->tree->front(),
                            caf::actor_cast<parent_actor>(this));
  monitor(control_);
  set_down_handler([this](const caf::down_msg&) { quit(caf::exit_reason::unhandled_exception); });
  return {
      [this](const gradient& message) {
        if (message.purpose == Purpose::evaluate) {
          send(settings_.root, message);
        } else {
          take_own_sum(message);
        }
      },
      [this](const report& message) {
        if (message.purpose == Purpose::evaluate) {
          send(settings_.root, message);
        } else {
          take_report(message);
        }
      },
      [this](const step_failed& message) {
        if (is_root()) {
          send(settings_.root, message);
        } else {
          fail(to_string(message.reason));
        }
      },
      [this](const assign& message) { send(control_, message); },
      [this](const abandon& message) {
        send(control_, message);
        give_up();
      },
      [this](const use_weights& message) {
        here_ = message.envelope;
        weights_ = message.weights;
      },
      [this](const wire::plan& message) { take_plan(message); },
      [this](const wire::work& message) { take_work(message); },
      [this](const wire::back_up& message) { take_back_up(message); },
      [this](const wire::commit& message) { apply_sum(message); },
      [this](const wire::give_up&) { give_up(); },
      [this](const wire::count_progress&) { tell_progress(); },
      [this](const wire::part& message) { take_block(message); },
      [this](const wire::sum& message) { take_block(message); },
      [this](const wire::credit& message) { take_credit(message.blocks); },
      [this](const apply_missed& message) { return take_missed(message); },
      [this](const hand_over&) { return hand_over_state(); },
  };
}

void exchange::on_exit() {
  settings_.root = nullptr;
  settings_.coordinator = {};
  give_up();
  control_ = nullptr;  // which holds this actor
  links_.clear();
  missed_.clear();
  applying_missed_ = {};
  handing_over_ = {};
}

std::uint64_t exchange::state_digest(const runtime::ActorKeys& keys) const {
  runtime::ContentFingerprint digest(keys);
  digest.add(here_).add(weights_).add(is_applying_).add(progress_).add(progress_after_);
  digest.add(missed_).add(applying_missed_).add(handing_over_).add(later_plan_).add(batches_);
  digest.add(step_).add(term_).add(last_term_).add(early_).add(links_);
  for (std::size_t block = 0; term_ && block < blocks_; ++block) {
    if (term_->has_block[block]) {
      digest.add(block_of(std::as_const(**term_->sum), block));
    }
  }
  return digest.value();
}

const char* exchange::state_name() const {
  return is_applying_                  ? "applying"
         : !step_                      ? "idle"
         : term_ && term_->is_gathered ? "gathered"
         : step_->sums.empty()         ? "computing"
                                       : "exchanging";
}

// -- plans -----------------------------------------------------------------------------------

void exchange::take_plan(const wire::plan& plan) {
  const bool has_me = std::ranges::any_of(
      plan.members, [this](const auto& member) { return member.machine == settings_.machine; });
  if (plan.term <= last_term_ || plan.version < here_.version || !has_me || plan.positions == 0) {
    return;
  }
  if (plan.version > here_.version || is_applying_) {
    later_plan_ = plan;  // a later term of the same step takes its place
    return;
  }
  open_term(plan);
}

void exchange::open_term(const wire::plan& plan) {
  last_term_ = plan.term;
  if (!step_) {
    here_ = {here_.run, plan.epoch, plan.step, plan.version};
    step_.emplace(Step{});
    step_->envelope = here_;
    step_->positions = plan.positions;
    step_->computed_at = clock().now();
    step_->weights_hash = hash_of_block(*weights_, here_.version % blocks_);
  }
  const BlockSums sums(step_->tree(), blocks_, settings_.additions, plan.step);
  term_.emplace(Term{plan, {}, sums, {}, {}, blocks_, 0, false, nullptr});
  take_ranges();
  take_audited();
  term_->squared_norms.resize(blocks_);
  term_->has_block.resize(blocks_);
  std::erase_if(links_, [&](const auto& link) {
    return std::ranges::none_of(plan.members,
                                [&](const auto& member) { return member.machine == link.first; });
  });
  for (auto& [machine, link] : links_) {
    link.drop_waiting();
  }
  for (const auto& own : step_->sums) {
    send_parts(own);
  }
  compute_next();
  for (auto& [block, sender] : std::exchange(early_, {})) {
    std::visit(
        [&, &sender = sender](const auto& message) {
          if (message.term > last_term_) {
            early_.push_back({message, sender});
            return;
          }
          sender.send(*this, wire::credit{1});
          if (message.term == last_term_) {
            handle(message);
          }
        },
        block);
  }
}

// -- the end of a step -----------------------------------------------------------------------

void exchange::report_if_gathered() {
  const bool is_whole = term_ && !term_->is_gathered && term_->blocks_missing == 0;
  if (!is_whole || std::ranges::any_of(step_->findings, [](const auto& finding) {
        return !finding.second.has_value();
      })) {
    return;
  }
  term_->is_gathered = true;
  std::vector<wire::NodeLoss> nodes;
  for (const auto& own : step_->sums) {
    if (term_->is_mine(own.range)) {
      nodes.push_back({own.range.first, own.range.last,
                       std::bit_cast<std::uint64_t>(own.loss.negative_log_likelihood),
                       own.loss.valid_tokens});
    }
  }
  std::vector<wire::Finding> findings;
  for (const auto& [position, hash] : step_->findings) {
    findings.push_back({position, *hash});
  }
  Traffic sent;
  for (auto& [machine, link] : links_) {
    const Traffic traffic = link.take_traffic();
    sent.bytes += traffic.bytes;
    sent.time = std::max(sent.time, traffic.time);
  }
  settings_.coordinator.send(
      *this,
      wire::gathered{term_->plan.term, settings_.machine, step_->weights_hash, term_->sum_hash,
                     step_->computed, static_cast<std::uint64_t>(step_->computing_time.count()),
                     microseconds(clock().now() - step_->computed_at), sent.bytes,
                     microseconds(sent.time), std::move(nodes), std::move(findings)});
}

/// The sum, for the optimizer. If a message that somebody else was sent still has blocks of it,
/// which happens when a machine was lost, they get a copy.
GradientLease exchange::take_sum() {
  auto shared = std::move(term_->sum);
  step_->sums.clear();
  if (shared.use_count() == 1) {
    std::atomic_thread_fence(std::memory_order_acquire);
    return std::move(*shared);
  }
  auto copy = gradients_->lease();
  std::ranges::copy((**shared).values(), (*copy).values().begin());
  return copy;
}

void exchange::apply_sum(const wire::commit& message) {
  if (!term_ || message.term != term_->plan.term || !term_->is_gathered) {
    return;
  }
  const auto after = decode_progress(message.progress);
  if (!after) {
    fail(after.error().message);
    quit(caf::exit_reason::user_shutdown);  // the others apply the step
    return;
  }
  const PositionRange whole = step_->tree().root();
  auto norms = std::move(term_->squared_norms);
  const std::uint64_t term = term_->plan.term;
  GradientLease sum = take_sum();
  close_step();
  weights_.reset();  // so that the optimizer may write in place
  if (is_root()) {
    Partial partial{whole, std::move(sum), {}, std::move(norms)};
    send(settings_.root, summed{term, Moved(std::move(partial))});
    return;
  }
  apply_here({here_, Moved(std::move(sum)), message.valid_tokens, true, false, std::move(norms)},
             *after);
}

void exchange::close_step() {
  if (step_->computing) {  // another machine was first, or nobody needs it any more
    send(control_, abandon{step_->envelope});
    send(settings_.spheres->lanes, abandon{step_->envelope});
  }
  std::erase_if(batches_,
                [this](const auto& batch) { return batch.first.first <= step_->envelope.step; });
  step_.reset();
  term_.reset();
}

void exchange::give_up() {
  if (step_) {
    close_step();
  }
  later_plan_.reset();
  for (auto& [machine, link] : links_) {
    link.drop_waiting();
  }
}

void exchange::tell_progress() {
  request(settings_.spheres->lanes, settings_.spheres->stall_timeout, count_finished{})
      .then(
          [this](const finished_count& lanes) {
            settings_.coordinator.send(
                *this, wire::progress{settings_.machine, lanes.tasks + blocks_taken_});
          },
          [](const caf::error&) {});
}

void exchange::fail(const std::string& reason) {
  const std::uint64_t term = term_ ? term_->plan.term : later_plan_ ? later_plan_->term : 0;
  settings_.coordinator.send(*this, wire::failed{term, settings_.machine, reason});
}

}  // namespace nodezero::actors
