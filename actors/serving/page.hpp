// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

namespace nodezero::actors {

/// The page at /: page/page.html, which loads nothing else.
extern const std::string_view serving_page;

/// A header that has a browser hold it to that.
inline constexpr std::string_view page_policy =
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; script-src "
    "'unsafe-inline'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors "
    "'none'\r\n";

}  // namespace nodezero::actors
