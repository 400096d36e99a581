// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <string_view>

#include "model/files/input_file.hpp"
#include "nodezero/error.hpp"

namespace nodezero::model {

/// How many bytes at the start of a file tell what it is.
inline constexpr std::size_t sniffed_bytes = std::size_t{64} << 10;

/// Why a file that begins with these bytes is not text, and what to do, such as "a PDF document;
/// extract its text"; empty for text. Text is what has no signature of another kind and at most one
/// NUL; Latin-1 and the like stay text.
std::string_view why_no_text(std::string_view start);

/// Opens a file that is to be read as text. One that gzip or zstd has packed is unpacked into a
/// nameless file in the system's folder for temporary files, which is gone when it is closed. Fails
/// with not_found, io, or malformed for what is not text, unless `binary` says that any bytes will
/// do; nothing is then unpacked.
Result<InputFile> open_text(const std::filesystem::path& path, bool binary);

}  // namespace nodezero::model
