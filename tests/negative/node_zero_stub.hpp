// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <utility>

#include "actors/interfaces.hpp"

namespace nodezero::actors {

/// node_zero's behaviour with `on_begin_epoch` as handler of begin_epoch, and every other
/// handler sound and empty.
template <class Handler>
node_zero_actor::behavior_type node_zero_stub(Handler on_begin_epoch) {
  return {
      std::move(on_begin_epoch),
      [](const evaluate&) { return EvaluationSummary{}; },
      [](const halt&) { return halted{}; },
      [](const gradient&) {},
      [](const report&) {},
      [](const step_failed&) {},
      [](const watchdog_tick&) {},
  };
}

}  // namespace nodezero::actors
