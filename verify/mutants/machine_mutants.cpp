// SPDX-License-Identifier: BSD-3-Clause

// Mutants of what machines say to each other: plans, blocks, commits, and the state for those that
// join.

#include "verify/mutants/mutant.hpp"

namespace nodezero::mutants {
namespace {

constexpr auto coordinator = "actors/hosts/coordinator.cpp";
constexpr auto backups = "actors/hosts/coordinator_backup.cpp";
constexpr auto admission = "actors/hosts/coordinator_hosts.cpp";
constexpr auto exchange = "actors/hosts/exchange.cpp";
constexpr auto blocks = "actors/hosts/exchange_blocks.cpp";
constexpr auto replica = "actors/hosts/exchange_replica.cpp";

}  // namespace

std::vector<Mutant> of_machines() {
  return {
      // Blocks
      {"block_of_old_term_taken",
       "a block of an earlier term is taken for one of the present term",
       "",
       {{blocks, "term_ && message.term == term_->plan.term", "term_.has_value()"}}},
      {"early_block_dropped",
       "a block that comes before its plan is dropped",
       "",
       {{blocks, "early_.push_back({message, sender});", ""}}},
      {"sum_sent_twice",
       "an owner hands out a block's sum twice",
       "",
       {{blocks,
         "link_to(member).send(*this, wire::sum{term_->plan.term, block, "
         "std::bit_cast<std::uint64_t>(norm), view_of(term_->sum, block)});",
         "for (int i = 0; i < 2; ++i) { link_to(member).send(*this, wire::sum{term_->plan.term, "
         "block, std::bit_cast<std::uint64_t>(norm), view_of(term_->sum, block)}); }"}}},
      {"sum_taken_twice",
       "a block's sum that comes again counts again",
       "",
       {{blocks, "term_->has_block[message.block]", "false"}},
       {"sum_sent_twice"}},
      {"gathered_too_early",
       "a machine says that it has every block when one is missing",
       "",
       {{blocks, "--term_->blocks_missing == 0", "--term_->blocks_missing <= 1"},
        {exchange, "!term_->is_gathered && term_->blocks_missing == 0",
         "!term_->is_gathered && term_->blocks_missing <= 1"}}},
      {"parts_of_survivors_dropped",
       "what survivors had sent to a dead owner is not sent to the new one",
       "",
       {{exchange, "for (const auto& own : step_->sums) { send_parts(own); }", ""}}},
      {"no_credit",
       "blocks that were taken are not answered with credit",
       "",
       {{blocks,
         "sender.send(*this, wire::credit{1}); if (term_ && message.term == term_->plan.term) { "
         "handle(message); }",
         "if (term_ && message.term == term_->plan.term) { handle(message); }"}}},

      // Plans
      {"plan_of_next_version_dropped",
       "a plan that comes before the update to its version is made is dropped",
       "",
       {{exchange, "later_plan_ = plan;", ""}}},
      {"lost_work_not_given",
       "the micro-batches of a lost machine are planned and not sent",
       "",
       {{coordinator, "send_work(members[i], more[i]);", ""}}},
      {"dead_machine_stays",
       "a lost machine stays a member of the step",
       "",
       {{coordinator, "members.erase(found);", ""}}},
      {"nodes_counted_twice",
       "the losses of an earlier term count as well",
       "",
       {{coordinator, "member.nodes.clear();", ""}}},

      // Backups
      {"both_answers_added",
       "the slow machine and its backup both give the sum of a node",
       "",
       {{blocks, "!term_->is_mine(own.range)", "false"}}},
      {"slow_one_keeps_its_part",
       "what a backup has computed stays the slow machine's as well",
       "",
       {{backups, "slow.ranges = std::move(kept);", ""}}},
      {"both_losses_counted",
       "the loss of a node that a backup gives is the slow machine's to tell as well",
       "",
       {{exchange, "term_->is_mine(own.range)", "true"}}},
      {"backup_is_nobodys",
       "what a backup has computed is taken from the slow machine and given to nobody",
       "",
       {{backups, "(is_missing ? helper.ranges : kept).push_back(node);",
         "if (!is_missing) { kept.push_back(node); }"}}},

      // Commits
      {"commit_too_early",
       "a step is committed when one machine has gathered",
       "",
       {{coordinator,
         "std::ranges::all_of(open_->members, &Member::has_gathered) && "
         "!put_out_those_that_differ()",
         "true"}}},
      {"gathered_of_old_term_counts",
       "a machine's word that it has gathered an earlier term counts",
       "",
       {{coordinator, "!open_ || message.term != open_->term || open_->committed",
         "!open_ || open_->committed"}}},
      {"gathered_kept_over_terms",
       "who had gathered when a machine was lost counts as having gathered the new term",
       "",
       {{coordinator, "member.has_gathered = false;", ""}}},

      // Joining
      {"missed_sum_not_sent",
       "a machine that gets the state is not told of the step that the others do meanwhile",
       "",
       {{admission, "host.standing == Standing::admitted || host.steps == progress_.step",
         "host.standing != Standing::ready || host.steps == progress_.step"}}},
      {"missed_sum_sent_to_all",
       "machines that took part in a step get its sum again",
       "",
       {{admission, "host.standing == Standing::admitted || host.steps == progress_.step",
         "host.standing == Standing::admitted"}}},
      {"dead_joiner_waited_for",
       "a machine that was lost while it got the state is waited for",
       "",
       {{admission, "if (is_planned) { plan_again(lost.machine); } else { go_on(); }",
         "if (is_planned) { plan_again(lost.machine); }"}}},

      // Keeping the state
      {"exported_at_another_step",
       "a host that has lost its root asks for its state as of the step before",
       "",
       {{replica, "export_state{here_}",
         "export_state{$on ? Envelope{here_.run, here_.epoch, here_.step - 1, here_.version} : "
         "here_}"}}},
      {"exported_with_old_progress",
       "a host takes its state for that of the update before",
       "",
       {{replica, "progress_ = progress_after_;", ""}}},
  };
}

}  // namespace nodezero::mutants
