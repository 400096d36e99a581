// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>

#include "verify/explore/report.hpp"

namespace nodezero::verify::explore {

/// Visits every state that a scenario can reach, depth first: a state that was met before is
/// not followed again. Actors cannot be copied, so that each branch is replayed from the start.
/// With `reduced`, steps whose order cannot matter are not permuted (Reduction); the ends of all
/// runs, and every broken rule that a step or an end can show, are reached all the same.
///
/// States are told apart by 64-bit fingerprints: among n states two have the same by chance with
/// probability n^2 / 2^65, which for a million is 3e-8.
///
/// A state that is reached again from itself is reported: such a run need not end. With
/// `may_return` it is not, and the reduction, which needs that there is none, must be off.
Report explore_all(Run& run, const Bounds& bounds, bool reduced, bool may_return = false);

/// Walks through every class of schedules that differ in more than the order of steps of
/// different actors, once: dynamic partial-order reduction with source sets (Abdulla, Aronis,
/// Jonsson, Sagonas 2014) and sleep sets. Needs no fingerprints, but has no way to see that two
/// classes lead to the same state. `schedules` counts the classes. The order of faults, of time and
/// of an actor's end that others may still send to matters for all other steps; with
/// `all_dependent` that of every step does, so that every order is walked through.
Report explore_classes(Run& run, const Bounds& bounds, bool all_dependent = false);

}  // namespace nodezero::verify::explore
