// SPDX-License-Identifier: BSD-3-Clause
#pragma once

/// Before the definition of a function whose loops the compiler turns into vector code. In a build
/// for any x86-64 processor the function is there for AVX-512, for AVX2 with fused multiply-add
/// and for SSE2, and the program's loader takes what the processor has. Empty in a build for one
/// processor, and with sanitizers, which have not begun when the loader asks.
#ifdef NODEZERO_MULTIVERSION
// The build says that there shall be one version.
#elif defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__AVX2__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define NODEZERO_MULTIVERSION \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define NODEZERO_MULTIVERSION
#endif
