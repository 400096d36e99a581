// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/text/generate_command.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <span>
#include <unistd.h>
#include <utility>

#include "apps/nodezero/common.hpp"
#include "apps/nodezero/options/option_values.hpp"
#include "apps/nodezero/terminal/text_stream.hpp"
#include "apps/nodezero/text/model_source.hpp"
#include "apps/nodezero/text/token_lines.hpp"
#include "model/files/atomic_file.hpp"
#include "model/kernels/floating_point_scope.hpp"
#include "model/storage/digest.hpp"

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

/// One line a token: first those of the prompt that the model sees, then the new ones.
void print_log_probabilities(const GenerateOptions& options, const model::ModelFolder& model,
                             std::span<const std::int32_t> prompt, model::Generator& generator) {
  const auto& tokenizer = *model.tokenizer;
  const std::string version = model::digest(*model.weights);
  TextStream stream(stdout, false);
  const auto seen =
      prompt.last(std::min(prompt.size(), static_cast<std::size_t>(model.config.context)));
  const auto found = log_probabilities(model, options.precision, seen);
  stream.write(to_text({seen[0], std::nullopt, version}, tokenizer));
  for (std::size_t i = 0; i < found.size(); ++i) {
    stream.write(to_text({seen[i + 1], found[i], version}, tokenizer));
  }
  for (std::int64_t i = 0; i < options.tokens; ++i) {
    const auto token = generator.next();
    stream.write(to_text({token, generator.log_probability(), version}, tokenizer));
    if (token == tokenizer.end_token()) {
      break;
    }
  }
  stream.finish();
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
  model::Generator generator(model.config, model.weights, prompt, sampling, options.precision);
  if (options.log_probabilities) {
    print_log_probabilities(options, model, prompt, generator);
    return;
  }
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
