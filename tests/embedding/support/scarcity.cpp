// SPDX-License-Identifier: BSD-3-Clause
#include "support/scarcity.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

constexpr std::size_t large = std::size_t{16} << 10U;
std::atomic<int> left = -1;  // large allocations up to the one that fails; negative: none will

bool fails(std::size_t size) {
  return size >= large && left.load() >= 0 && left.fetch_sub(1) == 0;
}

void* allocate(std::size_t size) {
  void* const memory = fails(size) ? nullptr : std::malloc(size > 0 ? size : 1);
  return memory ? memory : throw std::bad_alloc();
}

}  // namespace

// The program's own, in place of the library's.
void* operator new(std::size_t size) {
  return allocate(size);
}
void* operator new[](std::size_t size) {
  return allocate(size);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}
extern "C" void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  void* memory = nullptr;
  return fails(size) || posix_memalign(&memory, alignment, size) != 0 ? nullptr : memory;
}

namespace nodezero::testing {

Scarcity::Scarcity(int before) {
  left = before;
}

Scarcity::~Scarcity() {
  left = -1;
}

bool Scarcity::was_felt() const {
  return left < 0;
}

}  // namespace nodezero::testing
