// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "nodezero/error.hpp"

namespace nodezero::formats {

/// JSON that somebody else has written: every text that the program reads goes through here. A
/// document may be nested 64 deep, because code that walks through it calls itself for each level,
/// and may need at most 64 MiB and four times its own size of memory, because 3 bytes of text
/// can ask for 60 of memory. Fails with malformed; the message says what is wrong and where, such
/// as "is not JSON (byte 17)", and is to be put behind the file's name.
Result<nlohmann::json> read_json(std::string_view text);

}  // namespace nodezero::formats
