// SPDX-License-Identifier: BSD-3-Clause
#include "actors/serving/completion_request.hpp"

#include <charconv>
#include <cmath>
#include <limits>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "formats/bounded_json.hpp"
#include "formats/printable_text.hpp"

namespace nodezero::actors {
namespace {

using nlohmann::json;

/// Thrown and caught in this file, so that a reader of one parameter needs no result.
struct Refusal {
  ApiError error;
};

[[noreturn]] void refuse(const char* param, const std::string& message) {
  throw Refusal{{400, fmt::format("'{}' {}", param, message), "", param}};
}

std::int64_t whole(const char* param, const json& value, std::int64_t least, std::int64_t most) {
  // 16.0 is what some clients make of 16.
  const bool is_whole = value.is_number_integer() ||
                        (value.is_number_float() && std::abs(value.get<double>()) < 9e15 &&
                         value.get<double>() == std::floor(value.get<double>()));
  const bool is_small = !value.is_number_unsigned() ||
                        value.get<std::uint64_t>() <=
                            static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (!is_whole || !is_small || value.get<std::int64_t>() < least ||
      value.get<std::int64_t>() > most) {
    refuse(param, fmt::format("must be a whole number from {} to {}", least, most));
  }
  return value.get<std::int64_t>();
}

double number(const char* param, const json& value) {
  if (!value.is_number()) {
    refuse(param, "must be a number");
  }
  return value.get<double>();
}

bool flag(const char* param, const json& value) {
  if (!value.is_boolean()) {
    refuse(param, "must be true or false");
  }
  return value.get<bool>();
}

std::string text(const char* param, const json& value) {
  if (!value.is_string()) {
    refuse(param, "must be a string");
  }
  return value.get<std::string>();
}

class Reader {
 public:
  Reader(const ServedModel& model, const ServingOptions& options)
      : model_(model), options_(options) {}

  CompletionRequest read(const json& body, std::uint32_t random_seed) {
    request_.sampling.seed = random_seed;
    request_.sampling.vocabulary = model_.tokenizer.vocabulary();
    if (!body.is_object()) {
      throw Refusal{{400, "the body must be a JSON object", "", ""}};
    }
    static const auto readers = table();
    for (const auto& [name, value] : body.items()) {
      const auto found = readers.find(name);
      if (found == readers.end()) {
        throw Refusal{{400, fmt::format("'{}' is not a parameter of this server", name),
                       "unknown_parameter", name}};
      }
      if (!value.is_null()) {
        (this->*found->second)(value);
      }
    }
    finish(body);
    return std::move(request_);
  }

 private:
  using Member = void (Reader::*)(const json&);

  static std::map<std::string, Member, std::less<>> table() {
    return {{"model", &Reader::read_model},
            {"prompt", &Reader::read_prompt},
            {"max_tokens", &Reader::read_max_tokens},
            {"temperature", &Reader::read_temperature},
            {"top_p", &Reader::read_top_p},
            {"top_k", &Reader::read_top_k},
            {"n", &Reader::read_n},
            {"seed", &Reader::read_seed},
            {"stop", &Reader::read_stop},
            {"logprobs", &Reader::read_logprobs},
            {"echo", &Reader::read_echo},
            {"logit_bias", &Reader::read_logit_bias},
            {"stream", &Reader::read_stream},
            {"stream_options", &Reader::read_stream_options},
            {"policy", &Reader::read_policy},
            {"timeout", &Reader::read_timeout},
            {"user", &Reader::read_user},
            {"best_of", &Reader::read_best_of},
            {"suffix", &Reader::read_suffix},
            {"presence_penalty", &Reader::read_presence_penalty},
            {"frequency_penalty", &Reader::read_frequency_penalty}};
  }

  void read_model(const json& value) { request_.model = text("model", value); }
  void read_max_tokens(const json& value) {
    request_.tokens = whole("max_tokens", value, 0, options_.most_tokens);
  }
  void read_temperature(const json& value) {
    request_.sampling.temperature = number("temperature", value);
  }
  void read_top_p(const json& value) { request_.sampling.top_p = number("top_p", value); }
  void read_top_k(const json& value) {
    request_.sampling.top_k = whole("top_k", value, 0, std::numeric_limits<std::int32_t>::max());
  }
  void read_n(const json& value) {
    request_.choices = static_cast<std::size_t>(
        whole("n", value, 1, static_cast<std::int64_t>(options_.choices_of_a_request())));
  }
  void read_seed(const json& value) {
    if (value.is_number_unsigned()) {
      request_.sampling.seed = value.get<std::uint64_t>();
    } else {
      request_.sampling.seed = static_cast<std::uint64_t>(
          whole("seed", value, 0, std::numeric_limits<std::int64_t>::max()));
    }
  }
  void read_echo(const json& value) { request_.echo = flag("echo", value); }
  void read_stream(const json& value) { request_.stream = flag("stream", value); }
  void read_user(const json& value) { text("user", value); }  // it names somebody, no more
  void read_logprobs(const json& value) {
    request_.log_probabilities = static_cast<std::int32_t>(whole("logprobs", value, 0, 5));
  }

  void read_prompt(const json& value) {
    const auto is_id = [](const json& element) { return element.is_number(); };
    if (value.is_array() && !value.empty() && !is_id(value.front())) {
      for (const auto& prompt : value) {
        add_prompt(prompt);
      }
    } else {
      add_prompt(value);
    }
  }

  void add_prompt(const json& value) {
    std::vector<std::int32_t> ids;
    if (value.is_string()) {
      auto encoded = model_.tokenizer.encode(value.get_ref<const std::string&>());
      if (!encoded) {
        refuse("prompt", "cannot be split into the model's tokens: " + encoded.error().message);
      }
      ids = std::move(*encoded);
    } else if (value.is_array()) {
      for (const auto& id : value) {
        ids.push_back(
            static_cast<std::int32_t>(whole("prompt", id, 0, model_.tokenizer.vocabulary() - 1)));
      }
    } else {
      refuse("prompt", "must be a string, an array of strings, or token ids");
    }
    request_.prompts.push_back(std::move(ids));
  }

  void read_stop(const json& value) {
    const auto add = [this](const json& element) {
      request_.stops.push_back(text("stop", element));
      if (request_.stops.back().empty()) {
        refuse("stop", "must not have an empty text");
      }
    };
    if (!value.is_array()) {
      add(value);
      return;
    }
    if (value.size() > 4) {
      refuse("stop", "may have at most 4 texts");
    }
    for (const auto& element : value) {
      add(element);
    }
  }

  void read_logit_bias(const json& value) {
    if (!value.is_object() || value.size() > 1024) {
      refuse("logit_bias", "must be an object of at most 1,024 token ids with their biases");
    }
    for (const auto& [name, bias] : value.items()) {
      std::int32_t id = -1;
      const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
      if (error != std::errc() || end != name.data() + name.size() || id < 0 ||
          id >= model_.tokenizer.vocabulary()) {
        refuse("logit_bias", "has a token id that the model does not know");
      }
      const double amount = number("logit_bias", bias);
      if (!(amount >= -100 && amount <= 100)) {
        refuse("logit_bias", "must have biases from -100 to 100");
      }
      request_.bias.emplace_back(id, static_cast<float>(amount));
    }
  }

  void read_stream_options(const json& value) {
    if (!value.is_object()) {
      refuse("stream_options", "must be an object");
    }
    for (const auto& [name, option] : value.items()) {
      if (name != "include_usage") {
        refuse("stream_options", fmt::format("has no option '{}' here", name));
      }
      request_.include_usage = flag("stream_options", option);
    }
  }

  void read_policy(const json& value) {
    const auto name = text("policy", value);
    if (name == "snapshot") {
      request_.policy = InferencePolicy::snapshot;
    } else if (name == "wait") {
      request_.policy = InferencePolicy::wait;
    } else if (name == "refuse") {
      request_.policy = InferencePolicy::refuse;
    } else {
      refuse("policy", "must be snapshot, wait or refuse");
    }
  }

  void read_timeout(const json& value) {
    constexpr double most_s = 86'400;
    const double seconds = number("timeout", value);
    if (!(seconds > 0 && seconds <= most_s)) {
      refuse("timeout", fmt::format("must be a number of seconds above 0 and up to {}", most_s));
    }
    request_.timeout =
        std::chrono::ceil<std::chrono::milliseconds>(std::chrono::duration<double>(seconds));
  }

  void read_best_of(const json& value) { best_of_ = whole("best_of", value, 1, 128); }
  void read_suffix(const json&) { refuse("suffix", "is not done here"); }
  void read_presence_penalty(const json& value) { refuse_unless_zero("presence_penalty", value); }
  void read_frequency_penalty(const json& value) { refuse_unless_zero("frequency_penalty", value); }
  static void refuse_unless_zero(const char* param, const json& value) {
    if (number(param, value) != 0) {
      refuse(param, "is not done here: it must be 0");
    }
  }

  /// What several parameters say together.
  void finish(const json& body) {
    if (!body.contains("model") || request_.model.empty()) {
      throw Refusal{{400, "'model' is missing", "missing_parameter", "model"}};
    }
    if (request_.prompts.empty()) {
      request_.prompts.emplace_back();
    }
    const auto end_token = model_.tokenizer.end_token();
    for (auto& prompt : request_.prompts) {
      if (prompt.empty() && end_token >= 0) {
        prompt.push_back(end_token);  // a new text begins
      }
      if (prompt.empty()) {
        refuse("prompt", "must have at least one token");
      }
      if (prompt.size() > static_cast<std::size_t>(model_.config.context)) {
        throw Refusal{{400,
                       fmt::format("this model's context is {} tokens, and the prompt has {}",
                                   model_.config.context, prompt.size()),
                       "context_length_exceeded", "prompt"}};
      }
    }
    const std::size_t most = options_.choices_of_a_request();
    if (request_.prompts.size() * request_.choices > most) {
      refuse("n", fmt::format("asks, over all prompts, for more than {} choices", most));
    }
    if (best_of_ && *best_of_ != static_cast<std::int64_t>(request_.choices)) {
      refuse("best_of", "is not done here: it must equal 'n'");
    }
    if (request_.include_usage && !request_.stream) {
      refuse("stream_options", "needs 'stream'");
    }
    if (const auto valid = model::validate(request_.sampling); !valid) {
      const auto& message = valid.error().message;  // begins with the parameter's name in quotes
      const auto end = message.find('\'', 1);
      throw Refusal{{400, message, "", message.substr(1, end - 1)}};
    }
  }

  const ServedModel& model_;
  const ServingOptions& options_;
  CompletionRequest request_;
  std::optional<std::int64_t> best_of_;
};

}  // namespace

tl::expected<CompletionRequest, ApiError> read_completion_request(std::string_view body,
                                                                  const ServedModel& model,
                                                                  const ServingOptions& options,
                                                                  std::uint32_t random_seed) {
  const auto document = formats::read_json(body);
  if (!document) {
    return tl::unexpected(ApiError{400, "the body " + document.error().message, "", ""});
  }
  try {
    return Reader(model, options).read(*document, random_seed);
  } catch (Refusal& refusal) {
    return tl::unexpected(std::move(refusal.error));
  }
}

}  // namespace nodezero::actors
