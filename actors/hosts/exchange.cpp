// SPDX-License-Identifier: BSD-3-Clause
#include "actors/hosts/exchange.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <numeric>
#include <utility>

#include "actors/spheres/control.hpp"

namespace nodezero::actors {
namespace {

PositionRange range_of(const wire::Range& range) {
  return {range.first, range.last};
}

/// FNV-1a over the bits of one block: which one is the version's turn, so that all are seen.
std::uint64_t hash_of_block(const model::Parameters& weights, std::uint64_t version) {
  std::uint64_t hash = 0xcbf29ce484222325;
  const auto blocks = model::norm_block_count(*weights.layout());
  for (const float value : block_of(weights, version % blocks)) {
    hash = (hash ^ std::bit_cast<std::uint32_t>(value)) * 0x100000001b3;
  }
  return hash;
}

}  // namespace

exchange::exchange(caf::actor_config& config, ExchangeSettings settings)
    : recorded(config),
      settings_(std::move(settings)),
      here_(settings_.here),
      weights_(std::move(settings_.weights)) {
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
      [this](const wire::part& message) { take_block(message); },
      [this](const wire::sum& message) { take_block(message); },
      [this](const wire::credit& message) { take_credit(message.blocks); },
  };
}

void exchange::on_exit() {
  settings_.root = nullptr;
  settings_.coordinator = {};
  give_up();
  links_.clear();
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
    step_->weights_hash = hash_of_block(*weights_, here_.version);
  }
  for (const auto& part : plan.mine) {
    const PositionRange range = range_of(part);
    if (range.size() > 0 && std::ranges::find(step_->given, range) == step_->given.end()) {
      step_->given.push_back(range);
      step_->waiting.push_back(range);
    }
  }
  term_.emplace(Term{plan, {step_->tree(), blocks_}, {}, {}, blocks_, false, nullptr});
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

// -- what this machine computes --------------------------------------------------------------

void exchange::take_work(const wire::work& work) {
  if (work.tokens.batch && work.step >= here_.step) {
    batches_[{work.step, work.position}] = work.tokens;
    compute_next();
  }
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
    step_->computing_time += std::chrono::duration_cast<std::chrono::microseconds>(
        clock().now() - step_->computing_since);
    step_->computing.reset();
    compute_next();
  }
}

// -- blocks ----------------------------------------------------------------------------------

runtime::Floats exchange::view(const std::shared_ptr<GradientLease>& lease,
                               std::size_t block) const {
  const auto values = block_of(std::as_const(**lease), block);
  return {std::shared_ptr<const float>(lease, values.data()), values.size()};
}

BlockLink& exchange::link_to(const wire::Member& member) {
  return links_.try_emplace(member.machine, runtime::Peer(member.exchange)).first->second;
}

void exchange::send_parts(const OwnSum& own) {
  const auto& members = term_->plan.members;
  if (members.size() == 1 && own.range == step_->tree().root() &&
      own.squared_norms.size() == blocks_) {
    // Alone, and all of it is here: nothing is copied.
    term_->sum = own.gradient;
    term_->squared_norms = own.squared_norms;
    term_->blocks_missing = 0;
    report_gathered();
    return;
  }
  // Not all machines begin with the same owner.
  const std::size_t first = settings_.machine % members.size();
  for (std::size_t i = 0; i < blocks_ && term_; ++i) {
    const auto block = static_cast<std::uint32_t>((first + i) % blocks_);
    const auto& owner = owner_of(block);
    if (owner.machine == settings_.machine) {
      put_part(block, own.range, view(own.gradient, block));
    } else {
      link_to(owner).send(*this, wire::part{term_->plan.term,
                                            block,
                                            {own.range.first, own.range.last},
                                            view(own.gradient, block)});
    }
  }
}

template <class Message>
void exchange::take_block(const Message& message) {
  const runtime::Peer sender(current_sender());
  if (message.term > last_term_) {
    early_.push_back({message, sender});
    return;
  }
  sender.send(*this, wire::credit{1});
  if (term_ && message.term == term_->plan.term) {
    handle(message);
  }
}

void exchange::handle(const wire::part& part) {
  if (part.block >= blocks_ || owner_of(part.block).machine != settings_.machine) {
    fail("a block came that another machine adds");
    return;
  }
  put_part(part.block, range_of(part.range), part.values);
}

void exchange::put_part(std::uint32_t block, PositionRange range, runtime::Floats values) {
  if (!term_->sum) {
    term_->sum = std::make_shared<GradientLease>(gradients_->lease());
  }
  switch (term_->sums.put(block, range, std::move(values), sum())) {
    case BlockSums::Outcome::refused:
      fail("a part of a block came that does not fit to the others");
      return;
    case BlockSums::Outcome::held:
      return;
    case BlockSums::Outcome::complete:
      break;
  }
  double norm = 0;
  model::squared_norm_blocks(sum(), block, std::span(&norm, 1));
  for (const auto& member : term_->plan.members) {
    if (member.machine != settings_.machine) {
      link_to(member).send(*this,
                           wire::sum{term_->plan.term, block, std::bit_cast<std::uint64_t>(norm),
                                     view(term_->sum, block)});
    }
  }
  put_sum(block, norm);
}

void exchange::handle(const wire::sum& message) {
  if (!term_->sum) {
    term_->sum = std::make_shared<GradientLease>(gradients_->lease());
  }
  if (message.block >= blocks_ || term_->has_block[message.block] ||
      message.values.size() != block_of(sum(), message.block).size() ||
      owner_of(message.block).machine == settings_.machine) {
    fail("a block's sum came that was not expected");
    return;
  }
  std::ranges::copy(message.values.span(), block_of(sum(), message.block).begin());
  put_sum(message.block, std::bit_cast<double>(message.norm_bits));
}

void exchange::put_sum(std::uint32_t block, double squared_norm) {
  term_->squared_norms[block] = squared_norm;
  term_->has_block[block] = true;
  if (--term_->blocks_missing == 0) {
    report_gathered();
  }
}

void exchange::take_credit(std::uint32_t blocks) {
  for (auto& [machine, link] : links_) {
    if (link.peer().pointer() == current_sender()) {
      link.credit(*this, blocks);
      return;
    }
  }
}

void exchange::report_gathered() {
  term_->is_gathered = true;
  std::vector<wire::NodeLoss> nodes;
  for (const auto& own : step_->sums) {
    nodes.push_back({own.range.first, own.range.last,
                     std::bit_cast<std::uint64_t>(own.loss.negative_log_likelihood),
                     own.loss.valid_tokens});
  }
  settings_.coordinator.send(
      *this,
      wire::gathered{term_->plan.term, settings_.machine, step_->weights_hash, step_->computed,
                     static_cast<std::uint64_t>(step_->computing_time.count()), std::move(nodes)});
}

// -- the end of a step -----------------------------------------------------------------------

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
  is_applying_ = true;
  request(settings_.optimizer, caf::infinite,
          apply{here_, Moved(std::move(sum)), message.valid_tokens, true, false, std::move(norms)})
      .then([this](const optimizer_complete& proof) { applied(proof); },
            [this, term](const caf::error& error) {
              settings_.coordinator.send(
                  *this, wire::failed{term, settings_.machine, to_string(to_error(error))});
              quit(caf::exit_reason::user_shutdown);
            });
}

void exchange::applied(const optimizer_complete& proof) {
  is_applying_ = false;
  weights_ = proof.weights();
  here_.version = proof.envelope().version;
  ++here_.step;
  if (later_plan_) {
    take_plan(*std::exchange(later_plan_, std::nullopt));
  }
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

void exchange::fail(const std::string& reason) {
  settings_.coordinator.send(*this,
                             wire::failed{term_ ? term_->plan.term : 0, settings_.machine, reason});
}

}  // namespace nodezero::actors
