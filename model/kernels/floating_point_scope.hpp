// SPDX-License-Identifier: BSD-3-Clause
#pragma once

namespace nodezero::model {

/// While it lives, the calling thread computes with round-to-nearest, without
/// flush-to-zero, and with one OpenMP thread; then what the host had set is back. Every
/// entry into numerics on somebody else's thread holds one, so that the host's modes
/// cannot change a bit of the result.
class FloatingPointScope {
 public:
  FloatingPointScope();
  ~FloatingPointScope();
  FloatingPointScope(const FloatingPointScope&) = delete;
  FloatingPointScope& operator=(const FloatingPointScope&) = delete;

 private:
  unsigned control_and_status_;
  int openmp_threads_;
};

}  // namespace nodezero::model
