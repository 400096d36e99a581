// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/train/earlier_run.hpp"

#include <fmt/format.h>

#include "apps/nodezero/common.hpp"
#include "model/text/tokenizer_files.hpp"

namespace nodezero::apps {

EarlierRun find_earlier_run(const std::filesystem::path& folder, std::optional<std::uint64_t> step,
                            std::vector<std::string>& remarks) {
  EarlierRun earlier;
  earlier.record = read_run_record(folder);
  auto found = step ? Result<model::FoundCheckpoint>(unwrap(model::read_checkpoint(folder, *step)))
                    : model::read_newest_checkpoint(folder);
  if (found) {
    remarks = found->warnings;
    earlier.origin = std::move(found->origin);
    earlier.checkpoint = std::move(found->checkpoint);
    earlier.companions = unwrap(model::companions_in(found->path));
    if (!earlier.record) {
      throw CommandError(
          exit_bad_input,
          fmt::format(
              "cannot resume the run in '{}': it has checkpoints, but no "
              "run.json, which holds the run's options: put it back, or choose another --out",
              folder.string()));
    }
  } else if (found.error().code == ErrorCode::not_found) {
    remarks.push_back(fmt::format("no checkpoint to resume from, starting at step 0 ({})",
                                  found.error().message));
  } else {
    unwrap(std::move(found));
  }
  if (earlier.record) {
    earlier.tokenizer = unwrap(model::tokenizer_in(folder));
  }
  return earlier;
}

}  // namespace nodezero::apps
