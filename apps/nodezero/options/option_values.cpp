// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/options/option_values.hpp"

#include <array>
#include <charconv>
#include <type_traits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/nodezero/common.hpp"

namespace nodezero::apps {

namespace {

template <class Enum, std::size_t count = 3>
using Names = std::array<std::pair<std::string_view, Enum>, count>;

constexpr Names<model::Tokenizer::Kind> tokenizer_names{{{"bytes", model::Tokenizer::Kind::bytes},
                                                         {"chars", model::Tokenizer::Kind::chars},
                                                         {"none", model::Tokenizer::Kind::none}}};
constexpr Names<model::Precision, 2> precision_names{
    {{"fp32", model::Precision::fp32}, {"bf16", model::Precision::bf16}}};
constexpr Names<actors::RoutingPolicy> routing_names{
    {{"balanced", actors::RoutingPolicy::balanced},
     {"dominant", actors::RoutingPolicy::dominant},
     {"round-robin", actors::RoutingPolicy::round_robin}}};
constexpr Names<actors::InferencePolicy> inference_names{
    {{"snapshot", actors::InferencePolicy::snapshot},
     {"wait", actors::InferencePolicy::wait},
     {"refuse", actors::InferencePolicy::refuse}}};

[[noreturn]] void refuse(const OptionSpec& spec, const std::string& takes,
                         const std::string& text) {
  throw CommandError(exit_bad_input,
                     fmt::format("--{} takes {}, not '{}'", spec.name, takes, text));
}

std::string limits(const OptionSpec& spec, std::string_view kind) {
  return spec.most < 1e15 ? fmt::format("{} from {} to {}", kind, spec.least, spec.most)
                          : fmt::format("{} of at least {}", kind, spec.least);
}

template <class Number>
void parse_number(const OptionSpec& spec, std::string_view kind, const std::string& text,
                  Number& out) {
  Number value{};
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  const auto size = static_cast<double>(value);
  // Written so that NaN, which compares with nothing, is refused.
  const bool inside = size >= spec.least && size <= spec.most;
  if (error != std::errc{} || stop != end || !inside) {
    refuse(spec, limits(spec, kind), text);
  }
  out = value;
}

template <class Enum, std::size_t size>
void parse_name(const OptionSpec& spec, const Names<Enum, size>& names, std::size_t count,
                const std::string& text, Enum& out) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) {
    if (names[i].first == text) {
      out = names[i].second;
      return;
    }
    all += (i == 0 ? "" : i + 1 == count ? " or " : ", ") + std::string(names[i].first);
  }
  refuse(spec, all, text);
}

template <class Enum, std::size_t size>
std::string_view name_in(const Names<Enum, size>& names, Enum value) {
  for (const auto& [name, candidate] : names) {
    if (candidate == value) {
      return name;
    }
  }
  return "?";
}

}  // namespace

void parse_value(const OptionSpec& spec, const std::string& text, std::int64_t& out) {
  parse_number(spec, "a whole number", text, out);
}
void parse_value(const OptionSpec& spec, const std::string& text, std::uint64_t& out) {
  parse_number(spec, "a whole number", text, out);
}
void parse_value(const OptionSpec& spec, const std::string& text, std::uint32_t& out) {
  parse_number(spec, "a whole number", text, out);
}
void parse_value(const OptionSpec& spec, const std::string& text, double& out) {
  parse_number(spec, "a number", text, out);
}
void parse_value(const OptionSpec&, const std::string& text, std::string& out) {
  out = text;
}
void parse_value(const OptionSpec& spec, const std::string& text, model::Tokenizer::Kind& out) {
  // "none" is what token files have; nobody chooses it for text.
  parse_name(spec, tokenizer_names, 2, text, out);
}
void parse_value(const OptionSpec& spec, const std::string& text, model::Precision& out) {
  parse_name(spec, precision_names, precision_names.size(), text, out);
}
void parse_value(const OptionSpec& spec, const std::string& text, actors::RoutingPolicy& out) {
  parse_name(spec, routing_names, routing_names.size(), text, out);
}
void parse_value(const OptionSpec& spec, const std::string& text, actors::InferencePolicy& out) {
  parse_name(spec, inference_names, inference_names.size(), text, out);
}

std::string_view value_name(model::Tokenizer::Kind kind) {
  return name_in(tokenizer_names, kind);
}
std::string_view value_name(model::Precision precision) {
  return name_in(precision_names, precision);
}
std::string_view value_name(actors::RoutingPolicy policy) {
  return name_in(routing_names, policy);
}
std::string_view value_name(actors::InferencePolicy policy) {
  return name_in(inference_names, policy);
}

nlohmann::json to_json(const TrainOptions& options) {
  nlohmann::json json = nlohmann::json::object();
  for_each_option([&](const OptionSpec& spec, auto field) {
    const auto& value = field(options);
    if constexpr (std::is_enum_v<std::remove_cvref_t<decltype(value)>>) {
      json[spec.name] = value_name(value);
    } else {
      json[spec.name] = value;
    }
  });
  return json;
}

TrainOptions options_from_json(const nlohmann::json& json) {
  TrainOptions options;
  for_each_option([&](const OptionSpec& spec, auto field) {
    if (!json.contains(spec.name)) {
      return;
    }
    const auto& stored = json[spec.name];
    auto& value = field(options);
    using Value = std::remove_cvref_t<decltype(value)>;
    try {
      if constexpr (std::is_same_v<Value, std::vector<std::string>>) {
        value = stored.template get<Value>();
      } else {
        // A number's JSON text is its command-line text, so the same limits apply.
        parse_value(spec, stored.is_string() ? stored.template get<std::string>() : stored.dump(),
                    value);
      }
    } catch (const nlohmann::json::exception&) {
      throw CommandError(
          exit_bad_input,
          fmt::format("option '{}' has a value of the wrong type: {}", spec.name, stored.dump()));
    }
  });
  return options;
}

}  // namespace nodezero::apps
