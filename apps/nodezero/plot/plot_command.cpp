// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/plot/plot_command.hpp"

#include <filesystem>

#include <fmt/format.h>

#include "apps/nodezero/common.hpp"
#include "apps/nodezero/plot/loss_chart.hpp"
#include "model/files/atomic_file.hpp"

namespace nodezero::apps {

void plot_command(const std::string& run, const std::string& out) {
  const auto ending = std::filesystem::path(out).extension();
  if (!out.empty() && ending != ".png" && ending != ".svg") {
    throw CommandError(exit_bad_input,
                       fmt::format("--out must end in .png or .svg, not '{}'", out));
  }
  const auto history = read_history(run);
  if (out.empty()) {
    const auto text = losses_as_text(history);
    fmt::print("{}", text.empty() ? "too few steps for a curve\n" : text);
    return;
  }
  const auto drawing = draw_losses(history);
  unwrap(model::write_file_atomically(out, ending == ".png" ? to_png(drawing) : to_svg(drawing)),
         exit_failure);
}

}  // namespace nodezero::apps
