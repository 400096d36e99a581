// SPDX-License-Identifier: BSD-3-Clause
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "apps/nodezero/bench/bench_command.hpp"
#include "apps/nodezero/command_line/command_option.hpp"
#include "apps/nodezero/command_line/commands.hpp"
#include "apps/nodezero/common.hpp"
#include "apps/nodezero/plot/plot_command.hpp"
#include "apps/nodezero/terminal/json_answer.hpp"
#include "apps/nodezero/text/digest_command.hpp"
#include "apps/nodezero/text/evaluate_command.hpp"
#include "apps/nodezero/text/export_command.hpp"
#include "apps/nodezero/text/generate_command.hpp"
#include "apps/nodezero/text/tokenize_command.hpp"
#include "apps/nodezero/topology/topology_drawing.hpp"
#include "apps/nodezero/train/train_command.hpp"
#include "model/kernels/kernels.hpp"

namespace nodezero::apps {

namespace {

/// An option of a command that is not in the table.
OptionSpec own(const char* name, double least, double most, const char* description) {
  return {name, "Options", OnResume::may_change, least, most, description};
}

}  // namespace

void add_kernels(CLI::App& command) {
  command
      .add_option_function<std::string>(
          "--kernels", [](const std::string& levels) { unwrap(model::select_kernels(levels)); },
          fmt::format("Instructions to compute with: {} here; the bits are the same (default: the "
                      "last)",
                      fmt::join(model::available_kernels(), ", ")))
      ->type_name("NAME");
}

namespace {

void add_train(CLI::App& program) {
  auto* command = program.add_subcommand("train", "Train a model on text");
  const auto request = std::make_shared<TrainRequest>();
  command->add_flag("--resume", request->resume,
                    "Continue the run in --out; its options are remembered and may be left out");
  command
      ->add_option(
          "--from-step", request->from_step,
          "With --resume, continue from the checkpoint of this step; later ones are removed")
      ->type_name("N");
  command->add_flag("--accept-other-arithmetic", request->accept_other_arithmetic,
                    "With --resume, go on with a run of another version of the arithmetic, to "
                    "weights that no run has from its start");
  command->add_flag("--plan", request->plan,
                    "Print the number of parameters, memory, steps and an estimate of the time, "
                    "and do not train");
  add_json(*command, request->output);
  command->get_option("--json")->needs("--plan");
  command
      ->add_option("--config", request->config,
                   "TOML or INI file with any of these options; the command line takes precedence")
      ->type_name("FILE");
  add_kernels(*command);
  add_options(*command, request->given);
  add_serving_while_training(*command, *request);
  const auto listening = std::make_shared<Listening>();
  add_listening(*command, *listening);
  command->callback([request, listening] { train_as_told(*request, *listening); });
}

void add_generate(CLI::App& program) {
  auto* command = program.add_subcommand("generate", "Continue a text with a trained model");
  const auto options = std::make_shared<GenerateOptions>();
  auto& sampling = options->sampling;
  command->add_option("--model", options->model, "Run folder, model folder or GGUF file")
      ->required()
      ->type_name("DIR|FILE");
  command
      ->add_option(
          "--prompt", options->prompt,
          "Text to continue, or - to read it from standard input; a line break if not given")
      ->type_name("TEXT");
  command->add_option("--prompt-file", options->prompt_file, "File with the text to continue")
      ->type_name("FILE");
  add_value(*command, own("tokens", 0, 1e9, "Tokens to generate"), &options->tokens);
  add_value(*command,
            own("temperature", 0, 1e30, "Sampling temperature; 0 always takes the likeliest token"),
            &sampling.temperature);
  add_value(*command, own("top-k", 0, 1e15, "Sample from the k likeliest tokens; 0: from all"),
            &sampling.top_k);
  add_value(*command,
            own("top-p", 0, 1,
                "Sample from the likeliest tokens that together have this probability, above 0"),
            &sampling.top_p);
  add_value(*command,
            own("seed", 0, 1.9e19, "Seed of the sampling; the same seed gives the same text"),
            &sampling.seed);
  add_value(
      *command,
      own("precision", 0, 0, "fp32, bf16 (about twice as fast for large models) or bf16-tile"),
      &options->precision);
  command->add_flag("--logprobs", options->log_probabilities,
                    "Print one line of JSON a token, with the logarithm of its probability");
  add_kernels(*command);
  command->callback([options] { generate_command(*options); });
}

void add_eval(CLI::App& program) {
  auto* command = program.add_subcommand(
      "eval", "Compute a model's loss, perplexity and bits per byte on a text");
  const auto options = std::make_shared<EvaluateOptions>();
  command->add_option("--model", options->model, "Run folder, model folder or GGUF file")
      ->required()
      ->type_name("DIR|FILE");
  command->add_option("--data", options->data, "Text files or folders, or token files (.bin, .npy)")
      ->type_name("PATH");
  command
      ->add_option("--split", options->split,
                   "Part of the run's own data, instead of --data: validation or train")
      ->type_name("NAME");
  add_value(*command, own("token-type", 0, 0, option_spec("token-type").description),
            &options->token_type);
  command->add_flag("--binary", options->binary, option_spec("binary").description);
  add_value(*command, own("threads", 0, 1'024, "Computing threads; 0: one per core"),
            &options->threads);
  const auto precision = std::make_shared<model::Precision>(model::Precision::fp32);
  const auto* const given_precision =
      add_value(*command, own("precision", 0, 0, "fp32, bf16 or bf16-tile"), precision.get())
          ->default_str("that of the model's run");
  add_json(*command, options->output);
  command->add_flag("--logprobs", options->log_probabilities,
                    "Print one line of JSON a token, with the logarithm of its probability");
  command
      ->add_option("--check", options->check,
                   "File with such lines, of generate or eval, to compare with the forward pass "
                   "bit by bit")
      ->type_name("FILE");
  add_kernels(*command);
  command->callback([options, precision, given_precision] {
    if (given_precision->count() > 0) {
      options->precision = *precision;
    }
    evaluate_command(*options);
  });
}

void add_tokenize(CLI::App& program) {
  auto* command = program.add_subcommand(
      "tokenize", "Turn text into token ids and back, or train a tokenizer on it");
  const auto options = std::make_shared<TokenizeOptions>();
  command
      ->add_option("--tokenizer", options->tokenizer,
                   "bytes, or a file or folder with a tokenizer, such as a model's")
      ->type_name("NAME|PATH");
  command
      ->add_option("--data", options->data,
                   "Files or folders to read instead of standard input; ids in decimal or token "
                   "files (.bin, .npy) with --decode")
      ->type_name("PATH");
  command->add_flag("--decode", options->decode, "From ids to text");
  command->add_flag("--count", options->count, "Print only the number of tokens and bytes");
  command->add_flag("--train", options->train,
                    "Train a byte-level BPE of --vocabulary tokens and write it to --out");
  add_value(*command, own("vocabulary", 257, 16'777'216, "Tokens to train"), &options->vocabulary);
  command
      ->add_option("--out", options->out,
                   "Token file (.bin) to write in place of decimal ids, or with --train a "
                   "tokenizer.json")
      ->type_name("FILE");
  add_value(*command, own("token-type", 0, 0, option_spec("token-type").description),
            &options->token_type);
  command->add_flag("--binary", options->binary, option_spec("binary").description);
  command->callback([options] { tokenize_command(*options); });
}

void add_export(CLI::App& program) {
  auto* command = program.add_subcommand(
      "export", "Write a model as llama.cpp or Hugging Face's library reads it");
  const auto options = std::make_shared<ModelExportOptions>();
  command->add_option("--model", options->model, "Run folder, model folder or GGUF file")
      ->required()
      ->type_name("DIR|FILE");
  command->add_option("--format", options->format, "gguf: one file; or safetensors: a folder")
      ->type_name("NAME")
      ->default_str(options->format);
  command
      ->add_option("--type", options->type,
                   "Numbers: f32, f16, bf16 or, for the matrices of gguf, q8_0")
      ->type_name("NAME")
      ->default_str(options->type);
  command->add_option("--out", options->out, "File or folder to write")
      ->required()
      ->type_name("PATH");
  command->add_flag("--force", options->force, "Overwrite what is there");
  command->callback([options] { export_command(*options); });
}

void add_plot(CLI::App& program) {
  auto* command = program.add_subcommand("plot", "Draw the losses and the learning rate of a run");
  const auto run = std::make_shared<std::string>(), out = std::make_shared<std::string>();
  command->add_option("DIR", *run, "Run folder, of a run that has ended or not")
      ->required()
      ->type_name("");
  command
      ->add_option("--out", *out, "Picture to write, .png or .svg; without it the losses are text")
      ->type_name("FILE");
  command->callback([run, out] { plot_command(*run, *out); });
}

void add_topology(CLI::App& program) {
  auto* command =
      program.add_subcommand("topology", "Draw the tree that a number of spheres forms");
  struct Options {
    std::uint32_t spheres = 3;
    std::uint32_t symmetry = 12;
    JsonOptions output;
  };
  const auto options = std::make_shared<Options>();
  add_value(*command, option_spec("spheres"), &options->spheres)->required();
  add_value(*command, option_spec("symmetry"), &options->symmetry);
  add_json(*command, options->output, true);
  command->callback([options] {
    if (options->output.json) {
      print_json(topology_as_json(options->spheres, options->symmetry, options->output));
    } else {
      fmt::print("{}", draw_topology(options->spheres, options->symmetry));
    }
  });
}

void add_digest(CLI::App& program) {
  auto* command = program.add_subcommand(
      "digest", "Print the SHA-256 of a model's weights and of a checkpoint's optimizer state");
  const auto folder = std::make_shared<std::string>();
  const auto explain = std::make_shared<bool>(false);
  const auto output = std::make_shared<JsonOptions>();
  command->add_flag("--explain", *explain, "Print what the digests depend on as well");
  command
      ->add_option("DIR", *folder, "Run folder (its newest checkpoint), checkpoint or model folder")
      ->required()
      ->type_name("");
  add_json(*command, *output);
  command->callback([folder, explain, output] { digest_command(*folder, *explain, output->json); });
}

void add_bench(CLI::App& program) {
  auto* command =
      program.add_subcommand("bench", "Measure how fast this machine trains, on random tokens");
  const auto options = std::make_shared<BenchOptions>();
  command
      ->add_option("--config", options->config,
                   "Shape of the model: A (809,856 parameters), B (10.7M), or GPT-2 124M with "
                   "context 64 (C64) or 1,024 (C1024)")
      ->type_name("NAME")
      ->default_str(options->config);
  add_value(*command, option_spec("micro-batches"), &options->micro_batches)
      ->default_str("one per thread");
  add_value(*command, option_spec("precision"), &options->precision);
  add_value(*command, option_spec("spheres"), &options->spheres);
  add_value(*command, option_spec("threads"), &options->threads);
  command
      ->add_option("--sequences", options->sequences,
                   "Sequences per step; by default the configuration's")
      ->type_name("N");
  add_kernels(*command);
  add_value(*command, own("seconds", 0.01, 86'400, "Seconds to measure"), &options->seconds);
  const auto as_json = std::make_shared<bool>(false);
  command->add_flag("--json", *as_json, "Print one line of JSON, with more detail");
  command->callback([options, as_json] { bench_command(*options, *as_json); });
}

}  // namespace

void add_model_commands(CLI::App& program) {
  add_train(program);
  add_generate(program);
  add_serve(program);
  add_eval(program);
  add_tokenize(program);
  add_export(program);
  add_plot(program);
  add_topology(program);
  add_digest(program);
  add_bench(program);
  add_host_commands(program);
}

}  // namespace nodezero::apps
