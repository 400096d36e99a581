#include "apps/nodezero/digest_lines.hpp"

#include <fmt/format.h>

#include "model/digest.hpp"

namespace nodezero::apps {

std::string digest_lines(const model::Parameters& weights, const model::OptimizerState* state) {
  auto lines = fmt::format("weights    {}\n", model::digest(weights));
  if (state != nullptr) {
    lines += fmt::format("optimizer  {}\n", model::digest(*state));
  }
  return lines;
}

}  // namespace nodezero::apps
