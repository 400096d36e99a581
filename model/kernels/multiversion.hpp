// SPDX-License-Identifier: BSD-3-Clause
#pragma once

/// Goes before the definition of a function whose loops the compiler vectorises. A build for any
/// x86-64 processor compiles the function for AVX-512, for AVX2 with fused multiply-add and for
/// SSE2, and the program's loader picks the version for the processor at hand. Empty in a build for
/// one processor and with sanitizers, which have not started when the loader picks.
#ifdef NODEZERO_MULTIVERSION
// The build asks for a single version.
#elif defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__AVX2__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define NODEZERO_MULTIVERSION \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define NODEZERO_MULTIVERSION
#endif
