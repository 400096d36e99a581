// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "model/files/file_stamp.hpp"
#include "model/storage/companions.hpp"
#include "model/tensors/tensor_set.hpp"
#include "model/training/adamw.hpp"

namespace nodezero::model {

/// Where a run stands at a step boundary: all that resuming needs beside the tensors.
struct TrainingProgress {
  std::uint64_t run = 0;                     ///< identifies the run over all its resumptions
  std::uint64_t epoch = 0;                   ///< the epoch that the next step belongs to
  std::uint64_t step_in_epoch = 0;           ///< the next step's number in that epoch
  std::uint64_t step = 0;                    ///< optimizer steps done, over all epochs
  std::uint64_t version = 0;                 ///< of the weights; rises by one a step
  double epoch_negative_log_likelihood = 0;  ///< sums over the epoch's steps so far
  std::uint64_t epoch_tokens = 0;
  double best_validation_loss = 0;  ///< meaningful if best_validation_step > 0
  std::uint64_t best_validation_step = 0;

  friend bool operator==(const TrainingProgress&, const TrainingProgress&) = default;
};

/// An immutable picture of a run at a step boundary.
struct Checkpoint {
  ModelConfig config;
  TrainingProgress progress;
  std::shared_ptr<const Parameters> weights;
  std::shared_ptr<const OptimizerState> optimizer;
};

/// What each checkpoint of a run holds beside its state, so that it can be used and judged alone.
struct CheckpointContext {
  Companions companions = {};
  /// A JSON object that says what the run computes; kept as it is, and protected by the checksums.
  /// Empty: no origin.json.
  std::string origin = {};
};

/// The checkpoints of a run, to be written to by one program at a time.
class CheckpointFolder {
 public:
  /// `keep`: how many whole checkpoints stay.
  CheckpointFolder(const std::filesystem::path& run_folder, std::uint32_t keep,
                   CheckpointContext context = {});

  /// Writes step-XXXXXXXX: the files of a model folder, optimizer.safetensors, progress.json,
  /// origin.json and checksums.json (SHA-256 of each file), all under a temporary name first,
  /// synced, then renamed. Then removes what is older than the newest `keep` whole checkpoints,
  /// but never the one of this call. A checkpoint counts as whole once its sums have been
  /// compared, which happens again only if a file of it has another stamp. One of that step that
  /// is already whole is left as it is. Fails with io; the checkpoints from before are then as
  /// they were.
  Result<std::filesystem::path> write(const Checkpoint& checkpoint);

 private:
  bool is_whole(const std::filesystem::path& path);
  void remove_old(const std::filesystem::path& written);

  std::filesystem::path folder_;
  std::uint32_t keep_;
  CheckpointContext context_;
  std::map<std::filesystem::path, std::vector<FileStamp>> known_whole_;
};

struct FoundCheckpoint {
  Checkpoint checkpoint;
  std::string origin;  ///< as in CheckpointContext; empty if it was not recorded
  std::filesystem::path path;
  std::vector<std::string> warnings;  ///< one line for each damaged one that was passed over
};

/// The newest whole checkpoint of a run folder; not_found if there is none (the message
/// says which damaged ones were seen). Leftovers of interrupted writes are ignored.
Result<FoundCheckpoint> read_newest_checkpoint(const std::filesystem::path& folder);

/// The checkpoint of a certain step; not_found if there is none (the message says which there are).
Result<FoundCheckpoint> read_checkpoint(const std::filesystem::path& folder, std::uint64_t step);

/// The steps whose checkpoints a run folder has, the newest first, whole or not.
std::vector<std::uint64_t> checkpoint_steps(const std::filesystem::path& folder);

/// Removes the checkpoints of later steps than `step`, so that a run can go on from there.
void remove_later_checkpoints(const std::filesystem::path& folder, std::uint64_t step);

/// Removes what interrupted writes have left in a run folder. Called once when a run starts.
void remove_unfinished_checkpoints(const std::filesystem::path& folder);

}  // namespace nodezero::model
