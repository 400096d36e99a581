// SPDX-License-Identifier: BSD-3-Clause

// What a fragment of a host's loop takes as given. Its own includes have no effect here, because
// the same headers come first.

#include <functional>
#include <nodezero/multilayer_perceptron.hpp>
#include <nodezero/trainer.hpp>
#include <vector>

struct Pool {
  void post(std::function<void()> job);
};

void host(nodezero::TrainerOptions options, const std::vector<float>& inputs,
          const std::vector<float>& targets, const std::vector<float>& input, double time,
          Pool& pool) {
#include SNIPPET
}
