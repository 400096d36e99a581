// SPDX-License-Identifier: BSD-3-Clause
#include "actors/hosts/fetch_state.hpp"

#include <chrono>
#include <future>
#include <optional>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "actors/hosts/messages.hpp"
#include "actors/hosts/state_transfer.hpp"
#include "formats/printable_text.hpp"
#include "runtime/own_threads.hpp"
#include "runtime/recorded.hpp"
#include "runtime/system_config.hpp"

namespace nodezero::actors {
namespace {

using Fetched = Result<StateOfRun>;

using state_fetcher_actor =
    caf::typed_actor<Accepts<patience_tick>, Accepts<wire::refused>, Accepts<wire::admitted>,
                     Accepts<wire::run_file>, Accepts<wire::state_block>, Accepts<wire::state_end>>;

/// Asks a state_keeper, and takes what it sends.
class state_fetcher : public runtime::recorded<state_fetcher_actor::base> {
 public:
  state_fetcher(caf::actor_config& config, runtime::Peer keeper, std::string next_root,
                std::chrono::seconds patience, std::function<void(Fetched)> on_end)
      : recorded(config),
        keeper_(std::move(keeper)),
        next_root_(std::move(next_root)),
        patience_(patience),
        on_end_(std::move(on_end)) {}

  const char* name() const override { return "state_fetcher"; }
  void on_exit() override {
    keeper_ = {};
    if (on_end_) {
      std::exchange(on_end_, nullptr)(fail(ErrorCode::failed, "fetching the state ended early"));
    }
  }

 protected:
  behavior_type make_behavior() override {
    set_down_handler([this](const caf::down_msg&) {
      end(fail(ErrorCode::io, "the connection to the host was lost"));
    });
    monitor(caf::actor_cast<caf::actor>(keeper_.pointer()));
    keeper_.send(*this, wire::want_state{wire::protocol_digest(), next_root_,
                                         caf::actor_cast<caf::strong_actor_ptr>(this)});
    delayed_send(this, patience_, patience_tick{});
    return {
        [this](const patience_tick&) {
          if (std::exchange(has_news_, false)) {
            delayed_send(this, patience_, patience_tick{});
          } else {
            end(fail(ErrorCode::timed_out, "the host says nothing any more"));
          }
        },
        [this](const wire::refused& message) {
          end(fail(ErrorCode::failed, "the host gives no state away: " + message.reason));
        },
        [this](const wire::admitted& message) {
          auto told = decode(message.settings);
          if (!told) {
            end(tl::unexpected(told.error()));
            return;
          }
          if (!message.model.empty()) {
            end(fail(ErrorCode::invalid_argument,
                     fmt::format("the host has the state of {}, which nodezero train does not "
                                 "train; resume it in a program that does",
                                 formats::escaped_name(message.model))));
            return;
          }
          state_.told = std::move(*told);
          incoming_.emplace(model::gpt2_model(state_.told.training));
        },
        [this](const wire::run_file& message) { state_.files[message.name] = message.content; },
        [this](const wire::state_block& message) {
          has_news_ = true;
          keeper_.send(*this, wire::credit{1});
          if (!incoming_) {
            return;
          }
          if (const auto taken = incoming_->put(message); !taken) {
            end(tl::unexpected(taken.error()));
          }
        },
        [this](const wire::state_end& message) { finish(message); },
    };
  }

 private:
  void finish(const wire::state_end& message) {
    if (!incoming_) {
      return;
    }
    const auto progress = incoming_->end(message);
    if (!progress) {
      end(tl::unexpected(progress.error()));
      return;
    }
    state_.progress = *progress;
    state_.weights = std::move(incoming_->weights);
    state_.optimizer = std::move(incoming_->optimizer);
    end(std::move(state_));
  }

  void end(Fetched result) {
    if (on_end_) {
      std::exchange(on_end_, nullptr)(std::move(result));
      quit();
    }
  }

  runtime::Peer keeper_;
  std::string next_root_;
  std::chrono::seconds patience_;
  std::function<void(Fetched)> on_end_;
  bool has_news_ = false;
  StateOfRun state_;
  std::optional<IncomingState> incoming_;
};

struct FetchConfig : caf::actor_system_config {
  FetchConfig(std::shared_ptr<runtime::OwnThreads> threads, runtime::NetworkAccess& network) {
    runtime::configure(*this, runtime::Scheduling::own_threads);
    runtime::run_on_threads(*this, std::move(threads));
    wire::register_messages(*this);
    network.configure(*this);
  }
};

/// A host listens again only when it has noticed that its root is gone. Whoever listens and does
/// not let this process in will not do so a moment later either.
Result<caf::strong_actor_ptr> connect_to_keeper(caf::actor_system& system,
                                                const FetchSettings& settings) {
  const auto until = std::chrono::steady_clock::now() + settings.until_it_listens;
  for (;;) {
    auto keeper = settings.network->connect(system, settings.host);
    if (keeper || keeper.error().code != ErrorCode::not_found ||
        std::chrono::steady_clock::now() >= until) {
      return keeper;
    }
    // Nobody tells a process that another one has begun to listen: it can only ask again.
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

}  // namespace

Result<StateOfRun> fetch_state(const FetchSettings& settings) {
  auto threads = runtime::OwnThreads::start(1);
  if (!threads) {
    return tl::unexpected(threads.error());
  }
  FetchConfig config(std::move(*threads), *settings.network);
  caf::actor_system system(config);
  const auto keeper = connect_to_keeper(system, settings);
  Fetched result = keeper ? Fetched() : tl::unexpected(keeper.error());
  if (keeper) {
    const auto fetched = std::make_shared<std::promise<Fetched>>();
    system.spawn<state_fetcher>(runtime::Peer(*keeper), settings.network->own_address(),
                                settings.patience,
                                [fetched](Fetched state) { fetched->set_value(std::move(state)); });
    result = fetched->get_future().get();
  }
  settings.network->close();
  return result;
}

}  // namespace nodezero::actors
