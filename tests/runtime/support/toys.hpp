// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/recorded.hpp"
#include "verify/explore/scenario.hpp"

namespace nodezero::verify::explore {

using namespace runtime;

struct Number {
  int value = 0;
};
struct Question {
  int value = 0;
};

}  // namespace nodezero::verify::explore

NODEZERO_LOCAL_MESSAGE(nodezero::verify::explore::Number)
NODEZERO_LOCAL_MESSAGE(nodezero::verify::explore::Question)

namespace nodezero::verify::explore {

/// Keeps what it gets and shows it to the test; what it does with it, the test says.
class toy : public recorded<caf::event_based_actor>, public Explorable {
 public:
  using Handler = std::function<void(toy&, int)>;
  struct Record {
    std::vector<int> got;
    bool keeps_order = true;  ///< else a later handler sees only the sum
  };

  toy(caf::actor_config& config, Record& record, Handler handler)
      : recorded(config), record_(record), handler_(std::move(handler)) {}

  const char* name() const override { return "toy"; }

  std::uint64_t state_digest(const ActorKeys&) const override {
    Fingerprint digest;
    int sum = 0;
    for (const int value : record_.got) {
      sum += value;
      digest.add(record_.keeps_order ? value : 0);
    }
    return digest.add(sum).value();
  }

 protected:
  caf::behavior make_behavior() override {
    return {
        [this](const Number& number) { handle(number.value); },
        [this](const Question& question) {
          handle(question.value);
          return Number{question.value};
        },
    };
  }

 private:
  void handle(int value) {
    record_.got.push_back(value);
    if (handler_) {
      handler_(*this, value);
    }
  }

  Record& record_;
  Handler handler_;
};

/// Toys, wired by a function.
class Toys : public Scenario {
 public:
  std::function<void(Toys&)> build;
  std::function<bool(const Toys&)> is_finished = [](const Toys&) { return true; };
  std::function<std::string(const Toys&)> rule = [](const Toys&) { return std::string(); };

  std::deque<toy::Record> records;
  std::vector<caf::actor> actors;
  caf::actor_system* system = nullptr;
  Network* network = nullptr;
  bool keeps_order = true;

  std::size_t spawn(toy::Handler handler = {}) {
    records.push_back({{}, keeps_order});
    actors.push_back(system->spawn<toy>(records.back(), std::move(handler)));
    network->settle();
    return actors.size() - 1;
  }
  void inject(std::size_t actor, int value, bool optional = false) {
    network->inject(caf::actor_cast<caf::strong_actor_ptr>(actors[actor]), caf::make_message_id(),
                    caf::make_message(Number{value}), optional);
  }
  void inject_exit(std::size_t actor) {
    const auto target = caf::actor_cast<caf::strong_actor_ptr>(actors[actor]);
    network->inject(target, caf::make_message_id(caf::message_priority::high),
                    caf::make_message(caf::exit_msg{target->address(), caf::exit_reason::kill}),
                    true);
  }

  void begin(caf::actor_system& in, Network& on) override {
    records.clear();
    system = &in;
    network = &on;
    build(*this);
  }
  void end() override { actors.clear(); }
  bool finished() const override { return is_finished(*this); }
  std::string violation() const override { return rule(*this); }
  std::uint64_t digest_of(const Delivery& delivery, const ActorKeys&) const override {
    if (const auto* number = delivery.as<Number>()) {
      return static_cast<std::uint64_t>(number->value);
    }
    const auto* question = delivery.as<Question>();
    return question ? static_cast<std::uint64_t>(question->value) : 0;
  }
};

}  // namespace nodezero::verify::explore
