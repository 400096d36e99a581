// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <limits>
#include <tuple>
#include <utility>
#include <variant>

#include "actors/wire.hpp"

namespace nodezero::actors {

/// What was sent, and for how long some of it was under way.
struct Traffic {
  std::uint64_t bytes = 0;
  caf::actor_clock::duration_type time{};
};

/// Sends blocks to one machine, no more of them at a time than have credit: whoever is slow or has
/// stopped makes nobody grow. What waits here is shared with its sender and takes no memory.
class BlockLink {
 public:
  /// 4 MiB under way: enough to fill a link, little enough that other messages do not wait long.
  static constexpr std::uint32_t most_under_way = 16;

  using Block = std::variant<wire::part, wire::sum, wire::state_block, wire::state_end,
                             wire::missed_block, wire::missed_end>;

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
    blocks = std::min(blocks, under_way_);
    under_way_ -= blocks;
    arrived_ += blocks;
    if (blocks > 0 && under_way_ == 0) {
      measure(sender.clock().now() - since_);
    }
    pump(sender);
  }

  /// Forgets what has not been sent. What is under way keeps its place.
  void drop_waiting() { waiting_.clear(); }
  /// Nothing waits and all that was sent has been taken.
  bool is_idle() const { return waiting_.empty() && under_way_ == 0; }
  auto fields() const { return std::tie(peer_, waiting_, under_way_); }

  /// Blocks that were taken over there, and all that there are to send.
  std::uint64_t arrived() const { return arrived_; }
  std::uint64_t all() const { return arrived_ + under_way_ + waiting_.size(); }
  /// Since it was taken last.
  Traffic take_traffic() { return std::exchange(traffic_, {}); }

 private:
  /// A link below 0.8 Gbit/s is slower than compressing and expanding, on one core.
  static constexpr double packed_below = 100e6;               // bytes per second
  static constexpr std::uint64_t enough_to_tell = 1U << 20U;  // bytes

  /// The bytes that will cross; 0 of a block without numbers.
  std::uint64_t prepare(auto& block) const {
    if constexpr (requires { block.values; }) {
      if (rate_ < packed_below) {
        block.values = block.values.packed();
      }
      return block.values.bytes();
    }
    return 0;
  }

  /// Of all that was under way since nothing was.
  void measure(caf::actor_clock::duration_type time) {
    traffic_.time += time;
    const double seconds = std::chrono::duration<double>(time).count();
    if (burst_ >= enough_to_tell && seconds > 0) {
      rate_ = static_cast<double>(burst_) / seconds;
    }
    burst_ = 0;
  }

  template <class Sender>
  void pump(Sender& sender) {
    while (under_way_ < most_under_way && !waiting_.empty()) {
      if (under_way_++ == 0) {
        since_ = sender.clock().now();
      }
      std::visit(
          [&](auto& block) {
            const auto bytes = prepare(block);
            burst_ += bytes;
            traffic_.bytes += bytes;
            peer_.send(sender, std::move(block));
          },
          waiting_.front());
      waiting_.pop_front();
    }
  }

  runtime::Peer peer_;
  std::deque<Block> waiting_;
  std::uint32_t under_way_ = 0;
  std::uint64_t arrived_ = 0;
  Traffic traffic_;
  std::uint64_t burst_ = 0;                                ///< bytes since nothing was under way
  double rate_ = std::numeric_limits<double>::infinity();  ///< measured last, in bytes per second
  caf::actor_clock::time_point since_;                     ///< something is under way
};

}  // namespace nodezero::actors
