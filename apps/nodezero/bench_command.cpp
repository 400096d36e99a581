#include <memory>

#include <fmt/format.h>

#include "apps/nodezero/bench_run.hpp"
#include "apps/nodezero/command_option.hpp"
#include "apps/nodezero/commands.hpp"

namespace nodezero::apps {

void add_bench_command(CLI::App& program) {
  auto* command = program.add_subcommand(
      "bench", "Measure the speed of training steps on random tokens; prints one JSON line");
  const auto options = std::make_shared<BenchOptions>();
  command->add_option("--config", options->config, "A, B, C64 or C1024")
      ->type_name("NAME")
      ->default_str(options->config);
  // The limits are those of `train`, whose options these are.
  for_each_option([&](const OptionSpec& spec, auto) {
    const std::string_view name = spec.name;
    if (name == "spheres") {
      add_value(*command, spec, options->spheres);
    } else if (name == "threads") {
      add_value(*command, spec, options->threads);
    } else if (name == "micro-batches") {
      add_value(*command, spec, options->micro_batches)->default_str("one a thread");
    } else if (name == "precision") {
      add_value(*command, spec, options->precision);
    }
  });
  command->add_option("--sequences", options->sequences, "Sequences a step")
      ->type_name("N")
      ->default_str("the configuration's");
  command->add_option("--seconds", options->seconds, "How long to measure")
      ->type_name("S")
      ->check(CLI::PositiveNumber)
      ->default_str("8");
  command->callback([options] { fmt::print("{}\n", run_bench(*options)); });
}

}  // namespace nodezero::apps
