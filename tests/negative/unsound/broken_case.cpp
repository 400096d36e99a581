// SPDX-License-Identifier: BSD-3-Clause

// expect: does not name a type
#ifndef NODEZERO_MISUSE
unknown broken;
#else
unknown misuse;
#endif
