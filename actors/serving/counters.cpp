// SPDX-License-Identifier: BSD-3-Clause
#include "actors/serving/counters.hpp"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

namespace nodezero::actors {
namespace {

/// Of a label: the three characters that the format gives a meaning.
std::string quoted(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '\n') {
      result += "\\n";
    } else {
      result += c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
    }
  }
  return result;
}

class Text {
 public:
  void begin(const char* name, const char* type, const char* help) {
    write("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
  }
  template <class... Args>
  void write(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text), format, std::forward<Args>(args)...);
  }
  void single(const char* name, const char* type, const char* help, auto value) {
    begin(name, type, help);
    write("{} {}\n", name, value);
  }

  std::string text;
};

}  // namespace

void ServingCounters::Histogram::add(std::chrono::duration<double> time) {
  const auto bucket = std::ranges::lower_bound(bounds_s, time.count()) - bounds_s.begin();
  ++counts[static_cast<std::size_t>(bucket)];
  sum_s += time.count();
}

void ServingCounters::add_version(const Envelope& envelope, std::uint64_t tokens) {
  constexpr std::size_t most_versions = 8;  // a run has one a step, and each is a time series
  auto& version = versions[envelope.version];
  version.step = envelope.step;
  ++version.completions;
  version.generated_tokens += tokens;
  while (versions.size() > most_versions) {
    versions.erase(versions.begin());
  }
}

std::string ServingCounters::to_text(const ServedModel& model, const VersionName& version) const {
  Text out;
  out.begin("nodezero_http_answers_total", "counter",
            "Answers by status; streams when they begin.");
  for (const auto& [status, count] : answers) {
    out.write("nodezero_http_answers_total{{status=\"{}\"}} {}\n", status, count);
  }
  out.single("nodezero_prompt_tokens_total", "counter", "Tokens of prompts of ended completions.",
             prompt_tokens);
  out.single("nodezero_generated_tokens_total", "counter", "Tokens generated for completions.",
             generated_tokens);
  out.single("nodezero_completions_left_total", "counter",
             "Completions whose client left before their end.", left);
  out.single("nodezero_connections", "gauge", "Open connections.", connections);
  out.single("nodezero_open_choices", "gauge", "Choices that wait or are being generated.",
             open_choices);
  constexpr auto name = "nodezero_time_to_first_token_seconds";
  out.begin(name, "histogram", "From a request to its first token.");
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < first_token.bounds_s.size(); ++i) {
    below += first_token.counts[i];
    out.write("{}_bucket{{le=\"{}\"}} {}\n", name, first_token.bounds_s[i], below);
  }
  below += first_token.counts.back();
  out.write("{}_bucket{{le=\"+Inf\"}} {}\n{}_sum {}\n{}_count {}\n", name, below, name,
            first_token.sum_s, name, below);
  const auto by_version = [&](const char* name, const char* help, auto member) {
    out.begin(name, "counter", help);
    for (const auto& [number, of] : versions) {
      out.write("{}{{version=\"{}\",step=\"{}\"}} {}\n", name, number, of.step, of.*member);
    }
  };
  by_version("nodezero_version_completions_total",
             "Completions that have ended, by the version that answered; the newest versions.",
             &OfVersion::completions);
  by_version("nodezero_version_generated_tokens_total", "The tokens of these completions.",
             &OfVersion::generated_tokens);
  out.begin("nodezero_weights_info", "gauge", "The weights that answer.");
  out.write("nodezero_weights_info{{model=\"{}\",run=\"{:016x}\",digest=\"{}\"}} 1\n",
            quoted(model.id), version.envelope.run, version.digest);
  out.single("nodezero_weights_step", "gauge", "Training step of the weights that answered last.",
             version.envelope.step);
  return out.text;
}

}  // namespace nodezero::actors
