// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "model/files/input_file.hpp"
#include "nodezero/error.hpp"

namespace nodezero::model {

/// What a safetensors file says of one tensor.
struct StoredTensor {
  std::string type;                 ///< F32, F16, BF16 or another
  std::vector<std::int64_t> shape;  ///< row-major
  std::uint64_t begin = 0;          ///< of its bytes in the file
  std::uint64_t bytes = 0;
};

/// Bytes of a number of that type, or 0 for a type that is not known.
std::uint64_t bytes_per_number(const std::string& type);

/// The tensors of a safetensors file by name. What it returns is safe to use: every tensor
/// lies in the file and has the bytes that its shape and type need, none overlap, and nothing
/// is left over. Fails with malformed and one line naming the file otherwise.
Result<std::map<std::string, StoredTensor>> read_safetensors_header(const InputFile& file);

}  // namespace nodezero::model
