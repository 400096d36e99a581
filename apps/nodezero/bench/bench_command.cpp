// SPDX-License-Identifier: BSD-3-Clause
#include <memory>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/nodezero/bench/bench_run.hpp"
#include "apps/nodezero/commands.hpp"
#include "apps/nodezero/options/command_option.hpp"

namespace nodezero::apps {
namespace {

std::string in_words(const nlohmann::ordered_json& bench) {
  const auto number = [](const nlohmann::ordered_json& value) { return value.get<double>(); };
  const auto percent = [&](const char* name) { return 100 * number(bench[name]); };
  std::string text = fmt::format(
      "{} in {}, {} sequences a step, {} threads, {} spheres: {} tokens/s\n"
      "  {:.2f} ms a step (best {:.2f}), {:.0f} GFLOP/s, {:.0f} % of the {:.0f} that large "
      "products reach here\n"
      "  a lane:",
      bench["config"].get<std::string>(), bench["dtype"].get<std::string>(),
      bench["sequences"].get<int>(), bench["threads"].get<int>(), bench["spheres"].get<int>(),
      bench["tokens_per_second"].get<std::int64_t>(), number(bench["ms_per_step"]),
      number(bench["ms_best"]), number(bench["gflops"]), percent("share_of_peak"),
      number(bench["peak_gflops"]));
  for (const char* part : {"forward", "backward", "reduction", "optimizer", "idle"}) {
    text += fmt::format(" {} {:.2f} ms,", part, number(bench["parts_ms"][part]));
  }
  return text + fmt::format(
                    " busy {:.1f} %; messages take {:.2f} ms of a processor\n"
                    "  the step's matrix products alone take {:.2f} ms ({:.0f} %): a ceiling of "
                    "{} tokens/s\n"
                    "  {} MB of memory",
                    percent("lane_utilisation"), number(bench["parts_ms"]["messages"]),
                    number(bench["products_ms"]), percent("share_of_products"),
                    bench["ceiling_tokens_per_second"].get<std::int64_t>(),
                    bench["rss_mb"].get<std::int64_t>());
}

}  // namespace

void add_bench_command(CLI::App& program) {
  auto* command =
      program.add_subcommand("bench", "Measure the speed of training steps on random tokens");
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
  const auto as_json = std::make_shared<bool>(false);
  command->add_flag("--json", *as_json, "Print one JSON line, which says more");
  command->callback([options, as_json] {
    const auto result = run_bench(*options);
    fmt::print("{}\n", *as_json ? result.dump() : in_words(result));
  });
}

}  // namespace nodezero::apps
