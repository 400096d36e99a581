// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include <gtest/gtest.h>

#include "model/kernels/kernels.hpp"

namespace nodezero::model::test {

/// Calls function(name) with the kernels of each level that this processor has.
template <class Function>
void with_each_level(Function function) {
  const std::string before = kernels_in_use();
  for (const std::string_view level : available_kernels()) {
    SCOPED_TRACE(std::string(level));
    ASSERT_TRUE(select_kernels(level));
    function(level);
  }
  ASSERT_TRUE(select_kernels(before));
}

}  // namespace nodezero::model::test
