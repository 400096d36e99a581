// SPDX-License-Identifier: BSD-3-Clause

// The part of data_set.hpp that identifies the data a run was trained on.

#include <algorithm>
#include <fstream>
#include <span>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/nodezero/common.hpp"
#include "apps/nodezero/options/option_values.hpp"
#include "apps/nodezero/terminal/quantities.hpp"
#include "apps/nodezero/train/data_set.hpp"
#include "model/files/sha256.hpp"
#include "model/text/byte_text.hpp"

namespace nodezero::apps {

namespace {

constexpr std::uint64_t block_size = std::uint64_t{1} << 20;
constexpr std::uint64_t sampled_blocks = 64;

[[noreturn]] void cannot_read(const std::filesystem::path& path) {
  throw CommandError(
      exit_bad_input,
      fmt::format("cannot read '{}': check the path and its permissions", path.string()));
}

nlohmann::json describe_file(const std::filesystem::path& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file) {
    cannot_read(path);
  }
  const bool sampled = size > sampled_blocks * block_size;
  const auto blocks = sampled ? sampled_blocks : (size + block_size - 1) / block_size;
  model::Sha256 hash;
  if (sampled) {
    const auto text = fmt::format("{}\n", size);
    hash.update(std::as_bytes(std::span(text)));
  }
  std::vector<char> block(block_size);
  for (std::uint64_t i = 0; i < blocks; ++i) {
    const auto offset = sampled ? (size - block_size) / (sampled_blocks - 1) * i : block_size * i;
    const auto count = std::min<std::uint64_t>(block_size, size - offset);
    file.seekg(static_cast<std::streamoff>(offset));
    if (!file.read(block.data(), static_cast<std::streamsize>(count))) {
      cannot_read(path);
    }
    hash.update(std::as_bytes(std::span(block.data(), count)));
  }
  return {
      {"path", model::to_utf8_text(std::filesystem::absolute(path).lexically_normal().string())},
      {"bytes", size},
      {sampled ? "sample_sha256" : "sha256", hash.finish()}};
}

nlohmann::json describe_files(const std::vector<std::filesystem::path>& paths) {
  auto files = nlohmann::json::array();
  for (const auto& path : paths) {
    files.push_back(describe_file(path));
  }
  return files;
}

std::string sha256(const std::string& text) {
  model::Sha256 hash;
  hash.update(std::as_bytes(std::span(text)));
  return hash.finish();
}

/// The difference between two lists of files by size and hash.
std::optional<std::string> file_difference(const char* option, const nlohmann::json& recorded,
                                           const nlohmann::json& found) {
  if (recorded.size() != found.size()) {
    return fmt::format("--{} had {} when the run started and has {} now", option,
                       counted(recorded.size(), "file"), found.size());
  }
  for (std::size_t i = 0; i < recorded.size(); ++i) {
    auto before = recorded[i];
    auto after = found[i];
    const auto name = [](const nlohmann::json& file) {
      return model::from_utf8_text(file.value("path", "?"));
    };
    const auto old_name = name(before);
    const auto new_name = name(after);
    before.erase("path");
    after.erase("path");
    if (before != after) {
      const auto hash = [](const nlohmann::json& file) {
        return file.value("sha256", file.value("sample_sha256", "?")).substr(0, 12);
      };
      return fmt::format(
          "--{}: the run was started with '{}' ({}, SHA-256 {}...), but '{}' has {} "
          "and SHA-256 {}...",
          option, old_name, counted(before.value("bytes", 0ULL), "byte"), hash(before), new_name,
          counted(after.value("bytes", 0ULL), "byte"), hash(after));
    }
  }
  return std::nullopt;
}

}  // namespace

nlohmann::json describe(const DataSet& data) {
  nlohmann::json description = {
      {"files", describe_files(data.files)},
      {"validation_files", describe_files(data.validation_files)},
      {"bytes", data.bytes},
      {"training", {{"first_token", data.training.begin}, {"tokens", data.training.size()}}},
      {"tokenizer",
       {{"kind", value_name(data.tokenizer.kind())},
        {"vocabulary", data.tokenizer.vocabulary()},
        {"sha256", sha256(data.tokenizer.to_json())}}}};
  if (data.validation_tokens != nullptr) {
    description["validation"] = {{"first_token", data.validation.begin},
                                 {"tokens", data.validation.size()}};
  }
  return description;
}

std::optional<std::string> data_difference(const nlohmann::json& recorded,
                                           const nlohmann::json& found) {
  if (auto difference = file_difference("data", recorded.at("files"), found.at("files"))) {
    return difference;
  }
  if (auto difference = file_difference("validation", recorded.at("validation_files"),
                                        found.at("validation_files"))) {
    return difference;
  }
  for (const char* part : {"tokenizer", "training", "validation"}) {
    const auto before = recorded.value(part, nlohmann::json());
    const auto after = found.value(part, nlohmann::json());
    if (before != after) {
      return fmt::format("{}: the run was started with {}, now it is {}", part, before.dump(),
                         after.dump());
    }
  }
  return std::nullopt;
}

}  // namespace nodezero::apps
