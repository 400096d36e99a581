// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/tile_unit.hpp"

#ifdef __x86_64__

#include <cpuid.h>
#include <cstring>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

#include "model/kernels/product_scratch.hpp"

namespace nodezero::model {
namespace {

// Of the Linux kernel's asm/prctl.h, which is younger in older distributions: large registers must
// be asked for, because room for them is missing in signal stacks of old programs.
constexpr long request_permission = 0x1023;  ///< ARCH_REQ_XCOMP_PERM
constexpr long tile_data = 18;               ///< XFEATURE_XTILEDATA

}  // namespace

bool has_tile_unit() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  const bool in_processor = __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 &&
                            (d & (1U << 22)) != 0 &&  // AMX-BF16
                            (d & (1U << 24)) != 0;    // AMX-TILE
  return in_processor && syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}

bool have_same_tile_products(const HalfProducts& one, const HalfProducts& other) {
  constexpr std::ptrdiff_t rows = 49, columns = 41, terms = 423;
  const auto numbers = [](std::ptrdiff_t count) {
    std::vector<std::uint16_t> halves(static_cast<std::size_t>(count));
    std::uint32_t word = 1;
    for (std::uint16_t& half : halves) {
      word = word * 1'664'525 + 1'013'904'223;
      // Signs and fractions of all kinds, magnitudes from 2^-15 to 2.
      half = static_cast<std::uint16_t>((word >> 16 & 0x87FF) | 0x3800);
    }
    return halves;
  };
  const auto a = numbers(rows * terms), b = numbers(terms * columns);
  std::vector<float> scratch(static_cast<std::size_t>(product_scratch(rows, columns, terms)));
  const auto product_by = [&](const HalfProducts& products) {
    std::vector<float> c(static_cast<std::size_t>(rows * columns));
    products.multiply_halves({a.data(), terms, 1}, {b.data(), 1, columns},
                             {rows, columns, terms, c.data(), columns, false, scratch.data()});
    return c;
  };
  const auto first = product_by(one), second = product_by(other);
  return std::memcmp(first.data(), second.data(), first.size() * sizeof(float)) == 0;
}

}  // namespace nodezero::model

#endif
