// SPDX-License-Identifier: BSD-3-Clause
#include "tests/fuzz/targets.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <unistd.h>
#include <vector>

#include <nlohmann/json.hpp>

#include "actors/embedding/state_bytes.hpp"
#include "actors/serving/completion_request.hpp"
#include "formats/bounded_json.hpp"
#include "formats/http_request.hpp"
#include "model/bpe/byte_pair_training.hpp"
#include "model/bpe/byte_pairs.hpp"
#include "model/bpe/vocabulary_files.hpp"
#include "model/files/sha256.hpp"
#include "model/interchange/gguf_model.hpp"
#include "model/storage/model_folder.hpp"
#include "model/storage/progress_json.hpp"
#include "model/storage/safetensors_header.hpp"
#include "model/text/corpus.hpp"
#include "model/text/pickled_alphabet.hpp"
#include "runtime/inspect/json_lines.hpp"
#include "runtime/trace/trace_file.hpp"
#include "tests/fuzz/wire_targets.hpp"

namespace nodezero::fuzz {
namespace {

using Bytes = std::span<const std::byte>;

std::string_view text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The bytes as a file, of a name that says what it is.
class File {
 public:
  File(Bytes bytes, const std::string& name)
      : path_(std::filesystem::temp_directory_path() / (std::to_string(::getpid()) + name)) {
    std::ofstream(path_, std::ios::binary) << text_of(bytes);
  }
  ~File() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

void read_corpus(Bytes bytes, const std::string& name, const model::CorpusOptions& options) {
  const File file(bytes, name);
  const auto corpus = model::open_corpus(std::vector{file.path()}, options);
  if (corpus) {
    std::vector<std::int32_t> ids(std::min<std::uint64_t>(corpus->tokens->size(), 100));
    corpus->tokens->read(corpus->tokens->size() - ids.size(), ids);
  }
}

/// vocab.json and merges.txt with a NUL between them.
void read_vocabulary(Bytes bytes) {
  const auto text = text_of(bytes);
  const auto border = std::min(text.find('\0'), text.size());
  static_cast<void>(model::byte_pairs_from_files(text.substr(0, border),
                                                 text.substr(std::min(border + 1, text.size()))));
}

/// Trains a small vocabulary on the bytes; they come back from their ids, wherever a block ends.
void encode_bytes(Bytes bytes) {
  const auto text = text_of(bytes);
  model::BytePairTrainer trainer;
  trainer.count(text, true);
  const auto tokenizer = model::Tokenizer::bpe(trainer.train(300));
  const auto ids = tokenizer.encode(text).value();
  std::vector<std::int32_t> in_two;
  model::BytePairEncoder encoder(tokenizer.byte_pairs());
  const auto used = encoder.encode(text.substr(0, text.size() / 2), false, in_two);
  encoder.encode(text.substr(used), true, in_two);
  if (tokenizer.decode(ids) != text || ids != in_two) {
    std::abort();
  }
}

void read_safetensors(Bytes bytes) {
  const File file(bytes, "a.safetensors");
  if (const auto opened = model::InputFile::open(file.path())) {
    static_cast<void>(model::read_safetensors_header(*opened));
  }
}

void read_gguf(Bytes bytes) {
  const File file(bytes, "a.gguf");
  static_cast<void>(model::load_gguf(file.path()));
}

void read_trace(Bytes bytes) {
  const File file(bytes, "a.nztrace");
  static_cast<void>(runtime::trace::read_trace(file.path()));
}

/// A trainer's state without the checksum at its end, which nothing that is found would have.
void read_state(Bytes bytes) {
  static const auto layout = std::make_shared<const model::TensorLayout>(
      std::vector<model::TensorInfo>{{"w", {2, 3}}, {"b", {3}}});
  model::Sha256 sum;
  sum.update(bytes);
  std::vector<std::byte> state(bytes.begin(), bytes.end());
  for (const char digit : sum.finish()) {
    state.push_back(static_cast<std::byte>(digit));
  }
  TrainerOptions options;
  options.micro_batches = 3;
  options.steps_in_epoch = 4;
  static_cast<void>(actors::checkpoint_from_bytes(state, layout, options));
}

/// What a connection's bytes are read as, if they come in pieces of that size.
std::string read_requests(std::string_view text, std::size_t piece) {
  formats::HttpRequestReader reader({.header = 300, .headers = 5, .body = 100});
  std::string found;
  while (!text.empty()) {
    reader.add(text.substr(0, piece));
    text.remove_prefix(std::min(piece, text.size()));
    auto progress = reader.look();
    for (; progress == formats::HttpRequestReader::Progress::ready; progress = reader.look()) {
      const auto request = reader.take();
      found += request.method + ' ' + request.path + '?' + request.query + ' ' + request.body;
      for (const auto& [name, value] : request.headers) {
        found += '\n' + name + ':' + value;
      }
    }
    if (progress == formats::HttpRequestReader::Progress::refused) {
      return found + std::to_string(reader.refusal().status);
    }
    if (reader.buffered() > 300 + piece) {
      std::abort();
    }
  }
  return found;
}

void read_http(Bytes bytes) {
  const auto text = text_of(bytes);
  if (read_requests(text, 1) != read_requests(text, std::max<std::size_t>(text.size(), 1))) {
    std::abort();
  }
}

void read_completion(Bytes bytes) {
  static const actors::ServedModel model{
      .id = "m", .config = {.context = 10}, .tokenizer = model::Tokenizer::bytes()};
  const auto request = actors::read_completion_request(text_of(bytes), model, {}, 1);
  if (request && (request->prompts.empty() || request->prompts.size() * request->choices > 128)) {
    std::abort();
  }
}

void read_json_lines(Bytes bytes) {
  std::istringstream lines{std::string(text_of(bytes))};
  static_cast<void>(runtime::inspect::read_json_lines(lines));
}

}  // namespace

std::span<const Target> targets() {
  static const auto all = std::to_array<Target>({
      {"json", [](Bytes bytes) { static_cast<void>(formats::read_json(text_of(bytes))); }},
      {"config", [](Bytes bytes) { static_cast<void>(model::config_from_json(text_of(bytes))); }},
      {"progress",
       [](Bytes bytes) { static_cast<void>(model::progress_from_json(text_of(bytes))); }},
      {"tokenizer",
       [](Bytes bytes) {
         if (const auto tokenizer = model::Tokenizer::from_json(text_of(bytes))) {
           static_cast<void>(tokenizer->encode("some text"));
         }
       }},
      {"vocabulary", read_vocabulary},
      {"ranks",
       [](Bytes bytes) { static_cast<void>(model::byte_pairs_from_ranks(text_of(bytes))); }},
      {"byte_pairs", encode_bytes},
      {"pickle",
       [](Bytes bytes) { static_cast<void>(model::read_pickled_alphabet(text_of(bytes))); }},
      {"safetensors", read_safetensors},
      {"gguf", read_gguf},
      {"state", read_state},
      {"tokens", [](Bytes bytes) { read_corpus(bytes, "a.bin", {}); }},
      {"text",
       [](Bytes bytes) { read_corpus(bytes, "a.txt", {.kind = model::Tokenizer::Kind::chars}); }},
      {"trace", read_trace},
      {"http", read_http},
      {"completion", read_completion},
      {"trace_lines", read_json_lines},
      {"message", read_message},
      {"host_settings", read_host_settings},
      {"endpoint", read_endpoint},
  });
  return all;
}

}  // namespace nodezero::fuzz
