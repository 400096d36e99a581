// SPDX-License-Identifier: BSD-3-Clause

// What the definition of a model named Plane takes as given, and what it must satisfy.

#include <nodezero/eigen.hpp>
#include <vector>

namespace nz = nodezero::eigen;

#include SNIPPET

static_assert(nodezero::Trainable<Plane>);
