// SPDX-License-Identifier: BSD-3-Clause
#pragma once

namespace nodezero::actors {

/// When an inference request is answered while an epoch runs.
enum class InferencePolicy {
  snapshot,  ///< at once, from the last complete snapshot
  wait,      ///< at the next epoch boundary, or refused after a bound
  refuse,    ///< with a typed error; no snapshot is held
};

}  // namespace nodezero::actors
