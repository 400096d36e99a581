// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>

namespace nodezero::oracle {

/// Where the program's references lie; set from its command line before the tests run.
struct Folders {
  std::filesystem::path oracle;  ///< optimizer steps, see oracle.hpp
  std::filesystem::path model;   ///< a trained model with ref.json and ref_logits.npy
};

Folders& folders();

}  // namespace nodezero::oracle
