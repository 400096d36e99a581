// SPDX-License-Identifier: BSD-3-Clause

// A run's checkpoints. At every moment a finished one has its final name or is still whole
// under it: a new one gets that name by one rename after everything is on the disk, and an old
// one loses it by one rename before anything of it is removed.
#include "model/storage/checkpoint.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <stdio.h>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "model/files/atomic_file.hpp"
#include "model/files/system_error.hpp"
#include "model/storage/checkpoint_files.hpp"

namespace nodezero::model {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view finished_prefix = "step-";
constexpr std::string_view unfinished_prefix = "unfinished-";

fs::path checkpoints_in(const fs::path& run_folder) {
  return run_folder / "checkpoints";
}

std::string name_of_step(std::uint64_t step) {
  return fmt::format("{}{:08}", finished_prefix, step);
}

struct NamedCheckpoint {
  std::uint64_t step;
  fs::path path;
};

std::optional<std::uint64_t> step_of_name(std::string_view name) {
  if (!name.starts_with(finished_prefix)) {
    return std::nullopt;
  }
  const auto digits = name.substr(finished_prefix.size());
  std::uint64_t step = 0;
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), step);
  // Only the very name that a step gets counts, so that no two names mean one step.
  return result.ec == std::errc() && name_of_step(step) == name ? std::optional(step)
                                                                : std::nullopt;
}

/// All that have a finished checkpoint's name, the newest first. A folder that cannot be
/// listed has none.
std::vector<NamedCheckpoint> newest_first(const fs::path& checkpoints) {
  std::vector<NamedCheckpoint> found;
  std::error_code error;
  for (fs::directory_iterator entry(checkpoints, error), end; !error && entry != end;
       entry.increment(error)) {
    if (const auto step = step_of_name(entry->path().filename().string())) {
      found.push_back({*step, entry->path()});
    }
  }
  std::ranges::sort(found, std::greater(), &NamedCheckpoint::step);
  return found;
}

Result<void> rename_durably(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    return tl::unexpected(write_error(to, errno));
  }
  return sync_path(to.parent_path());
}

fs::path unfinished_name(const fs::path& path, std::string_view why) {
  return path.parent_path() /
         fmt::format("{}{}-{}", unfinished_prefix, why, path.filename().string());
}

/// Takes a checkpoint's name away before its files, so that half of one never looks damaged.
void discard(const fs::path& path) {
  std::error_code ignored;
  const auto aside = unfinished_name(path, "removed");
  fs::remove_all(aside, ignored);
  if (rename_durably(path, aside)) {
    fs::remove_all(aside, ignored);
  }
}

Result<void> write_new(const fs::path& path, const Checkpoint& checkpoint,
                       const CheckpointContext& context) {
  const auto unfinished = unfinished_name(path, "written");
  std::error_code ignored;
  fs::remove_all(unfinished, ignored);
  auto written =
      create_folder(unfinished)
          .and_then([&] { return write_checkpoint_files(unfinished, checkpoint, context); })
          .and_then([&] { return sync_path(unfinished); });
  if (written) {
    // A rename cannot replace a folder with files in it; what is here is damaged.
    if (fs::exists(fs::symlink_status(path, ignored))) {
      discard(path);
    }
    written = rename_durably(unfinished, path);
  }
  if (!written) {
    fs::remove_all(unfinished, ignored);
  }
  return written;
}

}  // namespace

CheckpointFolder::CheckpointFolder(const fs::path& run_folder, std::uint32_t keep,
                                   CheckpointContext context)
    : folder_(checkpoints_in(run_folder)), keep_(keep), context_(std::move(context)) {}

Result<fs::path> CheckpointFolder::write(const Checkpoint& checkpoint) {
  if (auto created = create_folder(folder_); !created) {
    return tl::unexpected(created.error());
  }
  const auto path = folder_ / name_of_step(checkpoint.progress.step);
  if (!is_whole(path)) {
    if (auto written = write_new(path, checkpoint, context_); !written) {
      return tl::unexpected(written.error());
    }
    // Its sums have just been made of its files.
    known_whole_[path] = checkpoint_stamps(path);
  }
  remove_old(path);
  return path;
}

bool CheckpointFolder::is_whole(const fs::path& path) {
  const auto stamps = checkpoint_stamps(path);
  const auto known = known_whole_.find(path);
  if (known != known_whole_.end() && known->second == stamps) {
    return true;
  }
  known_whole_.erase(path);
  if (!verify_checkpoint_files(path)) {
    return false;
  }
  known_whole_[path] = stamps;
  return true;
}

/// A failure to remove is not one to write: the next checkpoint tries again.
void CheckpointFolder::remove_old(const fs::path& written) {
  std::uint32_t whole = 0;
  for (const auto& [step, path] : newest_first(folder_)) {
    if (path == written) {
      ++whole;
    } else if (whole >= keep_) {
      known_whole_.erase(path);
      discard(path);
    } else if (is_whole(path)) {
      ++whole;
    }
  }
}

Result<FoundCheckpoint> read_newest_checkpoint(const fs::path& folder) {
  std::vector<std::string> warnings;
  for (const auto& [step, path] : newest_first(checkpoints_in(folder))) {
    auto checkpoint = read_checkpoint_files(path);
    if (checkpoint) {
      return FoundCheckpoint{std::move(*checkpoint),
                             read_file(path / origin_file).value_or(std::string()), path,
                             std::move(warnings)};
    }
    warnings.push_back(fmt::format("skipped a damaged checkpoint: {}", checkpoint.error().message));
  }
  if (warnings.empty()) {
    return fail(ErrorCode::not_found,
                fmt::format("{}: no checkpoint; start a new run", folder.string()));
  }
  return fail(ErrorCode::not_found, fmt::format("{}: no checkpoint is whole ({}); start a new run",
                                                folder.string(), fmt::join(warnings, "; ")));
}

Result<FoundCheckpoint> read_checkpoint(const fs::path& folder, std::uint64_t step) {
  const auto path = checkpoints_in(folder) / name_of_step(step);
  const auto steps = checkpoint_steps(folder);
  if (std::ranges::count(steps, step) == 0) {
    return fail(ErrorCode::not_found,
                fmt::format("{}: no checkpoint of step {}; there are those of {}", folder.string(),
                            step, fmt::join(steps, ", ")));
  }
  return read_checkpoint_files(path).map([&](Checkpoint&& checkpoint) {
    return FoundCheckpoint{
        std::move(checkpoint), read_file(path / origin_file).value_or(std::string()), path, {}};
  });
}

std::vector<std::uint64_t> checkpoint_steps(const fs::path& folder) {
  std::vector<std::uint64_t> steps;
  for (const auto& [step, path] : newest_first(checkpoints_in(folder))) {
    steps.push_back(step);
  }
  return steps;
}

void remove_later_checkpoints(const fs::path& folder, std::uint64_t step) {
  for (const auto& [later, path] : newest_first(checkpoints_in(folder))) {
    if (later > step) {
      discard(path);
    }
  }
}

void remove_unfinished_checkpoints(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> leftovers;
  for (fs::directory_iterator entry(checkpoints_in(folder), error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().filename().string().starts_with(unfinished_prefix)) {
      leftovers.push_back(entry->path());
    }
  }
  for (const auto& path : leftovers) {
    fs::remove_all(path, error);
  }
}

}  // namespace nodezero::model
