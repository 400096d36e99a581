// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "model/files/input_file.hpp"
#include "nodezero/error.hpp"

namespace nodezero::model {

/// The content of a packed file as a nameless temporary file. Fails with malformed if the file is
/// damaged, and with io, which names the folder for temporary files, if there is no room in it.
Result<InputFile> unpack_gzip(const InputFile& packed);
Result<InputFile> unpack_zstd(const InputFile& packed);

}  // namespace nodezero::model
