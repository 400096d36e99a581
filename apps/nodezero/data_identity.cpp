// The part of data_set.hpp that says which data a run has been trained on.

#include <fstream>
#include <openssl/evp.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/nodezero/common.hpp"
#include "apps/nodezero/data_set.hpp"
#include "apps/nodezero/option_values.hpp"

namespace nodezero::apps {

namespace {

constexpr std::uint64_t block_size = std::uint64_t{1} << 20;
constexpr std::uint64_t sampled_blocks = 64;

/// SHA-256 of what it is fed.
class Hash {
 public:
  Hash() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) {
      throw std::bad_alloc();
    }
  }
  void add(const void* data, std::size_t size) { EVP_DigestUpdate(context_.get(), data, size); }
  std::string hexadecimal() {
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    EVP_DigestFinal_ex(context_.get(), bytes, &size);
    std::string text;
    for (unsigned int i = 0; i < size; ++i) {
      text += fmt::format("{:02x}", bytes[i]);
    }
    return text;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

[[noreturn]] void cannot_read(const std::filesystem::path& path) {
  throw CommandError(exit_bad_input, fmt::format("cannot read '{}'", path.string()));
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
  Hash hash;
  if (sampled) {
    const auto text = fmt::format("{}\n", size);
    hash.add(text.data(), text.size());
  }
  std::vector<char> block(block_size);
  for (std::uint64_t i = 0; i < blocks; ++i) {
    const auto offset = sampled ? (size - block_size) / (sampled_blocks - 1) * i : block_size * i;
    const auto count = std::min<std::uint64_t>(block_size, size - offset);
    file.seekg(static_cast<std::streamoff>(offset));
    if (!file.read(block.data(), static_cast<std::streamsize>(count))) {
      cannot_read(path);
    }
    hash.add(block.data(), count);
  }
  return {{"path", std::filesystem::absolute(path).lexically_normal().string()},
          {"bytes", size},
          {sampled ? "sample_sha256" : "sha256", hash.hexadecimal()}};
}

nlohmann::json describe_files(const std::vector<std::filesystem::path>& paths) {
  auto files = nlohmann::json::array();
  for (const auto& path : paths) {
    files.push_back(describe_file(path));
  }
  return files;
}

std::string sha256(const std::string& text) {
  Hash hash;
  hash.add(text.data(), text.size());
  return hash.hexadecimal();
}

/// The difference between two lists of files by size and hash.
std::optional<std::string> file_difference(const char* option, const nlohmann::json& recorded,
                                           const nlohmann::json& found) {
  if (recorded.size() != found.size()) {
    return fmt::format("--{} cannot change on resume: the run has {} files, here are {}", option,
                       recorded.size(), found.size());
  }
  for (std::size_t i = 0; i < recorded.size(); ++i) {
    auto before = recorded[i];
    auto after = found[i];
    const auto name = [](const nlohmann::json& file) { return file.value("path", "?"); };
    const auto old_name = name(before);
    const auto new_name = name(after);
    before.erase("path");
    after.erase("path");
    if (before != after) {
      const auto hash = [](const nlohmann::json& file) {
        return file.value("sha256", file.value("sample_sha256", "?")).substr(0, 12);
      };
      return fmt::format(
          "--{} cannot change on resume: the run has '{}' with {} bytes and SHA-256 {}..., here "
          "is '{}' with {} bytes and {}...",
          option, old_name, before.value("bytes", 0ULL), hash(before), new_name,
          after.value("bytes", 0ULL), hash(after));
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
      return fmt::format("the {} of the data cannot change on resume: the run has {}, here is {}",
                         part, before.dump(), after.dump());
    }
  }
  return std::nullopt;
}

}  // namespace nodezero::apps
