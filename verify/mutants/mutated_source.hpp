// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "verify/mutants/mutant.hpp"

namespace nodezero::mutants {

/// An edit and the number of the mutant that it belongs to.
struct NumberedEdit {
  std::size_t number = 0;
  std::string_view mutant;
  Edit edit;
};

/// The source with a branch for each edit, as many lines long as before. Edits may change the same
/// text, or a part of another's. The error is one line for people: which mutant's text is not there
/// exactly once, or which two cross each other.
tl::expected<std::string, std::string> mutated_source(std::string_view source,
                                                      const std::vector<NumberedEdit>& edits);

}  // namespace nodezero::mutants
