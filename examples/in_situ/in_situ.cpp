// SPDX-License-Identifier: BSD-3-Clause

// A simulation with a loop of its own, from which a model learns while it runs and whose solver
// the model then replaces in a part of the grid.
//
//   in_situ [FOLDER]                          pictures go to FOLDER, by default the current one
//   in_situ [FOLDER] --listen ADDRESS SECRET  another machine learns as well
//   in_situ --connect ADDRESS SECRET          on that one

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "gray_scott.hpp"
#include "pictures.hpp"
#include "surrogate.hpp"

namespace {

constexpr int size = 96;
constexpr int runs = 8, steps_of_a_run = 1000;
constexpr int batches_of_a_step = 3;
constexpr Region everywhere{0, 0, size, size};

/// Root mean square difference of v and of u.
double error_of(const Fields& a, const Fields& b) {
  const float sum = (a.u - b.u).square().sum() + (a.v - b.v).square().sum();
  return std::sqrt(sum / static_cast<float>(2 * a.u.size()));
}

/// The simulation's loop, with the model as a guest; returns the time it has reached.
double learn(Surrogate& surrogate) {
  double time = 0;
  for (int run = 0; run < runs; ++run) {
    GrayScott simulation(size, static_cast<std::uint32_t>(run));
    for (int step = 0; step < steps_of_a_run; ++step) {
      const Fields before = simulation.fields();
      simulation.step();
      surrogate.learn(before, simulation.fields(), batches_of_a_step, 64);
      surrogate.advance_to(++time);
    }
    std::printf("simulation %d of %d: loss %.5f\n", run + 1, runs, surrogate.loss());
    std::fflush(stdout);
  }
  surrogate.finish(runs * steps_of_a_run);
  return time;
}

struct Errors {
  double surrogate = 0, persistence = 0;
  double ratio() const { return surrogate / persistence; }
};

/// After `steps` steps from states that the model has not seen, all cells predicted; persistence
/// says that nothing changes.
Errors rollout(Surrogate& surrogate, int steps) {
  Errors errors;
  for (std::uint32_t seed = 1000; seed < 1003; ++seed) {
    GrayScott truth(size, seed);
    for (int i = 0; i < 400; ++i) {
      truth.step();
    }
    const Fields start = truth.fields();
    Fields state = start;
    for (int i = 0; i < steps; ++i) {
      truth.step();
      const Fields before = state;
      surrogate.predict(before, state, everywhere);
    }
    errors.surrogate += error_of(state, truth.fields());
    errors.persistence += error_of(start, truth.fields());
  }
  return errors;
}

/// Watches a simulation whose solver the model replaces in the middle.
void replace(Surrogate& surrogate, const std::string& folder) {
  const Region region{size / 4, size / 4, size / 2, size / 2};
  GrayScott truth(size, 2000), hybrid(size, 2000);
  for (int step = 1; step <= 600; ++step) {
    truth.step();
    const Fields before = hybrid.fields();
    hybrid.step();
    if (step > 300) {
      surrogate.predict(before, hybrid.fields(), region);
    }
    if (step % 150 == 0) {
      const std::string path = folder + "/step-" + std::to_string(step) + ".png";
      write_comparison(path, truth.fields(), hybrid.fields(), region);
      std::printf("step %d: error %.5f, %s\n", step, error_of(truth.fields(), hybrid.fields()),
                  path.c_str());
    }
  }
}

/// What it costs the simulation to have a trainer that has nothing to do, in per cent.
double overhead(Surrogate& surrogate, double time) {
  const auto seconds_with = [&](bool has_trainer) {
    GrayScott simulation(size, 1);
    const auto begin = std::chrono::steady_clock::now();
    for (int step = 0; step < 200; ++step) {
      simulation.step();
      if (has_trainer) {
        surrogate.advance_to(++time);
      }
    }
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  double best_without = 1e9, best_with = 1e9;
  for (int round = 0; round < 5; ++round) {
    best_without = std::min(best_without, seconds_with(false));
    best_with = std::min(best_with, seconds_with(true));
  }
  return 100 * (best_with / best_without - 1);
}

int run(const std::string& folder, std::shared_ptr<nodezero::Machines> machines) {
  // One more than it will do, so that it is not finished but idle afterwards.
  Surrogate surrogate(runs * steps_of_a_run + 1, std::move(machines));
  std::filesystem::create_directories(folder);
  const double time = learn(surrogate);
  const auto losses = surrogate.losses();
  write_curve(folder + "/loss.png", losses);
  std::printf(
      "%zu steps of training, loss %.5f at first and %.5f in the end: %s/loss.png\n"
      "(it jumps where a simulation begins, whose first states are like no others)\n",
      losses.size(), losses.front(), losses.back(), folder.c_str());
  const Errors one = rollout(surrogate, 1), fifty = rollout(surrogate, 50);
  std::printf("error after one step: %.6f, of persistence %.6f: %.3f of it (at most 0.2)\n",
              one.surrogate, one.persistence, one.ratio());
  std::printf("error after 50 steps: %.6f, of persistence %.6f: %.3f of it (at most 0.5)\n",
              fifty.surrogate, fifty.persistence, fifty.ratio());
  std::printf(
      "pictures: the solver alone; with the model in the frame from step 300 on; ten times\n"
      "their difference\n");
  replace(surrogate, folder);
  if (!surrogate.has_own_threads()) {
    std::printf("an idle trainer costs the simulation %.2f %%\n", overhead(surrogate, time));
  }
  return one.ratio() <= 0.2 && fifty.ratio() <= 0.5 ? 0 : 1;
}

/// Learns on this machine and one other.
std::shared_ptr<nodezero::Machines> two_machines(const std::string& address,
                                                 const std::string& secret) {
  nodezero::ListenOptions options;
  options.address = address;
  options.credentials.secret = secret;
  options.hosts = 1;
  options.on_address = [](const std::string& where) {
    std::printf("in_situ --connect %s SECRET\n", where.c_str());
    std::fflush(stdout);
  };
  auto machines = nodezero::listen(options);
  if (!machines) {
    throw std::runtime_error(machines.error().message);
  }
  return std::move(*machines);
}

int lend(const std::string& address, const std::string& secret) {
  nodezero::HostOptions options;
  options.connect = address;
  options.credentials.secret = secret;
  options.on_notice = [](const std::string& line) { std::printf("%s\n", line.c_str()); };
  Surrogate::lend(std::move(options));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  try {
    if (words.size() == 3 && words[0] == "--connect") {
      return lend(words[1], words[2]);
    }
    const std::size_t options = words.empty() || words[0] == "--listen" ? 0 : 1;
    const std::string folder = options == 0 ? "." : words[0];
    if (words.size() == options) {
      return run(folder, nullptr);
    }
    if (words.size() == options + 3 && words[options] == "--listen") {
      return run(folder, two_machines(words[options + 1], words[options + 2]));
    }
    std::fprintf(stderr,
                 "usage: in_situ [FOLDER] [--listen ADDRESS SECRET]\n"
                 "       in_situ --connect ADDRESS SECRET\n");
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "in_situ: %s\n", error.what());
    return 1;
  }
}
