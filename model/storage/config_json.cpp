// SPDX-License-Identifier: BSD-3-Clause

// config.json: which GPT-2 it is. Keys that are missing have the values that Hugging Face's
// library gives them; whatever this program would compute differently is refused by name.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "formats/bounded_json.hpp"
#include "model/storage/model_folder.hpp"

namespace nodezero::model {
namespace {

using Json = nlohmann::json;

constexpr double default_dropout = 0.1;
constexpr double initializer_range = 0.02;

constexpr const char* activation_key = "activation_function";
constexpr const char* epsilon_key = "layer_norm_epsilon";
constexpr const char* inner_key = "n_inner";
constexpr const char* tied_key = "tie_word_embeddings";
constexpr const char* scaled_key = "scale_attn_weights";
constexpr const char* inverse_layer_key = "scale_attn_by_inverse_layer_idx";

/// Hugging Face's names; the first of those of an activation is written.
constexpr std::pair<const char*, Activation> activation_names[] = {
    {"gelu_new", Activation::gelu},   {"gelu_pytorch_tanh", Activation::gelu},
    {"gelu", Activation::gelu_exact}, {"gelu_python", Activation::gelu_exact},
    {"relu", Activation::relu},
};

tl::unexpected<Error> malformed(std::string what) {
  return fail(ErrorCode::malformed, "config.json " + std::move(what));
}

/// The files of 2019 have no model_type; "afn" told the first GPT from GPT-2 then.
bool is_gpt2(const Json& json) {
  const auto type = json.find("model_type");
  return type == json.end() ? json.contains("n_embd") && !json.contains("afn") : *type == "gpt2";
}

Result<void> check_demands(const Json& json) {
  if (!is_gpt2(json)) {
    return malformed(fmt::format("has model_type {}; only \"gpt2\" is supported",
                                 json.value("model_type", Json()).dump()));
  }
  if (const Json cross = json.value("add_cross_attention", Json(false)); cross != false) {
    return malformed(
        fmt::format("has add_cross_attention {}; only false is supported", cross.dump()));
  }
  const Json architectures = json.value("architectures", Json());
  const bool is_language_model = !architectures.is_array() || architectures.empty() ||
                                 std::ranges::any_of(architectures, [](const Json& name) {
                                   return name == "GPT2LMHeadModel" || name == "GPT2Model";
                                 });
  if (!is_language_model) {
    return malformed(fmt::format("has architectures {}; only \"GPT2LMHeadModel\" is supported",
                                 architectures.dump()));
  }
  return {};
}

/// Some programs write all numbers with a fraction, such as 4.0.
std::optional<std::int64_t> whole_number(const Json& value) {
  constexpr auto most = static_cast<double>(INT32_MAX);
  const double number = value.is_number() ? value.get<double>() : -1;
  return number >= 0 && number <= most && number == std::floor(number)
             ? std::optional(static_cast<std::int64_t>(number))
             : std::nullopt;
}

Result<std::int64_t> size_of(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end()) {
    return malformed(fmt::format("has no {}; copy the whole file of the model", key));
  }
  const auto size = whole_number(*found);
  if (!size) {
    return malformed(
        fmt::format("has {} {}; it must be a positive 32-bit integer", key, found->dump()));
  }
  return *size;
}

/// One probability serves all three places: the residual stream's, where they differ. Nothing is
/// dropped with it, since a training run has its own.
Result<double> dropout_of(const Json& json) {
  for (const char* key : {"resid_pdrop", "embd_pdrop", "attn_pdrop"}) {
    const Json value = json.value(key, Json(default_dropout));
    if (!value.is_number() || !(value.get<double>() >= 0 && value.get<double>() < 1)) {
      return malformed(fmt::format("has {} {}; it must be a number of at least 0 and below 1", key,
                                   value.dump()));
    }
  }
  return json.value("resid_pdrop", default_dropout);
}

const char* name_of(Activation activation) {
  return std::ranges::find(activation_names, activation,
                           [](const auto& pair) { return pair.second; })
      ->first;
}

Result<Activation> activation_of(const Json& json) {
  const Json given = json.value(activation_key, Json(activation_names[0].first));
  for (const auto& [name, activation] : activation_names) {
    if (given == name) {
      return activation;
    }
  }
  return malformed(fmt::format(
      "has {} {}; only \"gelu_new\", \"gelu\", \"relu\" and their other names are supported",
      activation_key, given.dump()));
}

Result<double> epsilon_of(const Json& json) {
  const Json given = json.value(epsilon_key, Json(ModelConfig().layer_norm_epsilon));
  if (!given.is_number() || !(given.get<double>() > 0 && given.get<double>() < 1)) {
    return malformed(fmt::format("has {} {}; it must be a number above 0 and below 1", epsilon_key,
                                 given.dump()));
  }
  return given.get<double>();
}

Result<std::int64_t> inner_of(const Json& json) {
  const Json given = json.value(inner_key, Json());
  const auto inner = given.is_null() ? std::optional<std::int64_t>(0) : whole_number(given);
  if (!inner || (*inner < 1 && !given.is_null())) {
    return malformed(fmt::format("has {} {}; it must be a positive 32-bit integer or null",
                                 inner_key, given.dump()));
  }
  return *inner;
}

Result<bool> switch_of(const Json& json, const char* key, bool usual) {
  const Json given = json.value(key, Json(usual));
  if (!given.is_boolean()) {
    return malformed(fmt::format("has {} {}; it must be true or false", key, given.dump()));
  }
  return given.get<bool>();
}

/// What sets models of the family apart beside their sizes.
Result<void> read_kind(const Json& json, ModelConfig& config) {
  const auto take = [](const auto& read, auto& value) -> Result<void> {
    if (!read) {
      return tl::unexpected(read.error());
    }
    value = *read;
    return {};
  };
  bool tied = true, scaled = true;
  return take(activation_of(json), config.activation)
      .and_then([&] { return take(epsilon_of(json), config.layer_norm_epsilon); })
      .and_then([&] { return take(inner_of(json), config.inner); })
      .and_then([&] { return take(switch_of(json, tied_key, true), tied); })
      .and_then([&] { return take(switch_of(json, scaled_key, true), scaled); })
      .and_then([&] {
        return take(switch_of(json, inverse_layer_key, false), config.inverse_layer_scaling);
      })
      .map([&] {
        config.untied = !tied;
        config.unscaled_attention = !scaled;
      });
}

}  // namespace

std::string config_to_json(const ModelConfig& config, std::string_view earlier) {
  nlohmann::ordered_json json{
      {activation_key, name_of(config.activation)},
      {"architectures", {"GPT2LMHeadModel"}},
      {"attn_pdrop", config.dropout},
      {"bos_token_id", nullptr},
      {"dtype", "float32"},
      {"embd_pdrop", config.dropout},
      {"eos_token_id", nullptr},
      {"initializer_range", initializer_range},
      {epsilon_key, config.layer_norm_epsilon},
      {"model_type", "gpt2"},
      {"n_embd", config.width},
      {"n_head", config.heads},
      {inner_key, config.inner > 0 ? Json(config.inner) : Json()},
      {"n_layer", config.layers},
      {"n_positions", config.context},
      {"reorder_and_upcast_attn", false},
      {"resid_pdrop", config.dropout},
      {inverse_layer_key, config.inverse_layer_scaling},
      {scaled_key, !config.unscaled_attention},
      {tied_key, !config.untied},
      {"torch_dtype", "float32"},
      {"use_cache", true},
      {"vocab_size", config.vocabulary},
  };
  const Json before = formats::read_json(earlier).value_or(Json());
  for (const char* key : {"bos_token_id", "eos_token_id", "pad_token_id"}) {
    if (before.is_object() && before.contains(key)) {
      json[key] = before[key];
    }
  }
  return json.dump(2) + "\n";
}

Result<ModelConfig> config_from_json(std::string_view text) {
  const auto read = formats::read_json(text);
  if (!read) {
    return malformed(read.error().message + "; copy or save it again");
  }
  const Json& json = *read;
  if (!json.is_object()) {
    return malformed("is not a JSON object; copy or save it again");
  }
  if (auto checked = check_demands(json); !checked) {
    return tl::unexpected(checked.error());
  }
  ModelConfig config;
  const struct {
    const char* key;
    std::int64_t& value;
  } sizes[] = {{"n_layer", config.layers},
               {"n_head", config.heads},
               {"n_embd", config.width},
               // Where both stand and differ, n_positions counts, as in Hugging Face's library.
               {json.contains("n_positions") || !json.contains("n_ctx") ? "n_positions" : "n_ctx",
                config.context},
               {"vocab_size", config.vocabulary}};
  for (const auto& size : sizes) {
    const auto read = size_of(json, size.key);
    if (!read) {
      return tl::unexpected(read.error());
    }
    size.value = *read;
  }
  if (auto kind = read_kind(json, config); !kind) {
    return tl::unexpected(kind.error());
  }
  const auto dropout = dropout_of(json);
  if (!dropout) {
    return tl::unexpected(dropout.error());
  }
  config.dropout = *dropout;
  if (auto valid = validate(config); !valid) {
    return malformed("describes a model that is not supported: " + valid.error().message);
  }
  return config;
}

}  // namespace nodezero::model
