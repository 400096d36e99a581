// SPDX-License-Identifier: BSD-3-Clause

// expect: error
#ifdef NODEZERO_MISUSE
int misuse();
#endif
