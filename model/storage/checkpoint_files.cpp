// SPDX-License-Identifier: BSD-3-Clause
#include "model/storage/checkpoint_files.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "formats/bounded_json.hpp"
#include "model/files/atomic_file.hpp"
#include "model/files/sha256.hpp"
#include "model/storage/model_folder.hpp"
#include "model/storage/progress_json.hpp"
#include "model/storage/safetensors.hpp"

namespace nodezero::model {
namespace {

constexpr const char* optimizer_file = "optimizer.safetensors";
constexpr const char* progress_file = "progress.json";
constexpr std::array required_files{config_file, weights_file, optimizer_file, progress_file};

/// What a checkpoint may also have: companions beside config.json, and its origin.
std::vector<const char*> optional_files() {
  std::vector<const char*> names{origin_file};
  std::ranges::remove_copy(companion_names(), std::back_inserter(names),
                           std::string_view(config_file));
  return names;
}

constexpr const char* first_moment_prefix = "exp_avg.";
constexpr const char* second_moment_prefix = "exp_avg_sq.";

Result<std::string> checksums_of(const std::filesystem::path& folder) {
  nlohmann::ordered_json sums;
  const auto add = [&](const char* name) {
    return sha256_of_file(folder / name).map([&](std::string&& sum) {
      sums[name] = std::move(sum);
    });
  };
  for (const char* name : required_files) {
    if (auto added = add(name); !added) {
      return tl::unexpected(added.error());
    }
  }
  for (const char* name : optional_files()) {
    if (auto added = add(name); !added && added.error().code != ErrorCode::not_found) {
      return tl::unexpected(added.error());
    }
  }
  return sums.dump(2) + "\n";
}

}  // namespace

Result<void> write_checkpoint_files(const std::filesystem::path& folder,
                                    const Checkpoint& checkpoint,
                                    const CheckpointContext& context) {
  const OptimizerState& optimizer = *checkpoint.optimizer;
  return write_companions(folder, checkpoint.config, context.companions)
      .and_then([&] {
        return write_file_atomically(folder / progress_file,
                                     progress_to_json({checkpoint.progress, optimizer.step}));
      })
      .and_then([&] {
        return write_safetensors(folder / weights_file, {{"", checkpoint.weights.get()}});
      })
      .and_then([&] {
        return write_safetensors(folder / optimizer_file,
                                 {{first_moment_prefix, &optimizer.first_moment},
                                  {second_moment_prefix, &optimizer.second_moment}});
      })
      .and_then([&] {
        return context.origin.empty() ? Result<void>()
                                      : write_file_atomically(folder / origin_file, context.origin);
      })
      .and_then([&] { return checksums_of(folder); })
      .and_then([&](const std::string& sums) {
        return write_file_atomically(folder / checksums_file, sums);
      });
}

Result<void> verify_checkpoint_files(const std::filesystem::path& folder) {
  const auto text = read_file(folder / checksums_file);
  if (!text) {
    return tl::unexpected(text.error());
  }
  const auto sums = formats::read_json(*text).value_or(nlohmann::json());
  const auto verify = [&](const char* name) -> Result<void> {
    const auto sum = sha256_of_file(folder / name);
    if (!sum) {
      return tl::unexpected(sum.error());
    }
    if (!sums.contains(name) || sums[name] != *sum) {
      return fail(ErrorCode::malformed, fmt::format("{}: damaged, its SHA-256 is not the one in {}",
                                                    (folder / name).string(), checksums_file));
    }
    return {};
  };
  for (const char* name : required_files) {
    if (!sums.is_object() || !sums.contains(name)) {
      return fail(ErrorCode::malformed,
                  fmt::format("{}: no checksum of {}; the checkpoint is damaged",
                              (folder / checksums_file).string(), name));
    }
    if (auto verified = verify(name); !verified) {
      return verified;
    }
  }
  for (const char* name : optional_files()) {
    const bool is_there = stamp_of(folder / name).has_value();
    if (is_there || sums.contains(name)) {
      if (auto verified = verify(name); !verified) {
        return verified;
      }
    }
  }
  return {};
}

std::vector<FileStamp> checkpoint_stamps(const std::filesystem::path& folder) {
  std::vector<FileStamp> stamps{stamp_of(folder / checksums_file).value_or(FileStamp())};
  const auto add = [&](const char* name) {
    stamps.push_back(stamp_of(folder / name).value_or(FileStamp()));
  };
  std::ranges::for_each(required_files, add);
  std::ranges::for_each(optional_files(), add);
  return stamps;
}

Result<Checkpoint> read_checkpoint_files(const std::filesystem::path& folder) {
  if (auto verified = verify_checkpoint_files(folder); !verified) {
    return tl::unexpected(verified.error());
  }
  const auto text = read_file(folder / progress_file);
  if (!text) {
    return tl::unexpected(text.error());
  }
  const auto stored = progress_from_json(*text);
  if (!stored) {
    return fail(stored.error().code, (folder / stored.error().message).string());
  }
  auto loaded = load_weights(folder);
  if (!loaded) {
    return tl::unexpected(loaded.error());
  }
  auto optimizer = std::make_shared<OptimizerState>(loaded->weights->layout());
  optimizer->step = stored->optimizer_step;
  for (const auto& [prefix, set] : {std::pair(first_moment_prefix, &optimizer->first_moment),
                                    std::pair(second_moment_prefix, &optimizer->second_moment)}) {
    if (auto read = read_safetensors(folder / optimizer_file, prefix, *set); !read) {
      return tl::unexpected(read.error());
    }
  }
  return Checkpoint{loaded->config, stored->progress, std::move(loaded->weights),
                    std::move(optimizer)};
}

}  // namespace nodezero::model
