// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <csignal>
#include <cstddef>
#include <memory>

namespace nodezero::runtime {

/// A second stack for this thread's signal handlers (those with SA_ONSTACK), so that they can still
/// run when the first one is used up. Without effect if the thread has one already.
class AlternateStack {
 public:
  AlternateStack() {
    stack_t before{};
    if (::sigaltstack(nullptr, &before) == 0 && (before.ss_flags & SS_DISABLE) != 0) {
      memory_ = std::make_unique<std::byte[]>(bytes);
      stack_t stack{};
      stack.ss_sp = memory_.get();
      stack.ss_size = bytes;
      ::sigaltstack(&stack, nullptr);
    }
  }
  ~AlternateStack() {
    if (memory_ != nullptr) {
      stack_t none{};
      none.ss_flags = SS_DISABLE;
      ::sigaltstack(&none, nullptr);
    }
  }
  AlternateStack(const AlternateStack&) = delete;
  AlternateStack& operator=(const AlternateStack&) = delete;

 private:
  static constexpr std::size_t bytes = std::size_t{1} << 16;
  std::unique_ptr<std::byte[]> memory_;
};

}  // namespace nodezero::runtime
