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

/// Fails with invalid_argument if memory cannot hold as many values, so that a size must have
/// wrapped, or if they are NULL.
Result<void> check_array(const void* values, std::size_t count, const char* what);

/// A copy of what a caller points to, which may be NULL if there is nothing. Fails as check_array.
template <class Value>
Result<std::vector<Value>> copy_of(const Value* values, std::size_t count, const char* what) {
  return check_array(values, count, what).map([&] {
    return count > 0 ? std::vector<Value>(values, values + count) : std::vector<Value>();
  });
}

/// What a model in C is asked.
struct CInput {
  Bytes input;
  std::size_t output_size = 0;
};

/// A Trainable of a C program's functions. Fails with invalid_argument if something is NULL
/// that must not be, or a size has wrapped.
Result<std::shared_ptr<const AnyTrainable>> make_c_model(const nodezero_model* model);
/// The same of what a C program says of the other models.
Result<std::shared_ptr<const AnyTrainable>> make_c_perceptron(const std::int64_t* sizes,
                                                              std::size_t count);
Result<std::shared_ptr<const AnyTrainable>> make_c_language_model(
    const nodezero_language_model* model);

}  // namespace nodezero
