// SPDX-License-Identifier: BSD-3-Clause

// The entry for libFuzzer, of the target that NODEZERO_FUZZ_TARGET names.

#include <algorithm>
#include <cstdint>

#include "tests/fuzz/targets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nodezero::fuzz;
  static const Target& target = *std::ranges::find(targets(), NODEZERO_FUZZ_TARGET, &Target::name);
  target.read(std::as_bytes(std::span(data, size)));
  return 0;
}
