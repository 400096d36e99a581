// SPDX-License-Identifier: BSD-3-Clause
#include "model/storage/progress_json.hpp"

#include <array>
#include <charconv>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "formats/bounded_json.hpp"

namespace nodezero::model {
namespace {

/// The one list of a progress's fields, for writing and for reading.
template <class Stored, class Visit>
void for_each_field(Stored& stored, Visit&& visit) {
  auto& progress = stored.progress;
  visit("run", progress.run);
  visit("epoch", progress.epoch);
  visit("step_in_epoch", progress.step_in_epoch);
  visit("step", progress.step);
  visit("version", progress.version);
  visit("epoch_negative_log_likelihood", progress.epoch_negative_log_likelihood);
  visit("epoch_tokens", progress.epoch_tokens);
  visit("best_validation_loss", progress.best_validation_loss);
  visit("best_validation_step", progress.best_validation_step);
  visit("optimizer_step", stored.optimizer_step);
}

// to_chars and from_chars, unlike printf and strtod, do not depend on the host's locale.
std::string digits_of(double value) {
  std::array<char, 64> buffer{};
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), result.ptr};
}

bool read_value(const nlohmann::json& json, std::uint64_t& value) {
  if (!json.is_number_unsigned()) {
    return false;
  }
  value = json.get<std::uint64_t>();
  return true;
}

bool read_value(const nlohmann::json& json, double& value) {
  if (!json.is_string()) {
    return false;
  }
  const auto& digits = json.get_ref<const std::string&>();
  const char* const end = digits.data() + digits.size();
  const auto result = std::from_chars(digits.data(), end, value);
  return result.ec == std::errc() && result.ptr == end;
}

void make_longest(std::uint64_t& value) {
  value = std::numeric_limits<std::uint64_t>::max();
}

void make_longest(double& value) {
  value = std::numeric_limits<double>::lowest();  // a sign, 17 digits and e+308
}

}  // namespace

std::string progress_to_json(const StoredProgress& stored) {
  nlohmann::ordered_json json;
  for_each_field(stored, [&](const char* key, const auto& value) {
    if constexpr (std::is_same_v<decltype(value), const double&>) {
      json[key] = digits_of(value);
    } else {
      json[key] = value;
    }
  });
  return json.dump(2) + "\n";
}

Result<StoredProgress> progress_from_json(std::string_view text) {
  const auto json = formats::read_json(text).value_or(nlohmann::json());
  if (!json.is_object()) {
    return fail(ErrorCode::malformed, "progress.json is not a JSON object; it is damaged");
  }
  StoredProgress stored;
  std::string wrong;
  for_each_field(stored, [&](const char* key, auto& value) {
    if (!json.contains(key) || !read_value(json[key], value)) {
      wrong = key;
    }
  });
  if (!wrong.empty()) {
    return fail(ErrorCode::malformed,
                fmt::format("progress.json has no valid number for {}; it is damaged", wrong));
  }
  return stored;
}

StoredProgress longest_progress() {
  StoredProgress stored;
  for_each_field(stored, [](const char*, auto& value) { make_longest(value); });
  return stored;
}

}  // namespace nodezero::model
