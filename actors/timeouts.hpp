#pragma once

#include <chrono>

namespace nodezero::actors {

/// For requests whose answer has no natural bound: the largest count of seconds that is safe to
/// add to CAF's clock.
inline constexpr auto longest_timeout = std::chrono::seconds(1'000'000'000);

}  // namespace nodezero::actors
