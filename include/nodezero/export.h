/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef NODEZERO_EXPORT_H
#define NODEZERO_EXPORT_H

/* Marks what libnodezero shows to programs; everything else in it is hidden. */
#if defined(__GNUC__)
#define NODEZERO_EXPORT __attribute__((visibility("default")))
#else
#define NODEZERO_EXPORT
#endif

#endif
