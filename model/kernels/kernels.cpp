// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/kernels.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "model/kernels/tile_unit.hpp"

namespace nodezero::model {

#define NODEZERO_TABLE_OF(level)  \
  namespace level {               \
  extern const KernelTable table; \
  }
NODEZERO_TABLE_OF(portable)
#if defined(__x86_64__)
NODEZERO_TABLE_OF(v3)
NODEZERO_TABLE_OF(v4)
NODEZERO_TABLE_OF(avx512_bf16)
NODEZERO_TABLE_OF(amx)
#endif
#undef NODEZERO_TABLE_OF

namespace {

struct Level {
  std::string_view name;
  const KernelTable* table;
  bool (*is_available)();
};

bool always() {
  return true;
}

#if defined(__x86_64__)

bool has_v3() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

// avx512f holds only if the operating system saves the registers.
bool has_v4() {
  return has_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
}

bool has_avx512_bf16() {
  return has_v4() && __builtin_cpu_supports("avx512bf16");
}

bool has_amx() {
  return has_avx512_bf16() && has_tile_unit() &&
         have_same_tile_products(amx::table.bf16_tile, avx512_bf16::table.bf16_tile);
}

constexpr Level levels[] = {
    {"portable", &portable::table, always},
    {"v3", &v3::table, has_v3},
    {"v4", &v4::table, has_v4},
    {"avx512-bf16", &avx512_bf16::table, has_avx512_bf16},
    {"amx", &amx::table, has_amx},
};

#else

constexpr Level levels[] = {{"portable", &portable::table, always}};

#endif

const std::vector<const Level*>& available_levels() {
  static const auto found = [] {
    std::vector<const Level*> all;
    for (const Level& level : levels) {
      if (level.is_available()) {
        all.push_back(&level);
      }
    }
    return all;
  }();
  return found;
}

Result<std::vector<const Level*>> parse(std::string_view names) {
  std::vector<const Level*> chosen;
  while (true) {
    const std::size_t comma = names.find(',');
    const std::string_view name = names.substr(0, comma);
    const auto& here = available_levels();
    const auto found = std::ranges::find(here, name, &Level::name);
    if (found == here.end()) {
      const bool is_known = std::ranges::find(levels, name, &Level::name) != std::end(levels);
      return fail(ErrorCode::invalid_argument, fmt::format("this {} has no kernels '{}'; it has {}",
                                                           is_known ? "processor" : "program", name,
                                                           fmt::join(available_kernels(), ", ")));
    }
    chosen.push_back(*found);
    if (comma == std::string_view::npos) {
      return chosen;
    }
    names.remove_prefix(comma + 1);
  }
}

/// The levels in use.
struct Selection {
  std::mutex mutex;
  std::vector<const Level*> chosen{available_levels().back()};
  std::size_t turn = 0;
};

Selection& selection() {
  static Selection the_selection;
  return the_selection;
}

/// Counts selections. Threads have seen none at first.
std::atomic<unsigned> generation = 1;

thread_local const KernelTable* table_of_thread = nullptr;
thread_local unsigned generation_of_thread = 0;

}  // namespace

const KernelTable& kernels() {
  if (generation_of_thread != generation.load(std::memory_order_acquire)) {
    Selection& all = selection();
    const std::scoped_lock lock(all.mutex);
    table_of_thread = all.chosen[all.turn++ % all.chosen.size()]->table;
    generation_of_thread = generation;
  }
  return *table_of_thread;
}

std::vector<std::string_view> available_kernels() {
  std::vector<std::string_view> names;
  for (const Level* level : available_levels()) {
    names.push_back(level->name);
  }
  return names;
}

std::string kernels_in_use() {
  const std::scoped_lock lock(selection().mutex);
  std::string names;
  for (const Level* level : selection().chosen) {
    names += (names.empty() ? "" : ",");
    names += level->name;
  }
  return names;
}

Result<void> select_kernels(std::string_view names) {
  auto chosen = parse(names);
  if (!chosen) {
    return tl::unexpected(chosen.error());
  }
  Selection& all = selection();
  const std::scoped_lock lock(all.mutex);
  all.chosen = std::move(*chosen);
  all.turn = 0;
  ++generation;
  return {};
}

}  // namespace nodezero::model
