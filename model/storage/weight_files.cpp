// SPDX-License-Identifier: BSD-3-Clause
#include "model/storage/weight_files.hpp"

#include <set>
#include <string>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "formats/bounded_json.hpp"
#include "model/files/atomic_file.hpp"
#include "model/storage/model_folder.hpp"

namespace nodezero::model {
namespace {

namespace fs = std::filesystem;

constexpr const char* index_file = "model.safetensors.index.json";

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

/// A shard is named by the index, which may come from anywhere: only files beside it are meant.
bool is_plain_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

Result<std::vector<fs::path>> shards_in(const fs::path& index) {
  const auto text = read_file(index);
  if (!text) {
    return tl::unexpected(text.error());
  }
  const auto malformed = [&](const std::string& what) {
    return fail(ErrorCode::malformed,
                fmt::format("{}: {}; copy or save the model again", index.string(), what));
  };
  const auto json = formats::read_json(*text).value_or(nlohmann::json());
  const auto map = json.is_object() ? json.find("weight_map") : json.end();
  if (!json.is_object() || map == json.end() || !map->is_object() || map->empty()) {
    return malformed("has no weight_map from tensors to files");
  }
  std::set<std::string> names;
  for (const auto& [tensor, file] : map->items()) {
    if (!file.is_string() || !is_plain_name(file.get<std::string>())) {
      return malformed(fmt::format("names {} as the file of tensor {}", file.dump(),
                                   nlohmann::json(tensor).dump()));
    }
    names.insert(file.get<std::string>());
  }
  std::vector<fs::path> shards;
  for (const auto& name : names) {
    shards.push_back(index.parent_path() / name);
    if (!is_there(shards.back())) {
      return fail(ErrorCode::not_found,
                  fmt::format("{}: missing, but {} lists it; copy all shards of the model",
                              shards.back().string(), index_file));
    }
  }
  return shards;
}

}  // namespace

Result<std::vector<fs::path>> weight_files(const fs::path& folder) {
  const auto whole = folder / weights_file;
  if (is_there(whole)) {
    return std::vector{whole};
  }
  if (is_there(folder / index_file)) {
    return shards_in(folder / index_file);
  }
  if (is_there(folder / "pytorch_model.bin") || is_there(folder / "pytorch_model.bin.index.json")) {
    return fail(
        ErrorCode::not_found,
        fmt::format(
            "{}: missing, and pytorch_model.bin is a program, which is not run; convert it "
            "with transformers: GPT2LMHeadModel.from_pretrained('{}').save_pretrained('{}')",
            whole.string(), folder.string(), folder.string()));
  }
  return fail(ErrorCode::not_found,
              fmt::format("{}: no such file; copy the weights into the folder", whole.string()));
}

}  // namespace nodezero::model
