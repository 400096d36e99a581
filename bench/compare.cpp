// SPDX-License-Identifier: BSD-3-Clause

// Runs `nodezero bench --json` and another program in turn, on the same shapes, and prints the
// medians and the median of the ratios pair by pair: a machine whose speed drifts disturbs
// both of a pair alike. The other program takes --config, --threads and --seconds and prints
// one JSON line with config and tokens_per_second.
//
//   compare --program build/release/nodezero --peer PROGRAM [--peer-options "--compile"]
//           [--config A --config B] [--pairs 5] [--threads 2] [--seconds 6]
#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace {

/// The last line of what a command prints, as JSON. @throws std::runtime_error
nlohmann::json run(const std::string& command) {
  const auto close = [](FILE* file) { pclose(file); };
  const std::unique_ptr<FILE, decltype(close)> pipe(popen(command.c_str(), "r"), close);
  std::string output;
  std::array<char, 4096> buffer{};
  while (pipe && std::fgets(buffer.data(), buffer.size(), pipe.get())) {
    output += buffer.data();
  }
  while (!output.empty() && output.back() == '\n') {
    output.pop_back();
  }
  const auto last_line = output.substr(output.rfind('\n') + 1);
  auto json = nlohmann::json::parse(last_line, nullptr, false);
  if (!json.is_object() || !json.contains("tokens_per_second")) {
    throw std::runtime_error("no JSON line came from: " + command);
  }
  return json;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct Options {
  std::string program = "build/release/nodezero";
  std::string program_options;
  std::string peer;
  std::vector<std::string> peer_options{""};
  std::vector<std::string> configs{"A", "B", "C64", "C1024"};
  int pairs = 5;
  int threads = 2;
  double seconds = 6;
};

/// One line of the table: the peer's best mode counts, mode by mode over all pairs.
void compare(const Options& options, const std::string& config) {
  const std::string arguments = fmt::format(" --config {} --threads {} --seconds {} ", config,
                                            options.threads, options.seconds);
  std::vector<double> ours;
  std::vector<double> products;  // their time as a share of the step's
  std::vector<std::vector<double>> theirs(options.peer_options.size());
  for (int pair = 0; pair < options.pairs; ++pair) {
    const auto own = run(options.program + " bench --json" + arguments + "--spheres 2 " +
                         options.program_options + " 2>/dev/null");
    ours.push_back(own["tokens_per_second"]);
    products.push_back(own["share_of_products"]);
    for (std::size_t mode = 0; mode < theirs.size(); ++mode) {
      theirs[mode].push_back(run(options.peer + arguments + options.peer_options[mode] +
                                 " 2>/dev/null")["tokens_per_second"]);
    }
  }
  std::size_t best = 0;
  for (std::size_t mode = 1; mode < theirs.size(); ++mode) {
    best = median(theirs[mode]) > median(theirs[best]) ? mode : best;
  }
  std::vector<double> ratios;
  for (std::size_t pair = 0; pair < ours.size(); ++pair) {
    ratios.push_back(ours[pair] / theirs[best][pair]);
  }
  // Were there nothing but the products, the rest being equal, the ratio would be this.
  const double share = median(products);
  fmt::print(
      "| {:5} | {:>8.0f} | {:>8.0f} | {:<20} | {:.2f} | {:.2f} to {:.2f} | {:.0f} % | {:.2f} |\n",
      config, median(ours), median(theirs[best]), options.peer_options[best], median(ratios),
      *std::min_element(ratios.begin(), ratios.end()),
      *std::max_element(ratios.begin(), ratios.end()), 100 * share, median(ratios) / share);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Compare the speed of training steps with another program's");
  app.add_option("--program", options.program, "nodezero");
  app.add_option("--program-options", options.program_options, "Further options of nodezero bench");
  app.add_option("--peer", options.peer, "The other program")->required();
  app.add_option("--peer-options", options.peer_options, "A mode of the other program; repeatable");
  app.add_option("--config", options.configs, "A, B, C64 or C1024; repeatable");
  app.add_option("--pairs", options.pairs)->check(CLI::PositiveNumber);
  app.add_option("--threads", options.threads)->check(CLI::PositiveNumber);
  app.add_option("--seconds", options.seconds)->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  try {
    fmt::print(
        "| shape | nodezero tokens/s | peer tokens/s | peer's best mode | ratio | of pairs | "
        "products alone | ratio they would allow |\n|---|---|---|---|---|---|---|---|\n");
    for (const auto& config : options.configs) {
      compare(options, config);
    }
  } catch (const std::exception& error) {
    fmt::print(stderr, "compare: {}\n", error.what());
    return 1;
  }
  return 0;
}
