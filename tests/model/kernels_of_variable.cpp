// SPDX-License-Identifier: BSD-3-Clause

// Runs these tests with the kernels that the variable NODEZERO_KERNELS names, or leaves them out if
// this processor cannot run those.

#include <cstdio>
#include <cstdlib>

#include <gtest/gtest.h>

#include "model/kernels/kernels.hpp"

namespace nodezero::model {
namespace {

class KernelsOfVariable : public testing::Environment {
  void SetUp() override {
    const char* const wanted = std::getenv("NODEZERO_KERNELS");
    if (wanted == nullptr) {
      return;
    }
    if (const auto chosen = select_kernels(wanted); !chosen) {
      std::puts(chosen.error().message.c_str());
      std::exit(EXIT_SUCCESS);
    }
  }
};

[[maybe_unused]] const auto* const registered =
    testing::AddGlobalTestEnvironment(new KernelsOfVariable);

}  // namespace
}  // namespace nodezero::model
