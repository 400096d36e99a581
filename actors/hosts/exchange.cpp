// SPDX-License-Identifier: BSD-3-Clause
#include "actors/hosts/exchange.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <exception>
#include <numeric>
#include <utility>

#include "actors/hosts/fingerprints.hpp"
#include "actors/hosts/state_of_run.hpp"
#include "actors/spheres/control.hpp"
#include "model/tensors/fnv.hpp"

namespace nodezero::actors {
namespace {

std::uint64_t microseconds(caf::actor_clock::duration_type time) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(time).count());
}

std::uint64_t hash_of_sum(const model::LossSum& loss, const model::Gradient& gradient) {
  return model::fnv(std::bit_cast<std::uint64_t>(loss.negative_log_likelihood), gradient.values());
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
      [this](const wire::commit& message) { apply_sum(message); },
      [this](const wire::give_up&) {
        if (step_) {
          send(control_, abandon{step_->envelope});
          send(settings_.spheres->lanes, abandon{step_->envelope});
        }
        give_up();
      },
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
  for (const auto& part : plan.mine) {
    const PositionRange range = PositionRange{part.first, part.last};
    if (range.size() > 0 && std::ranges::find(step_->given, range) == step_->given.end()) {
      step_->given.push_back(range);
      if (!step_->will_audit(range)) {
        step_->waiting.push_back(range);
      }
    }
  }
  take_audited(plan.audited);
  const BlockSums sums(step_->tree(), blocks_, settings_.additions, plan.step);
  term_.emplace(Term{plan, sums, {}, {}, blocks_, 0, false, nullptr});
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

/// Whether it is yet to be computed, if only to be looked at.
bool exchange::Step::will_audit(PositionRange range) const {
  const auto finding = findings.find(range.first);
  const bool is_missing = finding != findings.end() && !finding->second;
  const bool is_computing = computing && computing->batches->range() == range;
  return is_missing && (is_computing || std::ranges::find(waiting, range) != waiting.end());
}

/// What this machine has of its own is looked at; the rest is computed to be looked at.
void exchange::take_audited(const std::vector<std::uint32_t>& audited) {
  for (const std::uint32_t position : audited) {
    const PositionRange range{position, position + 1};
    if (position >= step_->positions || !step_->findings.try_emplace(position).second) {
      continue;
    }
    const auto own = std::ranges::find(step_->sums, range, &OwnSum::range);
    if (own != step_->sums.end()) {
      step_->findings[position] = hash_of_sum(own->loss, **own->gradient);
    } else if (std::ranges::find(step_->given, range) == step_->given.end()) {
      step_->waiting.push_back(range);
    }
  }
}

// -- what this machine computes --------------------------------------------------------------

void exchange::take_work(const wire::work& work) {
  if (!work.tokens.batch || work.step < here_.step) {
    return;
  }
  try {
    batches_[{work.step, work.position}] = {
        settings_.trained ? settings_.trained->decoded(work.tokens.batch) : work.tokens.batch};
  } catch (const std::exception& error) {  // of a host's model
    fail(error.what());
    return;
  }
  compute_next();
}

void exchange::compute_next() {
  if (!step_ || step_->computing || step_->waiting.empty()) {
    return;
  }
  const PositionRange range = step_->waiting.front();
  auto batches = std::make_shared<StepBatches>();
  batches->before = range.first;
  batches->after = step_->positions - range.last;
  for (std::uint32_t position = range.first; position < range.last; ++position) {
    const auto batch = batches_.find({step_->envelope.step, position});
    if (batch == batches_.end()) {
      return;  // it is on its way
    }
    batches->batches.push_back(*batch->second.batch);
  }
  step_->waiting.pop_front();
  std::vector<std::uint32_t> positions(range.size());
  std::iota(positions.begin(), positions.end(), range.first);
  step_->computing = assign{step_->envelope,    Purpose::train,       weights_,
                            std::move(batches), std::move(positions), {}};
  step_->computing_since = clock().now();
  send(control_, *step_->computing);
}

void exchange::take_own_sum(const gradient& message) {
  if (!step_ || !step_->computing || message.envelope != step_->envelope) {
    return;
  }
  Partial partial = message.partial.take();
  const auto finding = step_->findings.find(partial.range.first);
  if (partial.range.size() == 1 && finding != step_->findings.end()) {
    finding->second = hash_of_sum(partial.loss, *partial.gradient);
    if (std::ranges::find(step_->given, partial.range) == step_->given.end()) {
      report_if_gathered();
      return;  // another machine's
    }
  }
  // It is kept until the step's end, so the lanes get another buffer in its place.
  auto kept = gradients_->lease();
  std::swap(*kept, *partial.gradient);
  auto& own = step_->sums.emplace_back(OwnSum{partial.range, partial.loss,
                                              std::make_shared<GradientLease>(std::move(kept)),
                                              std::move(partial.squared_norms)});
  if (term_) {
    send_parts(own);
  }
}

void exchange::take_report(const report& message) {
  if (step_ && step_->computing && message.envelope == step_->envelope) {
    step_->computed += static_cast<std::uint32_t>(step_->computing->positions.size());
    step_->computed_at = clock().now();
    step_->computing_time += std::chrono::duration_cast<std::chrono::microseconds>(
        step_->computed_at - step_->computing_since);
    step_->computing.reset();
    compute_next();
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
    nodes.push_back({own.range.first, own.range.last,
                     std::bit_cast<std::uint64_t>(own.loss.negative_log_likelihood),
                     own.loss.valid_tokens});
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
