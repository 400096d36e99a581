// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "verify/mutants/switches.hpp"

namespace nodezero::mutants {

/// One change of a source file. The text must be there exactly once; white space does not count.
///
/// A text that ends with `;` or `}` is a sequence of statements, any other an expression. Both stay
/// in the build of mutants, as the other branch of an `if` or a `? :`. Where a branch is not
/// possible, as around a declaration, the replacement says `$on` where it asks whether its mutant
/// is switched on, and takes the text's place.
struct Edit {
  std::string file;  ///< from the root of the project; in actors/
  std::string text;
  std::string replacement;
};

/// A fault that is put into the protocol on purpose, to see that the checker notices it.
struct Mutant {
  std::string_view name;
  std::string_view breaks;  ///< what is wrong then
  std::string_view rows;    ///< of the regressions that it repeats, such as A1; may be empty
  std::vector<Edit> edits;
  /// Mutants that are switched on with it, where one guard hides the absence of another.
  std::vector<std::string_view> with = {};
  /// Why no schedule can show it; empty if one must.
  std::string_view equivalent = {};
  /// Why a trace of a run with it says what one without it says; empty if it must not.
  std::string_view untold = {};
};

/// All mutants.
std::span<const Mutant> all();

/// What a mutant is switched on by: it depends on the name alone, so that a new entry leaves the
/// others' copies as they are. Below most_numbers.
constexpr std::size_t number_of(std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325U;  // FNV-1a
  for (const char c : name) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  }
  return hash % most_numbers;
}

// The parts of the table:
std::vector<Mutant> of_epochs();
std::vector<Mutant> of_spheres();
std::vector<Mutant> of_lanes();
std::vector<Mutant> of_weights();
std::vector<Mutant> of_the_lifecycle();
std::vector<Mutant> of_serving();
std::vector<Mutant> of_the_keeper();
std::vector<Mutant> of_machines();
std::vector<Mutant> several_at_once();

}  // namespace nodezero::mutants
