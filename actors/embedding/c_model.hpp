// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "nodezero/nodezero.h"
#include "nodezero/trainable.hpp"

namespace nodezero {

/// Batches and answers of a model in C.
using Bytes = std::vector<std::byte>;

Bytes copy_bytes(const void* data, std::size_t size);

/// What a model in C is asked.
struct CInput {
  Bytes input;
  std::size_t output_size = 0;
};

/// A Trainable of a C program's functions. Fails with invalid_argument if something is NULL
/// that must not be.
Result<std::shared_ptr<const AnyTrainable>> make_c_model(const nodezero_model& model);

}  // namespace nodezero
