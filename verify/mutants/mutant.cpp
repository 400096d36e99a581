// SPDX-License-Identifier: BSD-3-Clause
#include "verify/mutants/mutant.hpp"

#include <algorithm>
#include <iterator>

namespace nodezero::mutants {

std::span<const Mutant> all() {
  static const std::vector<Mutant> mutants = [] {
    std::vector<Mutant> joined;
    for (const auto part : {of_epochs, of_spheres, of_lanes, of_weights, of_the_lifecycle,
                            of_serving, of_the_keeper, of_machines, several_at_once}) {
      std::ranges::copy(part(), std::back_inserter(joined));
    }
    return joined;
  }();
  return mutants;
}

}  // namespace nodezero::mutants
