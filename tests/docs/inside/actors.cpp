// SPDX-License-Identifier: BSD-3-Clause

// What a fragment of a host that is a CAF actor system takes as given.

#include <nodezero/caf.hpp>
#include <nodezero/multilayer_perceptron.hpp>

void host(nodezero::TraceFile& trace, const nodezero::MultilayerPerceptron& model,
          const nodezero::TrainerOptions& options) {
#include SNIPPET
}
