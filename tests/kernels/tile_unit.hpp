// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// AMX's instructions as functions, for the kernels that use them and a processor that has none. To
// be included before them.

#include <immintrin.h>

#define NODEZERO_TILE_UNIT

extern "C" {
void tile_unit_configure(const void* configuration);
void tile_unit_load(int tile, const void* from, long row_bytes);
void tile_unit_clear(int tile);
void tile_unit_add_products(int sums, int left, int right);
void tile_unit_store(int tile, void* to, long row_bytes);
void tile_unit_release();
}

#undef _tile_loadconfig
#undef _tile_loadd
#undef _tile_zero
#undef _tile_dpbf16ps
#undef _tile_stored
#undef _tile_release
#define _tile_loadconfig(configuration) tile_unit_configure(configuration)
#define _tile_loadd(tile, from, row_bytes) tile_unit_load(tile, from, row_bytes)
#define _tile_zero(tile) tile_unit_clear(tile)
#define _tile_dpbf16ps(sums, left, right) tile_unit_add_products(sums, left, right)
#define _tile_stored(tile, to, row_bytes) tile_unit_store(tile, to, row_bytes)
#define _tile_release() tile_unit_release()
