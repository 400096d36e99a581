// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>
#include <vector>

#include "nodezero/error.hpp"

namespace nodezero::model {

/// The alphabet in nanoGPT's meta.pkl, the code points in the order of their ids. A pickle is a
/// program; this one is not run: only what nanoGPT writes is understood (a dictionary with the
/// number vocab_size and the dictionaries stoi and itos between characters and ids), and anything
/// else fails with malformed. The codes are those of Python's module pickletools.
Result<std::vector<char32_t>> read_pickled_alphabet(std::string_view pickle);

}  // namespace nodezero::model
