// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/text/token_lines.hpp"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/nodezero/common.hpp"
#include "formats/bounded_json.hpp"
#include "model/files/atomic_file.hpp"
#include "model/gpt2/gpt2.hpp"
#include "model/kernels/floating_point_scope.hpp"
#include "model/storage/digest.hpp"

namespace nodezero::apps {

namespace {

void put(const std::string& line) {
  if (std::fwrite(line.data(), 1, line.size(), stdout) != line.size()) {
    throw CommandError(exit_failure, "the lines cannot be written; check where they go");
  }
}

TokenLine line_from(const nlohmann::json& json) {
  TokenLine line{.id = json.at("id"), .log_probability = {}, .version = json.at("version")};
  if (const auto& value = json.at("logprob"); !value.is_null()) {
    line.log_probability = value.get<double>();
  }
  return line;
}

}  // namespace

std::string to_text(const TokenLine& line, const model::Tokenizer& tokenizer) {
  nlohmann::ordered_json json = {{"id", line.id},
                                 {"text", tokenizer.decode(std::span(&line.id, 1))},
                                 {"logprob", nullptr},
                                 {"version", line.version}};
  if (line.log_probability) {
    json["logprob"] = *line.log_probability;
  }
  // Characters that are not complete become U+FFFD.
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::vector<TokenLine> read_token_lines(const std::string& path) {
  const std::string text = unwrap(model::read_file(path));
  std::vector<TokenLine> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const auto refuse = [&](std::string_view what) {
      return CommandError(exit_bad_input,
                          fmt::format("line {} of '{}' {}; give what --logprobs printed",
                                      lines.size() + 1, path, what));
    };
    const auto json = formats::read_json(std::string_view(text).substr(begin, end - begin));
    if (!json) {
      throw refuse(json.error().message);
    }
    try {
      lines.push_back(line_from(*json));
    } catch (const nlohmann::json::exception&) {
      throw refuse("lacks an id, a logprob or a version");
    }
    begin = end + 1;
  }
  if (lines.empty()) {
    throw CommandError(exit_bad_input, fmt::format("'{}' has no lines to check", path));
  }
  return lines;
}

std::vector<double> log_probabilities(const model::ModelFolder& model, model::Precision precision,
                                      std::span<const std::int32_t> window) {
  if (window.size() < 2) {
    return {};
  }
  const model::FloatingPointScope floating_point;
  const auto targets = static_cast<std::int64_t>(window.size()) - 1;
  model::Workspace workspace(precision);
  auto losses = model::token_losses(model.config, *model.weights,
                                    {.sequences = 1,
                                     .context = targets,
                                     .inputs = {window.begin(), window.end() - 1},
                                     .targets = {window.begin() + 1, window.end()},
                                     .valid_tokens = targets},
                                    workspace);
  std::ranges::for_each(losses, [](double& loss) { loss = -loss; });
  return losses;
}

void print_token_lines(const model::ModelFolder& model, model::Precision precision,
                       const model::Tokenizer& tokenizer, const model::TokenSource& tokens,
                       model::TokenRange range) {
  const std::string version = model::digest(*model.weights);
  const auto context = static_cast<std::uint64_t>(model.config.context);
  std::vector<std::int32_t> window;
  for (std::uint64_t first = range.begin; first < range.end; first += context) {
    window.resize(std::min(context, range.end - first));
    tokens.read(first, window);
    const auto found = log_probabilities(model, precision, window);
    put(to_text({window[0], std::nullopt, version}, tokenizer));
    for (std::size_t i = 0; i < found.size(); ++i) {
      put(to_text({window[i + 1], found[i], version}, tokenizer));
    }
  }
}

void check_token_lines(const model::ModelFolder& model, model::Precision precision,
                       const std::vector<TokenLine>& lines) {
  const std::string version = model::digest(*model.weights);
  const auto context = static_cast<std::size_t>(model.config.context);
  std::vector<std::int32_t> window;
  std::size_t known = 0;  // tokens of the window that are there without being checked
  const auto check = [&](std::size_t end) {
    const auto found = log_probabilities(model, precision, window);
    const std::size_t begin = end - window.size();
    for (std::size_t i = known; i < window.size(); ++i) {
      const double logprob = lines[begin + i].log_probability.value_or(0);
      if (logprob != found[i - 1]) {
        throw CommandError(exit_failure,
                           fmt::format("line {} has the logarithm {}, and the forward pass {}",
                                       begin + i + 1, logprob, found[i - 1]));
      }
    }
  };
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const TokenLine& line = lines[i];
    if (line.version != version) {
      throw CommandError(exit_bad_input, fmt::format("line {} is of the weights {}, and this model "
                                                     "has {}: check with the model that wrote it",
                                                     i + 1, line.version, version));
    }
    if (line.id < 0 || line.id >= model.config.vocabulary) {
      throw CommandError(exit_bad_input,
                         fmt::format("line {} has the token {}, outside of a vocabulary of {}",
                                     i + 1, line.id, model.config.vocabulary));
    }
    if (!line.log_probability) {
      check(i);
      window = {line.id};
      known = 1;
      continue;
    }
    if (window.empty()) {
      throw CommandError(exit_bad_input, "the first line has a logarithm: it begins no window");
    }
    // The last token that a full window foretells is outside of it.
    if (window.size() > context) {
      check(i);
      window.erase(window.begin(), window.end() - static_cast<std::ptrdiff_t>(
                                                      std::max<std::size_t>(1, context / 2)));
      known = window.size();
    }
    window.push_back(line.id);
  }
  check(lines.size());
}

}  // namespace nodezero::apps
