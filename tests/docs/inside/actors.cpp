// SPDX-License-Identifier: BSD-3-Clause

// What a fragment of a host that is a CAF actor system takes as given.

#include <nodezero/caf.hpp>
#include <nodezero/language_model.hpp>

bool show(const std::vector<std::int32_t>& tokens);

void host(nodezero::TraceFile& trace, const nodezero::LanguageModel& model,
          const nodezero::TrainerOptions& options, const nodezero::Prompt& prompt) {
#include SNIPPET
}
