// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/text/generate_command.hpp"

#include <cstdio>
#include <span>
#include <unistd.h>
#include <utility>

#include "apps/nodezero/common.hpp"
#include "apps/nodezero/options/option_values.hpp"
#include "apps/nodezero/terminal/text_stream.hpp"
#include "apps/nodezero/text/model_source.hpp"
#include "model/kernels/floating_point_scope.hpp"

namespace nodezero::apps {

void generate_command(const GenerateOptions& options) {
  check_options(model::validate(options.sampling));
  auto model = open_model(options.model);
  const auto& tokenizer = text_tokenizer(model, options.model);
  if (options.prompt.empty()) {
    throw CommandError(exit_bad_input, "--prompt must have at least one character");
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

}  // namespace nodezero::apps
