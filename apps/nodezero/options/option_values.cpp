// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/options/option_values.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <type_traits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/nodezero/common.hpp"
#include "model/text/byte_text.hpp"

namespace nodezero::apps {

namespace {

template <class Enum>
using Name = std::pair<std::string_view, Enum>;

constexpr std::array<Name<model::Tokenizer::Kind>, 4> tokenizer_names{
    {{"bytes", model::Tokenizer::Kind::bytes},
     {"chars", model::Tokenizer::Kind::chars},
     {"bpe", model::Tokenizer::Kind::bpe},
     {"none", model::Tokenizer::Kind::none}}};
constexpr std::array<Name<model::Precision>, 3> precision_names{
    {{"fp32", model::Precision::fp32},
     {"bf16", model::Precision::bf16},
     {"bf16-tile", model::Precision::bf16_tile}}};
constexpr std::array<Name<model::ExchangePrecision>, 2> exchange_names{
    {{"fp32", model::ExchangePrecision::fp32}, {"bf16", model::ExchangePrecision::bf16}}};
constexpr std::array<Name<actors::RoutingPolicy>, 3> routing_names{
    {{"balanced", actors::RoutingPolicy::balanced},
     {"dominant", actors::RoutingPolicy::dominant},
     {"round-robin", actors::RoutingPolicy::round_robin}}};
constexpr std::array<Name<actors::InferencePolicy>, 3> inference_names{
    {{"snapshot", actors::InferencePolicy::snapshot},
     {"wait", actors::InferencePolicy::wait},
     {"refuse", actors::InferencePolicy::refuse}}};

constexpr std::array<Name<model::Activation>, 3> activation_names{
    {{"gelu", model::Activation::gelu},
     {"gelu-exact", model::Activation::gelu_exact},
     {"relu", model::Activation::relu}}};
constexpr std::array<Name<model::TokenType>, 3> token_type_names{
    {{"auto", model::TokenType::automatic},
     {"uint16", model::TokenType::uint16},
     {"uint32", model::TokenType::uint32}}};
constexpr std::array<Name<LearningRateSchedule>, 3> schedule_names{
    {{"cosine", LearningRateSchedule::cosine},
     {"constant", LearningRateSchedule::constant},
     {"wsd", LearningRateSchedule::wsd}}};

/// Options that files written before they existed do not have.
constexpr std::array<std::string_view, 14> added_later{"token-type",
                                                       "binary",
                                                       "schedule",
                                                       "tensorboard",
                                                       "decay-steps",
                                                       "inner",
                                                       "activation",
                                                       "untied",
                                                       "layer-norm-epsilon",
                                                       "unscaled-attention",
                                                       "inverse-layer-scaling",
                                                       "prometheus",
                                                       "exchange",
                                                       "exchange-from"};

/// What people can choose from.
std::span<const Name<model::Precision>> names(model::Precision) {
  return precision_names;
}
std::span<const Name<model::ExchangePrecision>> names(model::ExchangePrecision) {
  return exchange_names;
}
std::span<const Name<actors::RoutingPolicy>> names(actors::RoutingPolicy) {
  return routing_names;
}
std::span<const Name<actors::InferencePolicy>> names(actors::InferencePolicy) {
  return inference_names;
}

std::span<const Name<model::Activation>> names(model::Activation) {
  return activation_names;
}
std::span<const Name<model::TokenType>> names(model::TokenType) {
  return token_type_names;
}
std::span<const Name<LearningRateSchedule>> names(LearningRateSchedule) {
  return schedule_names;
}

[[noreturn]] void refuse(const OptionSpec& spec, const std::string& takes,
                         const std::string& text) {
  throw CommandError(exit_bad_input,
                     fmt::format("--{} must be {}, not '{}'", spec.name, takes, text));
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
  // Phrased so that NaN, for which every comparison is false, is refused.
  const bool inside = size >= spec.least && size <= spec.most;
  if (error != std::errc{} || stop != end || !inside) {
    refuse(spec, limits(spec, kind), text);
  }
  out = value;
}

template <class Enum, std::size_t size>
std::string_view name_in(const std::array<Name<Enum>, size>& names, Enum value) {
  for (const auto& [name, candidate] : names) {
    if (candidate == value) {
      return name;
    }
  }
  return "?";
}

void parse(const OptionSpec& spec, const std::string& text, double& out) {
  parse_number(spec, "a number", text, out);
}
void parse(const OptionSpec& spec, const std::string& text, bool& out) {
  if (text != "true" && text != "false") {
    refuse(spec, "true or false", text);
  }
  out = text == "true";
}
template <class Integer>
requires std::is_integral_v<Integer>
void parse(const OptionSpec& spec, const std::string& text, Integer& out) {
  parse_number(spec, "a whole number", text, out);
}
void parse(const OptionSpec&, const std::string& text, std::string& out) {
  out = text;
}
template <class Enum>
requires std::is_enum_v<Enum>
void parse(const OptionSpec& spec, const std::string& text, Enum& out) {
  for (const auto& [name, value] : names(Enum{})) {
    if (name == text) {
      out = value;
      return;
    }
  }
  refuse(spec, either_of(choices(&out)), text);
}

template <class Value>
constexpr bool is_list = std::is_same_v<std::remove_cvref_t<Value>, std::vector<std::string>>;

const std::string& only(const OptionSpec& spec, const std::vector<std::string>& texts) {
  if (texts.size() != 1) {
    throw CommandError(exit_bad_input,
                       fmt::format("--{} takes one value, not {}", spec.name, texts.size()));
  }
  return texts.front();
}

template <class Value>
std::string shown(const Value& value) {
  if constexpr (std::is_enum_v<Value>) {
    return std::string(value_name(value));
  } else if constexpr (is_list<Value> || std::is_same_v<Value, bool>) {
    return "";
  } else {
    return fmt::format("{}", value);
  }
}

template <class Value>
const char* placeholder_of(const Value&) {
  if constexpr (std::is_same_v<Value, bool>) {
    return "";
  } else if constexpr (std::is_arithmetic_v<Value>) {
    return "N";
  } else if constexpr (is_list<Value>) {
    return "TEXT";
  } else {
    return "NAME";
  }
}

template <class Value>
nlohmann::json as_json(const Value& value) {
  if constexpr (std::is_enum_v<Value>) {
    return value_name(value);
  } else if constexpr (std::is_same_v<Value, std::string>) {
    return model::to_utf8_text(value);
  } else if constexpr (is_list<Value>) {
    auto list = nlohmann::json::array();
    for (const std::string& text : value) {
      list.push_back(model::to_utf8_text(text));
    }
    return list;
  } else {
    return value;
  }
}

void set_from_json(const Option& option, const nlohmann::json& stored, TrainOptions& options) {
  const auto value = option.value_in(options);
  std::vector<std::string> texts;
  try {
    if (std::holds_alternative<std::vector<std::string>*>(value)) {
      stored.get_to(texts);
    } else {
      // A number's JSON text is its command-line text, so the same limits apply.
      texts.push_back(stored.is_string() ? stored.get<std::string>() : stored.dump());
    }
  } catch (const nlohmann::json::exception&) {
    throw CommandError(exit_bad_input,
                       fmt::format("the option '{}' has a value of the wrong type: {}",
                                   option.spec.name, stored.dump()));
  }
  for (std::string& text : texts) {
    text = model::from_utf8_text(text);
  }
  set_value(option.spec, texts, value);
}

}  // namespace

void set_value(const OptionSpec& spec, const std::vector<std::string>& texts, OptionValue value) {
  std::visit(
      [&](auto* out) {
        if constexpr (is_list<decltype(*out)>) {
          *out = texts;
        } else {
          parse(spec, only(spec, texts), *out);
        }
      },
      value);
}

std::string shown_default(OptionValue value) {
  return std::visit([](const auto* held) { return shown(*held); }, value);
}

const char* placeholder(OptionValue value) {
  return std::visit([](const auto* held) { return placeholder_of(*held); }, value);
}

std::string either_of(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) {
    all += (all.empty() ? "" : &text == &texts.back() ? " or " : ", ") + text;
  }
  return all;
}

std::vector<std::string> choices(OptionValue value) {
  std::vector<std::string> all;
  std::visit(
      [&](const auto* held) {
        if constexpr (std::is_enum_v<std::remove_cvref_t<decltype(*held)>>) {
          for (const auto& [name, ignored] : names(*held)) {
            all.emplace_back(name);
          }
        }
      },
      value);
  return all;
}

std::string_view value_name(model::Tokenizer::Kind kind) {
  return name_in(tokenizer_names, kind);
}
std::optional<model::Tokenizer::Kind> tokenizer_kind(std::string_view text) {
  for (const auto& [name, kind] : tokenizer_names) {
    if (name == text && kind != model::Tokenizer::Kind::none) {
      return kind;
    }
  }
  return std::nullopt;
}
std::string_view value_name(model::Precision precision) {
  return name_in(precision_names, precision);
}
std::string_view value_name(model::ExchangePrecision precision) {
  return name_in(exchange_names, precision);
}
std::string_view value_name(model::Activation activation) {
  return name_in(activation_names, activation);
}
std::string_view value_name(model::TokenType type) {
  return name_in(token_type_names, type);
}
std::string_view value_name(LearningRateSchedule schedule) {
  return name_in(schedule_names, schedule);
}
std::string_view value_name(actors::RoutingPolicy policy) {
  return name_in(routing_names, policy);
}
std::string_view value_name(actors::InferencePolicy policy) {
  return name_in(inference_names, policy);
}

nlohmann::json to_json(const TrainOptions& options) {
  nlohmann::json json = nlohmann::json::object();
  TrainOptions copy = options;
  for (const Option& option : option_table()) {
    auto& entry = json[option.spec.name];
    std::visit([&](const auto* value) { entry = as_json(*value); }, option.value_in(copy));
  }
  return json;
}

TrainOptions options_from_json(const nlohmann::json& json) {
  TrainOptions options;
  std::size_t known = 0;
  for (const Option& option : option_table()) {
    const auto stored = json.find(option.spec.name);
    if (stored == json.end() && std::ranges::count(added_later, option.spec.name) == 0) {
      throw CommandError(exit_bad_input,
                         fmt::format("the option '{}' is missing", option.spec.name));
    }
    if (stored != json.end()) {
      ++known;
      set_from_json(option, *stored, options);
    }
  }
  for (const auto& [name, value] : json.items()) {
    const auto has_name = [&, &name = name](const Option& option) {
      return option.spec.name == name;
    };
    if (known < json.size() && std::ranges::none_of(option_table(), has_name)) {
      throw CommandError(
          exit_bad_input,
          fmt::format("there is no option '{}'; has a newer nodezero written it?", name));
    }
  }
  return options;
}

std::optional<double> validation_fraction(const std::string& text) {
  double fraction = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, fraction);
  if (error != std::errc{} || stop != end) {
    return std::nullopt;
  }
  if (!(fraction >= 0 && fraction < 1)) {
    throw CommandError(
        exit_bad_input,
        fmt::format("--validation takes a fraction of at least 0 and below 1, or a file, not '{}'",
                    text));
  }
  return fraction;
}

std::string with_option_names(std::string message) {
  for (const Option& option : option_table()) {
    const std::string name = std::string("--") + option.spec.name;
    std::string member = name == "--batch" ? "sequences" : option.spec.name;
    std::ranges::replace(member, '-', '_');
    const std::string quoted = "'" + member + "'";
    for (auto at = message.find(quoted); at != std::string::npos; at = message.find(quoted)) {
      message.replace(at, quoted.size(), name);
    }
  }
  return message;
}

void check_options(const Result<void>& valid) {
  if (!valid) {
    throw CommandError(exit_bad_input, with_option_names(valid.error().message));
  }
}

}  // namespace nodezero::apps
