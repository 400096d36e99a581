// SPDX-License-Identifier: BSD-3-Clause

// The blocks that exchanges send each other, and what is added here.

#include <algorithm>
#include <bit>
#include <utility>

#include "actors/hosts/exchange.hpp"
#include "actors/hosts/state_of_run.hpp"
#include "model/tensors/fnv.hpp"

namespace nodezero::actors {

BlockLink& exchange::link_to(const wire::Member& member) {
  return links_.try_emplace(member.machine, runtime::Peer(member.exchange)).first->second;
}

void exchange::send_parts(const OwnSum& own) {
  if (!term_->is_mine(own.range)) {
    return;  // another machine gives it, or it was only looked at
  }
  const auto& members = term_->plan.members;
  if (members.size() == 1 && own.range == step_->tree().root() &&
      own.squared_norms.size() == blocks_) {
    // Alone, and all of it is here: nothing is copied.
    term_->sum = own.gradient;
    term_->squared_norms = own.squared_norms;
    term_->blocks_missing = 0;
    report_if_gathered();
    return;
  }
  // Not all machines begin with the same owner.
  const std::size_t first = settings_.machine % members.size();
  for (std::size_t i = 0; i < blocks_ && term_; ++i) {
    const auto block = static_cast<std::uint32_t>((first + i) % blocks_);
    const auto& owner = owner_of(block);
    if (owner.machine == settings_.machine) {
      put_part(block, own.range, view_of(own.gradient, block));
    } else {
      link_to(owner).send(*this, wire::part{term_->plan.term,
                                            block,
                                            {own.range.first, own.range.last},
                                            view_of(own.gradient, block)});
    }
  }
}

template <class Message>
void exchange::take_block(const Message& message) {
  const runtime::Peer sender(current_sender());
  ++blocks_taken_;
  if (message.term > last_term_) {
    early_.push_back({message, sender});
    return;
  }
  sender.send(*this, wire::credit{1});
  if (term_ && message.term == term_->plan.term) {
    handle(message);
  }
}

template void exchange::take_block(const wire::part&);
template void exchange::take_block(const wire::sum&);

void exchange::handle(const wire::part& part) {
  if (part.block >= blocks_ || owner_of(part.block).machine != settings_.machine) {
    fail("a block came that another machine adds");
    return;
  }
  put_part(part.block, {part.range.first, part.range.last}, part.values);
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
                                     view_of(term_->sum, block)});
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
  term_->sum_hash +=
      hash_of_block(sum(), block) ^ model::fnv(block, std::bit_cast<std::uint64_t>(squared_norm));
  term_->has_block[block] = true;
  if (--term_->blocks_missing == 0) {
    report_if_gathered();
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

}  // namespace nodezero::actors
