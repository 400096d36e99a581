// SPDX-License-Identifier: BSD-3-Clause
#include "model/storage/safetensors.hpp"

#include <cmath>
#include <cstring>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "model/files/sha256.hpp"
#include "model/gpt2/gpt2_layout.hpp"
#include "model/storage/digest.hpp"
#include "tests/model/support/file_size_limit.hpp"
#include "tests/model/support/files.hpp"
#include "tests/model/support/tiny_model.hpp"

namespace nodezero::model {
namespace {

/// A safetensors file from a header's text and the bytes behind it.
std::string assemble(const std::string& header, const std::string& data) {
  std::string file(8, '\0');
  const std::uint64_t length = header.size();
  std::memcpy(file.data(), &length, 8);
  return file + header + data;
}

/// A set of one tensor x[2, 3].
TensorSet one_tensor() {
  TensorInfo info;
  info.name = "x";
  info.shape = {2, 3};
  return TensorSet(std::make_shared<const TensorLayout>(std::vector{info}));
}

Result<void> read_into(TensorSet& set, const TemporaryFolder& folder, const std::string& file) {
  return read_safetensors(folder.write("file", file), "", set);
}

TEST(Safetensors, ComeBackBitForBit) {
  const TemporaryFolder folder;
  auto weights = tiny_weights(1);
  weights.at("transformer.ln_f.bias")[0] = -0.0f;
  weights.at("transformer.ln_f.bias")[1] = INFINITY;
  weights.at("transformer.ln_f.bias")[2] = std::numeric_limits<float>::denorm_min();
  ASSERT_TRUE(write_safetensors(folder.path() / "w", {{"", &weights}}));
  Parameters loaded(weights.layout());
  const auto read = read_safetensors(folder.path() / "w", "", loaded);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(digest(loaded), digest(weights));
}

TEST(Safetensors, HoldSeveralSetsBehindPrefixes) {
  const TemporaryFolder folder;
  const auto a = tiny_weights(1);
  const auto b = tiny_weights(2);
  ASSERT_TRUE(write_safetensors(folder.path() / "w", {{"exp_avg.", &a}, {"exp_avg_sq.", &b}}));
  Parameters first(a.layout());
  Parameters second(a.layout());
  ASSERT_TRUE(read_safetensors(folder.path() / "w", "exp_avg.", first));
  ASSERT_TRUE(read_safetensors(folder.path() / "w", "exp_avg_sq.", second));
  EXPECT_EQ(digest(first), digest(a));
  EXPECT_EQ(digest(second), digest(b));
  EXPECT_FALSE(read_safetensors(folder.path() / "w", "", first));
}

TEST(Safetensors, AreWrittenAsTheReferenceLibraryWritesThem) {
  const TemporaryFolder folder;
  const auto path = data_folder() / "steps/init/model.safetensors";
  const ModelConfig config{
      .layers = 2, .heads = 3, .width = 24, .context = 24, .vocabulary = 52, .dropout = 0};
  Parameters weights(gpt2_layout(config));
  const auto read = read_safetensors(path, "", weights);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_TRUE(write_safetensors(folder.path() / "w", {{"", &weights}}));
  EXPECT_EQ(content_of(folder.path() / "w"), content_of(path));
}

TEST(Safetensors, AcceptOtherNamesMasksAndATiedOutput) {
  const TemporaryFolder folder;
  const auto weights = tiny_weights(3);
  // The same tensors without "transformer.", and what old files hold besides.
  std::vector<TensorInfo> tensors;
  for (TensorInfo info : weights.layout()->tensors()) {
    info.name = info.name.substr(std::string("transformer.").size());
    tensors.push_back(info);
  }
  TensorInfo output = *weights.layout()->find("transformer.wte.weight");
  output.name = "lm_head.weight";
  TensorInfo mask;
  mask.name = "h.0.attn.bias";
  mask.shape = {1, 1, 8, 8};
  TensorInfo masked = mask;
  masked.name = "h.0.attn.masked_bias";
  masked.shape = {};
  for (const auto& info : {output, mask, masked}) {
    tensors.push_back(info);
  }
  TensorSet other(std::make_shared<const TensorLayout>(tensors));
  for (const TensorInfo& info : weights.layout()->tensors()) {
    std::ranges::copy(weights[info],
                      other.at(info.name.substr(std::string("transformer.").size())).begin());
  }
  std::ranges::copy(weights.at("transformer.wte.weight"), other.at("lm_head.weight").begin());
  ASSERT_TRUE(write_safetensors(folder.path() / "w", {{"", &other}}));
  Parameters loaded(weights.layout());
  const auto read = read_safetensors(folder.path() / "w", "", loaded);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(digest(loaded), digest(weights));

  other.at("lm_head.weight")[5] += 1;
  ASSERT_TRUE(write_safetensors(folder.path() / "w", {{"", &other}}));
  const auto untied = read_safetensors(folder.path() / "w", "", loaded);
  EXPECT_NE(message_of(untied).find("lm_head.weight differs"), std::string::npos);
}

TEST(Safetensors, WidenHalves) {
  const TemporaryFolder folder;
  // 1, -2, 0.5, infinity, the smallest subnormal, -0 in both formats.
  const struct {
    const char* type;
    std::uint16_t bits[6];
    float smallest;
  } cases[] = {{"F16", {0x3C00, 0xC000, 0x3800, 0x7C00, 0x0001, 0x8000}, 0x1.0p-24f},
               {"BF16", {0x3F80, 0xC000, 0x3F00, 0x7F80, 0x0001, 0x8000}, 0x1.0p-133f}};
  for (const auto& [type, bits, smallest] : cases) {
    auto set = one_tensor();
    const std::string data(reinterpret_cast<const char*>(bits), 12);
    const std::string header =
        std::string(R"({"x":{"dtype":")") + type + R"(","shape":[2,3],"data_offsets":[0,12]}})";
    const auto read = read_into(set, folder, assemble(header, data));
    ASSERT_TRUE(read) << read.error().message;
    const float expected[6] = {1, -2, 0.5, INFINITY, smallest, -0.0f};
    EXPECT_EQ(std::memcmp(set.at("x").data(), expected, sizeof expected), 0) << type;
  }
}

TEST(Safetensors, RefuseWhatDoesNotFitByName) {
  const TemporaryFolder folder;
  const std::string numbers(24, '\0');
  const struct {
    std::string file;
    const char* named;
  } cases[] = {
      {assemble(R"({"x":{"dtype":"F32","shape":[3,2],"data_offsets":[0,24]}})", numbers),
       "x has the shape [3, 2], but the model needs [2, 3]"},
      {assemble(R"({"x":{"dtype":"I32","shape":[2,3],"data_offsets":[0,24]}})", numbers), "I32"},
      {assemble(R"({"y":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}})", numbers),
       "y of shape [2, 3] is not part of the model"},
      {assemble(R"({})", ""), "x of shape [2, 3] is missing"},
      {assemble(R"({"x":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
                R"("transformer.x":{"dtype":"F32","shape":[2,3],"data_offsets":[24,48]}})",
                numbers + numbers),
       "twice"},
  };
  for (const auto& [file, named] : cases) {
    auto set = one_tensor();
    const auto result = read_into(set, folder, file);
    EXPECT_NE(message_of(result).find(named), std::string::npos) << message_of(result);
    EXPECT_EQ(result.error().code, ErrorCode::malformed);
  }
}

TEST(Safetensors, RefuseDamagedFiles) {
  const TemporaryFolder folder;
  const std::string numbers(24, '\0');
  const auto tensor = [](const std::string& entry) { return R"({"x":)" + entry + "}"; };
  const std::string absurd_length("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF{}", 10);
  for (const std::string& file : {
           absurd_length,
           std::string("\x03\0\0\0\0\0\0\0{}", 10),
           assemble("", numbers),
           assemble("[]", numbers),
           assemble("{\"x\":", numbers),
           assemble(tensor("3"), numbers),
           assemble(tensor(R"({"dtype":"F32","shape":[2,3]})"), numbers),
           assemble(tensor(R"({"dtype":7,"shape":[2,3],"data_offsets":[0,24]})"), numbers),
           assemble(tensor(R"({"dtype":"F32","shape":[2,-3],"data_offsets":[0,24]})"), numbers),
           assemble(tensor(R"({"dtype":"F32","shape":[2,3],"data_offsets":[24,0]})"), numbers),
           assemble(tensor(R"({"dtype":"F32","shape":[2,3],"data_offsets":[0,1e99]})"), numbers),
           assemble(tensor(R"({"dtype":"F32","shape":[2,3],"data_offsets":[0]})"), numbers),
           assemble(tensor(R"({"dtype":"F32","shape":[2,3],"data_offsets":[8,32]})"), numbers),
           assemble(tensor(R"({"dtype":"F32","shape":[2,3],"data_offsets":[0,20]})"), numbers),
           assemble(tensor(R"({"dtype":"F32","shape":[2,3],"data_offsets":[0,24]})"),
                    numbers + "x"),
           // 2^32 x 2^32 numbers, whose count wraps around to 0.
           assemble(
               tensor(R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]})"),
               ""),
           // Two tensors that overlap, and as many bytes left over.
           assemble(R"({"x":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
                    R"("y":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}})",
                    numbers + numbers),
       }) {
    auto set = one_tensor();
    const auto result = read_into(set, folder, file);
    EXPECT_NE(message_of(result).find("damaged"), std::string::npos) << message_of(result);
    EXPECT_EQ(result.error().code, ErrorCode::malformed);
  }
}

TEST(Safetensors, RefuseEveryTruncation) {
  const TemporaryFolder folder;
  auto set = one_tensor();
  ASSERT_TRUE(write_safetensors(folder.path() / "w", {{"", &set}}));
  const std::string whole = content_of(folder.path() / "w");
  EXPECT_EQ(whole.size() % 8, 0u);
  EXPECT_TRUE(read_into(set, folder, whole));
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const auto result = read_into(set, folder, whole.substr(0, length));
    ASSERT_FALSE(result) << length;
    EXPECT_EQ(result.error().code, ErrorCode::malformed);
  }
}

TEST(Safetensors, SurviveEveryChangeOfAHeaderByte) {
  const TemporaryFolder folder;
  auto set = one_tensor();
  ASSERT_TRUE(write_safetensors(folder.path() / "w", {{"", &set}}));
  const std::string whole = content_of(folder.path() / "w");
  for (std::size_t at = 0; at < whole.size() - 24; ++at) {
    for (const char byte : {'\0', '9', '"', '[', ' ', '\x80', '\xFF'}) {
      std::string changed = whole;
      changed[at] = byte;
      // A change may happen to keep the meaning; it must never do harm.
      if (const auto result = read_into(set, folder, changed); !result) {
        EXPECT_EQ(result.error().code, ErrorCode::malformed);
        EXPECT_FALSE(result.error().message.empty());
      }
    }
  }
}

TEST(Safetensors, LeaveNoFileBehindWhenSpaceRunsOut) {
  const TemporaryFolder folder;
  const auto weights = tiny_weights(1);
  const FileSizeLimit limit(2'000);
  const auto result = write_safetensors(folder.path() / "w", {{"", &weights}});
  EXPECT_EQ(result.error().code, ErrorCode::io);
  EXPECT_TRUE(names_in(folder.path()).empty());
}

TEST(Digest, IsSha256OfTheNumbersInNameOrder) {
  // printf abc | sha256sum
  Sha256 sum;
  sum.update(std::as_bytes(std::span("abc", 3)));
  EXPECT_EQ(sum.finish(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  // A file of nothing but the numbers has the same sum: padding and names do not count.
  const TemporaryFolder folder;
  const auto weights = tiny_weights(4);
  OptimizerState state(weights.layout());
  std::ranges::copy(weights.values(), state.second_moment.values().begin());
  std::string numbers;
  for (const TensorInfo& info : weights.layout()->tensors()) {
    const auto bytes = std::as_bytes(weights[info]);
    numbers.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  EXPECT_EQ(digest(weights), *sha256_of_file(folder.write("numbers", numbers)));
  EXPECT_EQ(digest(state),
            *sha256_of_file(folder.write("state", std::string(numbers.size(), '\0') + numbers)));
}

TEST(Digest, IsTheOneThatPythonComputesForTheReferenceModel) {
  const auto folder = data_folder() / "trained";
  const ModelConfig config{
      .layers = 2, .heads = 4, .width = 32, .context = 32, .vocabulary = 52, .dropout = 0};
  Parameters weights(gpt2_layout(config));
  ASSERT_TRUE(read_safetensors(folder / "model.safetensors", "", weights));
  EXPECT_EQ(digest(weights),
            nlohmann::json::parse(content_of(folder / "ref.json")).at("sha256").get<std::string>());
}

}  // namespace
}  // namespace nodezero::model
