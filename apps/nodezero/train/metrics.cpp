// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/train/metrics.hpp"

#include <cerrno>
#include <cmath>
#include <sstream>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/nodezero/common.hpp"
#include "formats/bounded_json.hpp"
#include "model/files/atomic_file.hpp"

namespace nodezero::apps {

namespace {

/// The part of an earlier session's lines that stays.
std::string kept_lines(const std::string& text, std::uint64_t first_step,
                       std::uint64_t& next_step) {
  std::size_t end = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto newline = text.find('\n', begin);
    if (newline == std::string::npos) {
      break;
    }
    const auto object = formats::read_json(std::string_view(text).substr(begin, newline - begin))
                            .value_or(nlohmann::json());
    if (!object.is_object() || !object.contains("step") || !object["step"].is_number_unsigned() ||
        object["step"].get<std::uint64_t>() >= first_step) {
      break;
    }
    next_step = object["step"].get<std::uint64_t>() + 1;
    begin = newline + 1;
    end = begin;
  }
  return text.substr(0, end);
}

}  // namespace

void count_steps_from_one(const std::filesystem::path& path) {
  const auto text = model::read_file(path);
  if (!text || !text->starts_with("{\"step\":0,")) {
    return;
  }
  std::string counted;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    const auto object = formats::read_json(line).value_or(nlohmann::json());
    if (!object.is_object() || !object.contains("step") || !object["step"].is_number_unsigned()) {
      break;
    }
    // Only the number changes, so that the line keeps its order.
    const auto step = object["step"].get<std::uint64_t>();
    const auto before = fmt::format("{{\"step\":{},", step);
    if (!line.starts_with(before)) {
      break;
    }
    counted += fmt::format("{{\"step\":{},{}\n", step + 1, line.substr(before.size()));
  }
  unwrap(model::write_file_atomically(path, counted));
}

JsonLines::JsonLines(const std::filesystem::path& path, std::uint64_t first_step) : path_(path) {
  const auto text = model::read_file(path);
  if (text) {
    const auto kept = kept_lines(*text, first_step, next_step_);
    if (kept.size() != text->size()) {
      unwrap(model::write_file_atomically(path, kept));
    }
  } else if (text.error().code != ErrorCode::not_found) {
    unwrap(text);
  }
  errno = 0;
  file_.open(path, std::ios::app | std::ios::binary);
  if (!file_) {
    throw CommandError(exit_bad_input,
                       fmt::format("'{}' cannot be written ({}); check the folder and the disk",
                                   path.string(), std::generic_category().message(errno)));
  }
}

bool JsonLines::append(std::uint64_t step, const std::string& object) {
  if (step < next_step_) {
    return true;
  }
  next_step_ = step + 1;
  file_ << object << '\n' << std::flush;
  return static_cast<bool>(file_);
}

std::string metrics_line(const actors::StepSummary& step, double seconds) {
  const nlohmann::ordered_json line = {
      {"step", step.step + 1},
      {"epoch", step.epoch},
      {"loss", step.loss},
      {"gradient_norm", step.gradient_norm},
      {"learning_rate", step.learning_rate},
      {"tokens", step.tokens},
      {"micro_batches", step.micro_batches},
      {"spheres_busy", step.spheres_busy},
      {"version", step.version},
      {"seconds", seconds},
      {"tokens_per_second",
       seconds > 0 ? std::round(static_cast<double>(step.tokens) / seconds) : 0.0}};
  return line.dump();
}

std::string evaluation_line(const actors::EvaluationSummary& evaluation) {
  const nlohmann::ordered_json line = {{"step", evaluation.step},
                                       {"epoch", evaluation.epoch},
                                       {"version", evaluation.version},
                                       {"loss", evaluation.loss},
                                       {"perplexity", std::exp(evaluation.loss)},
                                       {"tokens", evaluation.tokens},
                                       {"best", evaluation.best}};
  return line.dump();
}

}  // namespace nodezero::apps
