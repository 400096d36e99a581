// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>

namespace nodezero::layers {

/// C++ source with comments and the contents of string and character literals replaced by
/// blanks; line breaks stay, and so do the paths of #include lines.
std::string blank_comments_and_strings(std::string_view source);

/// The reverse: blanks for all but string and character literals.
std::string blank_all_but_strings(std::string_view source);

}  // namespace nodezero::layers
