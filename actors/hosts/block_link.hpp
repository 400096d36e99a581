// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <utility>
#include <variant>

#include "actors/wire.hpp"

namespace nodezero::actors {

/// Sends blocks to one machine, no more of them at a time than have credit: whoever is slow or has
/// stopped makes nobody grow. What waits here is shared with its sender and takes no memory.
class BlockLink {
 public:
  /// 4 MiB under way: enough to fill a link, little enough that other messages do not wait long.
  static constexpr std::uint32_t most_under_way = 16;

  using Block = std::variant<wire::part, wire::sum, wire::state_block, wire::state_end>;

  explicit BlockLink(runtime::Peer peer) : peer_(std::move(peer)) {}

  const runtime::Peer& peer() const { return peer_; }

  template <class Sender>
  void send(Sender& sender, Block block) {
    waiting_.push_back(std::move(block));
    pump(sender);
  }

  /// Credit came back.
  template <class Sender>
  void credit(Sender& sender, std::uint32_t blocks) {
    under_way_ -= std::min(blocks, under_way_);
    pump(sender);
  }

  /// Forgets what has not been sent. What is under way keeps its place.
  void drop_waiting() { waiting_.clear(); }
  /// Nothing waits and all that was sent has been taken.
  bool is_idle() const { return waiting_.empty() && under_way_ == 0; }

 private:
  template <class Sender>
  void pump(Sender& sender) {
    while (under_way_ < most_under_way && !waiting_.empty()) {
      std::visit([&](auto& block) { peer_.send(sender, std::move(block)); }, waiting_.front());
      waiting_.pop_front();
      ++under_way_;
    }
  }

  runtime::Peer peer_;
  std::deque<Block> waiting_;
  std::uint32_t under_way_ = 0;
};

}  // namespace nodezero::actors
