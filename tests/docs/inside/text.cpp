// SPDX-License-Identifier: BSD-3-Clause

// What a fragment that reads a text takes as given. Its own includes have no effect here, because
// the same headers come first.

#include <cstdint>
#include <nodezero/language_model.hpp>
#include <nodezero/trainer.hpp>

void show(std::int32_t token);

void read_text(nodezero::Trainer* trainer) {
#include SNIPPET
}
