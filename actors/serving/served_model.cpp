// SPDX-License-Identifier: BSD-3-Clause
#include "actors/serving/served_model.hpp"

#include <charconv>
#include <string_view>

#include <fmt/format.h>

namespace nodezero::actors {

std::string ServedModel::why_no_chat() const {
  return has_chat_template
             ? "this model has a chat template, which this server does not render: put the "
               "messages into one text as the template says, and ask /v1/completions"
             : "this is a base model, which continues a text and knows no roles: ask "
               "/v1/completions";
}

std::string fingerprint_of(const VersionName& version) {
  const auto& [envelope, digest] = version;
  if (envelope.run == 0 && !digest.empty()) {
    return "weights-" + digest;
  }
  return fmt::format("run-{:016x}-step-{}-version-{}{}{}", envelope.run, envelope.step,
                     envelope.version, digest.empty() ? "" : "-weights-", digest);
}

std::string description_of(const VersionName& version) {
  const auto& [envelope, digest] = version;
  return fmt::format("run={:016x}; epoch={}; step={}; version={}{}{}", envelope.run, envelope.epoch,
                     envelope.step, envelope.version, digest.empty() ? "" : "; digest=", digest);
}

AskedModel asked_model(const std::string& text) {
  constexpr std::string_view mark = "@step-";
  const auto at = text.rfind(mark);
  std::uint64_t step = 0;
  if (at != std::string::npos) {
    const char* const end = text.data() + text.size();
    const auto [last, error] = std::from_chars(text.data() + at + mark.size(), end, step);
    if (error == std::errc() && last == end) {
      return {text.substr(0, at), step};
    }
  }
  return {text};
}

}  // namespace nodezero::actors
