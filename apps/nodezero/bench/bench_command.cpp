// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/bench/bench_command.hpp"

#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/nodezero/terminal/quantities.hpp"

namespace nodezero::apps {
namespace {

std::string in_words(const nlohmann::ordered_json& bench) {
  const auto number = [](const nlohmann::ordered_json& value) { return value.get<double>(); };
  const auto count = [&](const std::string& noun) {
    return counted(bench[noun + 's'].get<std::uint64_t>(), noun);
  };
  const auto percent = [&](const char* name) { return 100 * number(bench[name]); };
  std::string text = fmt::format(
      "{} in {}, {} per step, {}, {}: {} tokens/s\n"
      "  step {:.2f} ms (best {:.2f}), {:.0f} GFLOP/s, {:.0f} % of the {:.0f} that large matrix "
      "products reach on this machine\n"
      "  per lane:",
      bench["config"].get<std::string>(), bench["dtype"].get<std::string>(), count("sequence"),
      count("thread"), count("sphere"), bench["tokens_per_second"].get<std::int64_t>(),
      number(bench["ms_per_step"]), number(bench["ms_best"]), number(bench["gflops"]),
      percent("share_of_peak"), number(bench["peak_gflops"]));
  for (const char* part : {"forward", "backward", "reduction", "optimizer", "idle"}) {
    text += fmt::format(" {} {:.2f} ms,", part, number(bench["parts_ms"][part]));
  }
  return text + fmt::format(
                    " busy {:.1f} %; messages take {:.2f} ms of CPU time\n"
                    "  the step's matrix products alone take {:.2f} ms ({:.0f} %), which caps the "
                    "speed at {} tokens/s\n"
                    "  memory {} MB",
                    percent("lane_utilisation"), number(bench["parts_ms"]["messages"]),
                    number(bench["products_ms"]), percent("share_of_products"),
                    bench["ceiling_tokens_per_second"].get<std::int64_t>(),
                    bench["rss_mb"].get<std::int64_t>());
}

}  // namespace

void bench_command(const BenchOptions& options, bool as_json) {
  const auto result = run_bench(options);
  fmt::print("{}\n", as_json ? result.dump() : in_words(result));
}

}  // namespace nodezero::apps
