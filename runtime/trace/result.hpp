// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include <tl/expected.hpp>

namespace nodezero::runtime::trace {

/// A value, or one line that says what is wrong and how to mend it.
template <class T>
using Result = tl::expected<T, std::string>;

inline tl::unexpected<std::string> fail(std::string message) {
  return tl::unexpected<std::string>(std::move(message));
}

}  // namespace nodezero::runtime::trace
