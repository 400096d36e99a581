// SPDX-License-Identifier: BSD-3-Clause

#ifdef NODEZERO_MISUSE
unknown misuse;
#endif
