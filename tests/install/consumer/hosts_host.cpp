// SPDX-License-Identifier: BSD-3-Clause

// A trainer with another machine, which is a thread of this program.

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nodezero/hosts.hpp>
#include <nodezero/multilayer_perceptron.hpp>
#include <string>
#include <thread>

#include "nodezero/version.h"

static_assert(NODEZERO_VERSION_MAJOR == 0 && NODEZERO_VERSION_MINOR == 1);

int main() {
  namespace fs = std::filesystem;
  std::ofstream("run.secret") << "nodezero-secret-1 " << std::string(64, '7') << "\n";
  fs::permissions("run.secret", fs::perms::owner_read | fs::perms::owner_write);
  const nodezero::MultilayerPerceptron model({1, 8, 1});

  std::string address;
  bool has_host = false;
  nodezero::ListenOptions listening;
  listening.address = "127.0.0.1:0";
  listening.credentials.secret = "run.secret";
  listening.hosts = 1;
  listening.on_address = [&](const std::string& where) { address = where; };
  nodezero::TrainerOptions options;
  options.running = nodezero::Running::own_threads;
  options.micro_batches = 4;
  options.total_steps = 5;
  options.batches = [](std::uint64_t, std::uint64_t step, std::uint32_t position) {
    const float x = 0.1f * static_cast<float>(4 * step + position);
    return nodezero::AnyValue::of(nodezero::Examples{{x}, {x * x}});
  };
  options.on_notice = [&](const std::string& line) {
    has_host = has_host || line.find("is ready") != std::string::npos;
  };
  options.machines = nodezero::listen(listening).value();
  auto trainer = nodezero::Trainer::create(model, options).value();

  std::thread other([&] {
    nodezero::HostOptions hosting;
    hosting.connect = address;
    hosting.credentials.secret = "run.secret";
    hosting.threads = 1;
    if (const auto end = nodezero::host(model, hosting); !end) {
      std::printf("the host has failed: %s\n", end.error().message.c_str());
      std::exit(1);
    }
  });
  const auto status = trainer.wait_for_steps(5, std::chrono::minutes(1)).value();
  const auto closed = trainer.close();
  other.join();
  std::printf("%d steps%s\n", static_cast<int>(status.steps), has_host ? " on two machines" : "");
  return status.steps == 5 && closed && has_host ? 0 : 1;
}
