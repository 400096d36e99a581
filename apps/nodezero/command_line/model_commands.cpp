// SPDX-License-Identifier: BSD-3-Clause
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/nodezero/bench/bench_command.hpp"
#include "apps/nodezero/command_line/command_option.hpp"
#include "apps/nodezero/command_line/commands.hpp"
#include "apps/nodezero/text/digest_command.hpp"
#include "apps/nodezero/text/evaluate_command.hpp"
#include "apps/nodezero/text/generate_command.hpp"
#include "apps/nodezero/topology/topology_drawing.hpp"
#include "apps/nodezero/train/train_command.hpp"

namespace nodezero::apps {

namespace {

/// An option of a command that `train` has not.
OptionSpec own(const char* name, double least, double most, const char* description) {
  return {name, "OPTIONS", OnResume::may_change, least, most, description};
}

void add_train(CLI::App& program) {
  auto* command = program.add_subcommand("train", "Train a model on text");
  const auto request = std::make_shared<TrainRequest>();
  command->add_flag("--resume", request->resume,
                    "Go on with the run in --out; its options are known and may be left out");
  command->add_flag("--plan", request->plan,
                    "Print parameters, memory, steps and an estimate of the time; train nothing");
  command
      ->add_option("--config", request->config,
                   "TOML or INI file of these options; the command line is stronger")
      ->type_name("FILE");
  add_options(*command, request->given);
  command->callback([request] { train_command(*request); });
}

void add_generate(CLI::App& program) {
  auto* command = program.add_subcommand("generate", "Continue a text, token by token");
  const auto options = std::make_shared<GenerateOptions>();
  auto& sampling = options->sampling;
  command->add_option("--model", options->model, "Run folder or model folder")
      ->required()
      ->type_name("DIR");
  command
      ->add_option("--prompt", options->prompt, "Text to continue; a line break if it is not given")
      ->type_name("TEXT");
  add_value(*command, own("tokens", 0, 1e9, "Tokens to generate"), &options->tokens);
  add_value(*command, own("temperature", 0, 1e30, "0: always the likeliest token"),
            &sampling.temperature);
  add_value(*command, own("top-k", 0, 1e15, "Sample from the k likeliest tokens; 0: from all"),
            &sampling.top_k);
  add_value(
      *command,
      own("top-p", 0, 1, "Sample from the likeliest tokens that hold this probability, above 0"),
      &sampling.top_p);
  add_value(*command, own("seed", 0, 1.8e19, "The same seed gives the same text"), &sampling.seed);
  add_value(*command,
            own("precision", 0, 0,
                "fp32, or bf16: weights rounded to bf16, about twice as fast for large models"),
            &options->precision);
  command->callback([options] { generate_command(*options); });
}

void add_eval(CLI::App& program) {
  auto* command = program.add_subcommand("eval", "Loss, perplexity and bits a byte on a text");
  const auto options = std::make_shared<EvaluateOptions>();
  command->add_option("--model", options->model, "Run folder or model folder")
      ->required()
      ->type_name("DIR");
  command->add_option("--data", options->data, "Files and folders of text, or token files (.bin)")
      ->type_name("PATH");
  command
      ->add_option("--split", options->split,
                   "Part of the data that the run of the model had: validation or train")
      ->type_name("NAME");
  add_value(*command, own("threads", 0, 1'024, "Threads that compute; 0: one a core"),
            &options->threads);
  command->add_flag("--json", options->json, "Print one JSON object");
  command->callback([options] { evaluate_command(*options); });
}

void add_topology(CLI::App& program) {
  auto* command = program.add_subcommand("topology", "Draw the tree of spheres of a run");
  struct Options {
    std::uint32_t spheres = 3;
    std::uint32_t symmetry = 12;
  };
  const auto options = std::make_shared<Options>();
  add_value(*command, option_spec("spheres"), &options->spheres)->required();
  add_value(*command, option_spec("symmetry"), &options->symmetry);
  command->callback(
      [options] { fmt::print("{}", draw_topology(options->spheres, options->symmetry)); });
}

void add_digest(CLI::App& program) {
  auto* command = program.add_subcommand(
      "digest", "SHA-256 of the weights and, of a checkpoint, of the optimizer's state");
  const auto folder = std::make_shared<std::string>();
  command
      ->add_option("DIR", *folder, "Run folder (its newest checkpoint), checkpoint or model folder")
      ->required()
      ->type_name("DIR");
  command->callback([folder] { digest_command(*folder); });
}

void add_bench(CLI::App& program) {
  auto* command =
      program.add_subcommand("bench", "Measure the speed of training steps on random tokens");
  const auto options = std::make_shared<BenchOptions>();
  command->add_option("--config", options->config, "A, B, C64 or C1024")
      ->type_name("NAME")
      ->default_str(options->config);
  add_value(*command, option_spec("micro-batches"), &options->micro_batches)
      ->default_str("one a thread");
  add_value(*command, option_spec("precision"), &options->precision);
  add_value(*command, option_spec("spheres"), &options->spheres);
  add_value(*command, option_spec("threads"), &options->threads);
  command->add_option("--sequences", options->sequences, "Sequences a step")
      ->type_name("N")
      ->default_str("the configuration's");
  command->add_option("--seconds", options->seconds, "How long to measure")
      ->type_name("S")
      ->check(CLI::PositiveNumber)
      ->default_str("8");
  const auto as_json = std::make_shared<bool>(false);
  command->add_flag("--json", *as_json, "Print one JSON line, which says more");
  command->callback([options, as_json] { bench_command(*options, *as_json); });
}

}  // namespace

void add_model_commands(CLI::App& program) {
  add_train(program);
  add_generate(program);
  add_eval(program);
  add_topology(program);
  add_digest(program);
  add_bench(program);
}

}  // namespace nodezero::apps
