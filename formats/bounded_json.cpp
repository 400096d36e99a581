// SPDX-License-Identifier: BSD-3-Clause
#include "formats/bounded_json.hpp"

#include <cstdint>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace nodezero::formats {
namespace {

using Json = nlohmann::json;

constexpr int max_depth = 64;
constexpr std::uint64_t free_memory = std::uint64_t{64} << 20;
constexpr std::uint64_t memory_a_byte = 4;

/// Estimates of what a value takes, its share of a growing container included.
constexpr std::uint64_t value_bytes = 2 * sizeof(Json);
constexpr std::uint64_t container_bytes = 64;
constexpr std::uint64_t member_bytes = 96;

/// Adds up what a document needs while it is parsed.
class Budget {
 public:
  explicit Budget(std::size_t text_bytes) : left_(free_memory + memory_a_byte * text_bytes) {}

  /// @throws Error with malformed
  void take(int depth, Json::parse_event_t event, const Json& parsed) {
    if (depth > max_depth) {
      throw Error{ErrorCode::malformed, fmt::format("is nested more than {} deep", max_depth)};
    }
    const auto needed = bytes_for(event, parsed);
    if (needed > left_) {
      throw Error{ErrorCode::malformed, "holds too many values for its size"};
    }
    left_ -= needed;
  }

 private:
  static std::uint64_t bytes_for(Json::parse_event_t event, const Json& parsed) {
    const auto text = [&] { return parsed.get_ref<const std::string&>().size(); };
    switch (event) {
      case Json::parse_event_t::object_start:
      case Json::parse_event_t::array_start:
        return container_bytes;
      case Json::parse_event_t::key:
        return member_bytes + text();
      case Json::parse_event_t::value:
        return value_bytes + (parsed.is_string() ? sizeof(std::string) + text() : 0);
      default:
        return 0;
    }
  }

  std::uint64_t left_;
};

}  // namespace

Result<Json> read_json(std::string_view text) {
  Budget budget(text.size());
  try {
    return Json::parse(text, [&](int depth, Json::parse_event_t event, Json& parsed) {
      budget.take(depth, event, parsed);
      return true;
    });
  } catch (const Json::parse_error& error) {
    return fail(ErrorCode::malformed, fmt::format("is not JSON (byte {})", error.byte));
  } catch (const Json::exception&) {
    return fail(ErrorCode::malformed, "is JSON with a number beyond all bounds");
  } catch (Error& refused) {
    return tl::unexpected(std::move(refused));
  }
}

}  // namespace nodezero::formats
