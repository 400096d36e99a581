// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// CAF's library is not compiled with ThreadSanitizer, so the order that its mailboxes make has to
// be announced: what one thread did before a release is done before what another does after an
// acquire of the same address.

#if defined(__SANITIZE_THREAD__)
#define NODEZERO_THREAD_SANITIZER 1
extern "C" {
void __tsan_acquire(void* address);
void __tsan_release(void* address);
}
#endif
