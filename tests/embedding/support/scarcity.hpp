// SPDX-License-Identifier: BSD-3-Clause
#pragma once

namespace nodezero::testing {

/// While it lives, one allocation of this program fails that asks for as much memory as a tensor:
/// the one after `before` others of that kind, in any thread. One at a time.
class Scarcity {
 public:
  explicit Scarcity(int before);
  ~Scarcity();
  Scarcity(const Scarcity&) = delete;
  Scarcity& operator=(const Scarcity&) = delete;

  bool was_felt() const;
};

}  // namespace nodezero::testing
