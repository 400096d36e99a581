// SPDX-License-Identifier: BSD-3-Clause

// What the definition of a model named Line takes as given, and what it must satisfy.

#include <nodezero/trainable.hpp>
#include <utility>
#include <vector>

#include SNIPPET

static_assert(nodezero::Trainable<Line>);
