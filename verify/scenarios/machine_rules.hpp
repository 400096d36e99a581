// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "actors/wire.hpp"
#include "verify/explore/network.hpp"

namespace nodezero::verify {

/// What machines must keep to between each other, whatever is summed: a step is committed only when
/// each machine of its plan has the whole sum, and no machine is a version ahead of another.
class MachineRules {
 public:
  void clear() { *this = {}; }
  const std::string& violation() const { return violation_; }
  std::uint64_t digest() const;

  /// To be called with every message, before it is handled.
  void note(const explore::Delivery& delivery);
  /// A machine has made the update to this version, or begins with it.
  void has_version(std::uint32_t machine, std::uint64_t version);
  /// The term that was planned last, and who takes part in it.
  const std::set<std::uint32_t>& members() const { return newest().members; }

 private:
  struct Term {
    std::set<std::uint32_t> members;
    std::set<std::uint32_t> gathered;
  };

  void note_plan(const actors::wire::plan& plan);
  void note_commit(const actors::wire::commit& commit);
  void broken(std::string rule);
  const Term& newest() const;

  std::string violation_;
  std::map<std::uint64_t, Term> terms_;
  std::map<std::uint32_t, std::uint64_t> versions_;  ///< by machine
};

}  // namespace nodezero::verify
