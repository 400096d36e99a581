// SPDX-License-Identifier: BSD-3-Clause
#include <memory>

#include <CLI/CLI.hpp>

#include "apps/nodezero/command_line/command_option.hpp"
#include "apps/nodezero/command_line/commands.hpp"
#include "apps/nodezero/text/serve_command.hpp"
#include "apps/nodezero/train/prepared_run.hpp"

namespace nodezero::apps {

namespace {

OptionSpec serving_option(const char* name, double least, double most, const char* description) {
  return {name, "Options", OnResume::may_change, least, most, description};
}

void add_serving_flags(CLI::App& command, ServingFlags& flags, const char* group) {
  command
      .add_option("--api-key-file", flags.key_file,
                  "File with the key that every request must bring")
      ->type_name("FILE")
      ->group(group);
  command
      .add_option("--api-key", flags.key,
                  "The key itself; others on this machine can see it in the list of processes")
      ->type_name("KEY")
      ->group(group);
  command
      .add_option("--cors-origin", flags.origins,
                  "Origin whose pages may ask, such as http://localhost:3000; may be repeated")
      ->type_name("URL")
      ->group(group);
  add_value(command, serving_option("connections", 1, 1e6, "Open connections"), &flags.connections)
      ->group(group);
  add_value(command,
            serving_option("queue", 1, 1e6,
                           "Choices that wait or are being generated; more are "
                           "answered with 429"),
            &flags.queue)
      ->group(group);
  add_value(command, serving_option("max-tokens", 1, 1e6, "Tokens of one choice"),
            &flags.most_tokens)
      ->group(group);
}

}  // namespace

void add_serving_while_training(CLI::App& command, TrainRequest& request) {
  constexpr auto group = "Serving";
  command
      .add_option(
          "--serve", request.serve,
          "Answer requests for text over HTTP while the model trains, at PORT or ADDRESS:PORT")
      ->type_name("PORT")
      ->group(group);
  add_value(command,
            serving_option("serve-share", 0, 1,
                           "Share of the lanes' time for them when training wants it as well"),
            &request.serve_share)
      ->group(group);
  add_value(command,
            serving_option("serve-versions", 1, 1'000,
                           "Versions of the weights that answers may hold; others wait"),
            &request.serve_versions)
      ->group(group);
  add_serving_flags(command, request.serving, group);
}

void add_serve(CLI::App& program) {
  auto* command = program.add_subcommand("serve", "Answer requests for text over HTTP");
  const auto options = std::make_shared<ServeOptions>();
  command->add_option("--model", options->model, "Run folder, model folder or GGUF file")
      ->required()
      ->type_name("DIR|FILE");
  command
      ->add_option(
          "--port", options->port,
          "Where to listen, PORT or ADDRESS:PORT; an address that other machines reach needs "
          "a key, and 0 is any free port")
      ->type_name("PORT")
      ->default_str(options->port);
  command
      ->add_option("--name", options->name,
                   "Name of the model in requests; by default that of its folder")
      ->type_name("NAME");
  add_serving_flags(*command, options->serving, "Options");
  add_value(*command, serving_option("threads", 0, 1'024, "Computing threads; 0: one per core"),
            &options->threads);
  add_value(*command,
            serving_option("precision", 0, 0,
                           "fp32, bf16 (about twice as fast for large models) or bf16-tile"),
            &options->precision);
  add_kernels(*command);
  command->callback([options] { serve_command(*options); });
}

}  // namespace nodezero::apps
