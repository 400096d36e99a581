// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>

namespace nodezero::model {

/// Any bytes, such as a path's, as UTF-8 that JSON can carry, so that from_utf8_text gives the same
/// bytes back: text stays as it is, and a byte that belongs to no character becomes a character of
/// the private range U+EF80 to U+EFFF. Characters of that range are treated as such bytes, so
/// nothing is ambiguous.
std::string to_utf8_text(std::string_view bytes);
std::string from_utf8_text(std::string_view text);

}  // namespace nodezero::model
