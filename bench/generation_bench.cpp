// SPDX-License-Identifier: BSD-3-Clause

// How fast a model continues a prompt on one core: tokens a second of Generator with its
// key-value cache, and of the prompt itself, whose tokens pass the matrix products together.
// Weights are drawn at random, which changes nothing about the work.
//   generation_bench [--config A] [--precision bf16] [--prompt 32] [--tokens 400]
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/nodezero/bench/bench_shapes.hpp"
#include "model/gpt2/generation.hpp"
#include "model/gpt2/gpt2.hpp"
#include "model/gpt2/gpt2_layout.hpp"
#include "model/kernels/floating_point_scope.hpp"

int main(int argc, char** argv) {
  using namespace nodezero;
  using Clock = std::chrono::steady_clock;
  std::string config = "A";
  std::size_t prompt_tokens = 32;
  int tokens = 400;
  CLI::App app("Time generation on one core");
  app.add_option("--config", config)->check(CLI::IsMember({"A", "B", "C64", "C1024"}));
  app.add_option("--prompt", prompt_tokens, "Tokens of the prompt")->check(CLI::PositiveNumber);
  app.add_option("--tokens", tokens, "Tokens to generate")->check(CLI::PositiveNumber);
  std::string precision = "fp32";
  app.add_option("--precision", precision)->check(CLI::IsMember({"fp32", "bf16"}));
  CLI11_PARSE(app, argc, argv);

  const model::FloatingPointScope scope;
  const model::ModelConfig shape = apps::find_bench_shape(config)->model;
  auto weights = std::make_shared<model::Parameters>(model::gpt2_layout(shape));
  model::initialize(shape, 1, *weights);
  const std::vector<std::int32_t> prompt(prompt_tokens, 1);
  const auto seconds_since = [](Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
  };
  std::vector<double> first, rest;
  for (int round = 0; round < 5; ++round) {
    model::Generator generator(
        shape, weights, prompt, {},
        precision == "bf16" ? model::Precision::bf16 : model::Precision::fp32);
    auto begin = Clock::now();
    generator.next();
    first.push_back(seconds_since(begin));
    begin = Clock::now();
    for (int i = 1; i < tokens; ++i) {
      generator.next();
    }
    rest.push_back(seconds_since(begin));
  }
  std::sort(first.begin(), first.end());
  std::sort(rest.begin(), rest.end());
  fmt::print("{} in {}: prompt {:.0f} tokens/s, then {:.0f} tokens/s\n", config, precision,
             static_cast<double>(prompt_tokens) / first[2], (tokens - 1) / rest[2]);
  return 0;
}
