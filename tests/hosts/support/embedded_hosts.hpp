// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// A trainer of a host program and its hosts, which are threads of this process.

#include <condition_variable>
#include <fstream>
#include <future>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "nodezero/hosts.hpp"
#include "nodezero/multilayer_perceptron.hpp"
#include "program/support/program.hpp"
#include "runtime/network/secret.hpp"

namespace nodezero::test {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

inline Examples examples_of(std::uint64_t index) {
  Examples examples;
  for (std::uint64_t i = 0; i < 8; ++i) {
    const float x = static_cast<float>((index * 37 + i * 11) % 100) / 50 - 1;
    examples.inputs.push_back(x);
    examples.targets.push_back(x * x);
  }
  return examples;
}

inline MultilayerPerceptron small_model() {
  return MultilayerPerceptron({1, 32, 1});
}

/// Two epochs of four steps of six micro-batches, from a function.
inline TrainerOptions small_options() {
  TrainerOptions options;
  options.running = Running::own_threads;
  options.spheres = 3;
  options.micro_batches = 6;
  options.steps_in_epoch = 4;
  options.total_steps = 8;
  options.optimizer.learning_rate = 1e-2;
  options.batches = [](std::uint64_t epoch, std::uint64_t step, std::uint32_t position) {
    return AnyValue::of(examples_of(24 * epoch + 6 * step + position));
  };
  return options;
}

/// The state after all steps.
inline SavedState finish(Trainer& trainer, std::uint64_t steps) {
  EXPECT_TRUE(trainer.wait_for_steps(steps, 60s));
  EXPECT_EQ(trainer.status().failure, "");
  auto state = trainer.save();
  EXPECT_TRUE(state);
  return state.value_or(SavedState{});
}

inline SavedState state_alone(TrainerOptions options) {
  auto trainer = Trainer::create(small_model(), std::move(options));
  EXPECT_TRUE(trainer);
  return finish(*trainer, 8);
}

/// Lines that somebody says, on any thread.
class Lines {
 public:
  void add(const std::string& line) {
    const std::lock_guard lock(mutex_);
    text_ += line + "\n";
    changed_.notify_all();
  }
  std::size_t count(const std::string& part) const {
    const std::lock_guard lock(mutex_);
    return count_in_text(part);
  }
  /// Until a line with the part was said so many times.
  bool wait_for(const std::string& part, std::size_t times) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 60s, [&] { return count_in_text(part) >= times; });
  }
  void clear() {
    const std::lock_guard lock(mutex_);
    text_.clear();
  }
  std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  std::size_t count_in_text(const std::string& part) const {
    std::size_t found = 0;
    for (auto at = text_.find(part); at != std::string::npos; at = text_.find(part, at + 1)) {
      ++found;
    }
    return found;
  }

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::string text_;
};

class EmbeddedHosts : public ::testing::Test {
 protected:
  EmbeddedHosts() {
    std::ofstream(secret()) << runtime::network::new_secret().value();
    fs::permissions(secret(), fs::perms::owner_read | fs::perms::owner_write);
  }
  ~EmbeddedHosts() override {
    stop_.request_stop();
    for (auto& host : hosts_) {
      host.wait();
    }
  }

  fs::path secret() const { return folder_ / "run.secret"; }
  ListenOptions listening(std::uint32_t hosts) {
    ListenOptions options;
    options.address = "127.0.0.1:0";
    options.credentials.secret = secret();
    options.hosts = hosts;
    options.wait = 60s;
    options.on_address = [this](const std::string& address) { address_ = address; };
    return options;
  }
  HostOptions hosting(const std::string& name) {
    HostOptions options;
    options.connect = address_;
    options.credentials.secret = secret();
    options.name = name;
    options.threads = 1;
    options.wait = 60s;
    options.on_notice = [this](const std::string& line) { said_.add(line); };
    options.stop = stop_.get_token();
    return options;
  }
  /// A trainer that hosts can connect to.
  template <class Model>
  Trainer root(Model model, TrainerOptions options, std::uint32_t hosts) {
    auto machines = listen(listening(hosts));
    EXPECT_TRUE(machines) << machines.error().message;
    options.machines = machines.value_or(nullptr);
    options.on_notice = [this](const std::string& line) { notices_.add(line); };
    auto trainer = Trainer::create(std::move(model), std::move(options));
    EXPECT_TRUE(trainer) << trainer.error().message;
    return std::move(*trainer);
  }
  template <class Model>
  void lend(Model model, HostOptions options) {
    hosts_.push_back(
        std::async(std::launch::async, [model, options = std::move(options)]() mutable {
          return host(std::move(model), std::move(options));
        }));
  }

  Folder folder_;
  std::string address_;
  Lines notices_;  ///< the root's
  Lines said_;     ///< by hosts
  std::stop_source stop_;
  std::vector<std::future<Result<void>>> hosts_;
};

}  // namespace nodezero::test
