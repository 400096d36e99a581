// SPDX-License-Identifier: BSD-3-Clause

// expect: is private within this context
#ifdef NODEZERO_MISUSE
int misuse = "not a number";
#endif
