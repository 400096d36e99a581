// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>

namespace nodezero::test {

/// The root of this repository, for tests that read its files.
std::filesystem::path source_folder();

}  // namespace nodezero::test
