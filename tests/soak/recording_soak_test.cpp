// SPDX-License-Identifier: BSD-3-Clause

// A million messages between a hundred actors on all threads, recorded into a buffer that is
// much smaller than the trace.

#include <bitset>
#include <filesystem>
#include <latch>
#include <map>
#include <random>
#include <unordered_map>
#include <vector>

#include <gtest/gtest.h>

#include "runtime/inspect/causal_order.hpp"
#include "runtime/recorded.hpp"
#include "runtime/system_config.hpp"
#include "runtime/trace/trace_file.hpp"

namespace nodezero::runtime {

/// Goes from actor to actor; who is next depends on the way it has come.
struct Ball {
  std::uint64_t way = 0;
  std::uint32_t hops = 0;
};

struct Teams {
  std::vector<caf::actor> players;
};

}  // namespace nodezero::runtime

NODEZERO_LOCAL_MESSAGE(nodezero::runtime::Ball)
NODEZERO_LOCAL_MESSAGE(nodezero::runtime::Teams)

namespace nodezero::runtime {
namespace {

using trace::Event;
using trace::Kind;
using trace::Recorder;
using trace::Trace;

constexpr std::uint32_t player_count = 100;
constexpr std::uint32_t balls = 1'000;
constexpr std::uint32_t hops = 1'000;
constexpr std::size_t buffer_bytes = std::size_t{2} << 20;

class player : public recorded<caf::event_based_actor> {
 public:
  player(caf::actor_config& config, std::latch& landed) : recorded(config), landed_(landed) {}
  const char* name() const override { return "player"; }
  void on_exit() override { players_.clear(); }

 protected:
  caf::behavior make_behavior() override {
    return {
        [this](const Teams& message) { players_ = message.players; },
        [this](const Ball& ball) {
          if (ball.hops == 0) {
            landed_.count_down();
            return;
          }
          const std::uint64_t way = ball.way * 6364136223846793005u + 1442695040888963407u;
          send(players_[(way >> 33) % players_.size()], Ball{way, ball.hops - 1});
        },
    };
  }

 private:
  std::latch& landed_;
  std::vector<caf::actor> players_;
};

/// Plays until every ball has landed, then ends all players while more balls fly.
void play(Recorder& recorder) {
  std::latch landed(balls);
  caf::actor_system_config config;
  configure(config, Scheduling::threads, 4);
  attach_recorder(config, recorder);
  caf::actor_system system(config);
  std::vector<caf::actor> players;
  for (std::uint32_t i = 0; i < player_count; ++i) {
    const bool has_thread = i % 20 == 0;
    players.push_back(has_thread ? system.spawn<player, caf::detached>(landed)
                                 : system.spawn<player>(landed));
  }
  for (const auto& each : players) {
    caf::anon_send(each, Teams{players});
  }
  const auto serve = [&](std::uint32_t most_hops) {
    for (std::uint32_t i = 0; i < balls; ++i) {
      caf::anon_send(players[i % player_count], Ball{i * 7919u, most_hops});
    }
  };
  serve(hops);
  landed.wait();
  serve(0xffffffff);
  for (const auto& each : players) {
    caf::anon_send_exit(each, caf::exit_reason::kill);
  }
}

void expect_each_message_once(const Trace& trace) {
  struct Fate {
    int sent = 0;
    int over = 0;
  };
  std::unordered_map<std::uint64_t, Fate> fates;
  std::size_t handled = 0;
  std::size_t dropped = 0;
  for (const auto& event : trace.events) {
    if (event.message == 0) {
      continue;
    }
    auto& fate = fates[event.message];
    if (event.kind == Kind::send) {
      ++fate.sent;
    } else {
      ASSERT_EQ(fate.sent, 1) << "before it was sent";
      const bool is_over = event.kind != Kind::begin;
      fate.over += is_over;
      handled += event.kind == Kind::end;
      dropped += event.kind == Kind::drop;
    }
  }
  for (const auto& [id, fate] : fates) {
    ASSERT_EQ(fate.sent, 1);
    ASSERT_EQ(fate.over, 1);
  }
  EXPECT_GE(handled, std::size_t{balls} * (hops + 1) + player_count);
  EXPECT_GT(dropped, 0u);
}

/// Happened-before among `count` events from `first` on, as the transitive closure of "next of
/// the same actor" and "sent, then handled". A way between two of them leads through no other
/// event, because the order of the trace respects causality.
template <std::size_t count>
std::vector<std::bitset<count>> slow_past(const Trace& trace, std::uint32_t first) {
  std::vector<std::bitset<count>> past(count);
  std::map<std::uint32_t, std::size_t> last_of_actor;
  std::map<std::uint64_t, std::size_t> sends;
  for (std::size_t i = 0; i < count; ++i) {
    const Event& event = trace.event(static_cast<std::uint32_t>(first + i));
    const auto follow = [&](const auto& found, const auto& map) {
      if (found != map.end()) {
        past[i] |= past[found->second];
        past[i].set(found->second);
      }
    };
    follow(last_of_actor.find(event.actor), last_of_actor);
    last_of_actor[event.actor] = i;
    if (event.kind == Kind::send) {
      sends[event.message] = i;
    } else if (event.kind == Kind::begin) {
      follow(sends.find(event.message), sends);
    }
  }
  return past;
}

void expect_same_order_as_slow(const Trace& trace) {
  constexpr std::size_t window = 4'000;
  const inspect::CausalOrder order(trace);
  std::mt19937 random(1);
  std::size_t before = 0;
  std::size_t concurrent = 0;
  for (std::uint32_t part = 1; part <= 8; ++part) {
    const auto first = static_cast<std::uint32_t>(trace.events.size() / 10 * part);
    const auto past = slow_past<window>(trace, first);
    for (int sample = 0; sample < 2'000; ++sample) {
      const auto a = static_cast<std::uint32_t>(random() % window);
      const auto b = static_cast<std::uint32_t>(random() % window);
      const bool expected = past[b][a];
      ASSERT_EQ(order.happened_before(first + a, first + b), expected)
          << first + a << " and " << first + b;
      before += expected;
      concurrent += a < b && !expected;
    }
  }
  // Both kinds of pairs were among the samples.
  EXPECT_GT(before, 300u);
  EXPECT_GT(concurrent, 300u);
}

TEST(RecordingSoak, AMillionMessagesOfAHundredActorsAreAllThere) {
  const auto path = std::filesystem::path(::testing::TempDir()) / "nodezero_soak.nztrace";
  auto recorder = Recorder::make({.file = path,
                                  .buffer_bytes = buffer_bytes,
                                  .when_full = Recorder::WhenFull::wait,
                                  .catalogue = {},
                                  .about = {},
                                  .warn = {}});
  ASSERT_TRUE(recorder) << recorder.error().message;
  play(**recorder);
  ASSERT_TRUE((*recorder)->close());
  EXPECT_EQ((*recorder)->lost(), 0u);
  const auto trace = trace::read_trace(path);
  const auto bytes = std::filesystem::file_size(path);
  std::filesystem::remove(path);
  ASSERT_TRUE(trace) << trace.error().message;
  EXPECT_TRUE(trace->completeness.complete());
  EXPECT_EQ(trace->actors.size(), player_count + 1);
  RecordProperty("events", std::to_string(trace->events.size()));
  RecordProperty("bytes", std::to_string(bytes));
  expect_each_message_once(*trace);
  expect_same_order_as_slow(*trace);
}

}  // namespace
}  // namespace nodezero::runtime
