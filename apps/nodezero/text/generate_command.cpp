// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/text/generate_command.hpp"

#include <array>
#include <cstdio>
#include <span>
#include <unistd.h>
#include <utility>

#include "apps/nodezero/common.hpp"
#include "apps/nodezero/options/option_values.hpp"
#include "apps/nodezero/terminal/text_stream.hpp"
#include "apps/nodezero/text/model_source.hpp"
#include "model/files/atomic_file.hpp"
#include "model/kernels/floating_point_scope.hpp"

namespace nodezero::apps {

namespace {

std::string read_standard_input() {
  std::string text;
  std::array<char, 1 << 16> buffer{};
  while (const auto count = std::fread(buffer.data(), 1, buffer.size(), stdin)) {
    text.append(buffer.data(), count);
  }
  if (std::ferror(stdin) != 0) {
    throw CommandError(exit_bad_input,
                       "standard input cannot be read; check what is piped into it");
  }
  return text;
}

/// The ids to continue. Without a prompt that is a line break, or the first token of a model that
/// does not know line breaks.
std::vector<std::int32_t> read_prompt(const GenerateOptions& options,
                                      const model::Tokenizer& tokenizer) {
  if (options.prompt && !options.prompt_file.empty()) {
    throw CommandError(exit_bad_input, "give --prompt or --prompt-file, not both");
  }
  if (!options.prompt && options.prompt_file.empty()) {
    return tokenizer.encode("\n").value_or(std::vector<std::int32_t>{0});
  }
  const bool piped = options.prompt == "-" || options.prompt_file == "-";
  const auto text = piped                         ? read_standard_input()
                    : options.prompt_file.empty() ? *options.prompt
                                                  : unwrap(model::read_file(options.prompt_file));
  if (text.empty()) {
    throw CommandError(exit_bad_input, "--prompt must have at least one character");
  }
  return unwrap(tokenizer.encode(text));
}

}  // namespace

void generate_command(const GenerateOptions& options) {
  check_options(model::validate(options.sampling));
  auto model = open_model(options.model);
  const auto& tokenizer = text_tokenizer(model, options.model);
  const auto prompt = read_prompt(options, tokenizer);

  auto sampling = options.sampling;
  sampling.vocabulary = tokenizer.vocabulary();

  const model::FloatingPointScope floating_point;
  model::Generator generator(model.config, std::move(model.weights), prompt, sampling,
                             options.precision);
  TextStream stream(stdout, isatty(STDOUT_FILENO) == 1);
  stream.write(tokenizer.decode(prompt));
  for (std::int64_t i = 0; i < options.tokens; ++i) {
    const auto token = generator.next();
    if (token == tokenizer.end_token()) {
      break;
    }
    stream.write(tokenizer.decode(std::span(&token, 1)));
  }
  stream.finish();
}

}  // namespace nodezero::apps
