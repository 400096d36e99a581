// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/precision.hpp"

namespace nodezero::model {
namespace {

bool multiplies_bf16() {
#if defined(__x86_64__)
  // avx512f holds only if the operating system saves the registers.
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

}  // namespace

Result<void> check_processor(Precision precision) {
  if (precision == Precision::bf16 && !multiplies_bf16()) {
    return fail(
        ErrorCode::invalid_argument,
        "'precision' bf16 needs a processor with AVX512_BF16, which this one lacks; choose fp32");
  }
  return {};
}

}  // namespace nodezero::model
