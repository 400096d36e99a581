// SPDX-License-Identifier: BSD-3-Clause
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <unistd.h>
#include <utility>

#include "apps/nodezero/commands.hpp"
#include "apps/nodezero/common.hpp"
#include "apps/nodezero/options/command_option.hpp"
#include "apps/nodezero/terminal/text_stream.hpp"
#include "apps/nodezero/text/model_source.hpp"
#include "model/gpt2/generation.hpp"
#include "model/kernels/floating_point_scope.hpp"

namespace nodezero::apps {

namespace {

struct GenerateOptions {
  std::string model;
  std::string prompt = "\n";
  std::int64_t tokens = 200;
  model::SamplingOptions sampling;
  model::Precision precision = model::Precision::fp32;
};

void generate(const GenerateOptions& options) {
  unwrap(model::validate(options.sampling));
  auto model = open_model(options.model);
  const auto& tokenizer = text_tokenizer(model, options.model);
  if (options.prompt.empty()) {
    throw CommandError(exit_bad_input, "--prompt is empty: give at least one character");
  }
  const auto prompt = unwrap(tokenizer.encode(options.prompt));

  const model::FloatingPointScope floating_point;
  model::Generator generator(model.config, std::move(model.weights), prompt, options.sampling,
                             options.precision);
  TextStream stream(stdout, isatty(STDOUT_FILENO) == 1);
  stream.write(options.prompt);
  for (std::int64_t i = 0; i < options.tokens; ++i) {
    const auto token = generator.next();
    stream.write(tokenizer.decode(std::span(&token, 1)));
  }
  stream.finish();
}

}  // namespace

void add_generate_command(CLI::App& program) {
  auto* command = program.add_subcommand("generate", "Continue a text, token by token");
  const auto options = std::make_shared<GenerateOptions>();
  auto& sampling = options->sampling;
  constexpr auto group = "OPTIONS";
  constexpr auto free = OnResume::may_change;
  command->add_option("--model", options->model, "Run folder or model folder")
      ->required()
      ->type_name("DIR");
  command
      ->add_option("--prompt", options->prompt, "Text to continue; a line break if it is not given")
      ->type_name("TEXT");
  add_value(*command, {"tokens", group, free, 0, 1e9, "Tokens to generate"}, options->tokens);
  add_value(*command, {"temperature", group, free, 0, 1e30, "0: always the likeliest token"},
            sampling.temperature);
  add_value(*command,
            {"top-k", group, free, 0, 1e15, "Sample from the k likeliest tokens; 0: from all"},
            sampling.top_k);
  add_value(*command,
            {"top-p", group, free, 0, 1,
             "Sample from the likeliest tokens that hold this probability, above 0"},
            sampling.top_p);
  add_value(*command, {"seed", group, free, 0, 1.8e19, "The same seed gives the same text"},
            sampling.seed);
  add_value(*command,
            {"precision", group, free, 0, 0,
             "fp32, or bf16: weights rounded to bf16, about twice as fast for large models"},
            options->precision);
  command->callback([options] { generate(*options); });
}

}  // namespace nodezero::apps
