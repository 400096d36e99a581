// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/text/tokenize_command.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <functional>
#include <unistd.h>

#include <fmt/format.h>

#include "apps/nodezero/common.hpp"
#include "apps/nodezero/options/option_values.hpp"
#include "apps/nodezero/process/open_files.hpp"
#include "apps/nodezero/terminal/quantities.hpp"
#include "apps/nodezero/terminal/text_stream.hpp"
#include "apps/nodezero/train/data_set.hpp"
#include "apps/nodezero/train/standard_input.hpp"
#include "model/files/atomic_file.hpp"
#include "model/files/file_writer.hpp"
#include "model/text/encoded_corpus.hpp"
#include "model/text/token_files.hpp"

namespace nodezero::apps {

namespace {

constexpr std::size_t block_tokens = std::size_t{1} << 16;

/// The files of a command, standard input among them as one in a folder that goes with this.
class Input {
 public:
  explicit Input(const TokenizeOptions& options) {
    allow_many_open_files();
    std::vector<std::filesystem::path> paths(options.data.begin(), options.data.end());
    if (paths.empty()) {
      paths.emplace_back("-");
    }
    for (auto& path : paths) {
      if (path == "-") {
        path = keep_standard_input(scratch_.path());
      }
    }
    files_ = unwrap(model::list_files(paths)).files;
  }
  const std::vector<std::filesystem::path>& files() const { return files_; }

 private:
  ScratchFolder scratch_;
  std::vector<std::filesystem::path> files_;
};

model::Tokenizer tokenizer_of(const TokenizeOptions& options) {
  if (options.tokenizer == "bytes") {
    return model::Tokenizer::bytes();
  }
  if (options.tokenizer.empty() || tokenizer_kind(options.tokenizer)) {
    throw CommandError(
        exit_bad_input,
        "--tokenizer must be bytes, or a file or folder with a tokenizer, such as a model's");
  }
  return read_named_tokenizer(options.tokenizer);
}

model::Corpus open(const Input& input, const TokenizeOptions& options,
                   const model::Tokenizer& tokenizer) {
  auto corpus = model::open_corpus(
      input.files(),
      {.vocabulary_of = &tokenizer, .token_type = options.token_type, .binary = options.binary});
  if (!corpus) {
    throw CommandError(exit_bad_input, with_option_names(corpus.error().message));
  }
  return std::move(*corpus);
}

void for_each_block(const model::TokenSource& tokens,
                    const std::function<void(std::span<const std::int32_t>)>& visit) {
  std::vector<std::int32_t> block(block_tokens);
  for (std::uint64_t at = 0; at < tokens.size(); at += block.size()) {
    block.resize(std::min<std::uint64_t>(block.size(), tokens.size() - at));
    tokens.read(at, block);
    visit(block);
  }
}

/// Ids as other programs' token files have them: of 16 bits if the vocabulary allows it.
void write_token_file(const std::filesystem::path& path, const model::Corpus& corpus) {
  const bool narrow = corpus.vocabulary <= (1 << 16);
  const auto write = [&](const std::filesystem::path& temporary) -> Result<void> {
    auto file = model::FileWriter::create(temporary);
    if (!file) {
      return tl::unexpected(file.error());
    }
    Result<void> written;
    std::vector<std::uint16_t> narrowed;
    for_each_block(*corpus.tokens, [&](std::span<const std::int32_t> ids) {
      narrowed.assign(ids.begin(), ids.end());
      if (written) {
        written = file->append(narrow ? std::as_bytes(std::span(narrowed)) : std::as_bytes(ids));
      }
    });
    return written ? file->finish() : written;
  };
  unwrap(model::replace_file_atomically(path, write), exit_failure);
  fmt::print(stderr, "{}: {} of {} bits{}\n", path.string(),
             counted(corpus.tokens->size(), "token"), narrow ? 16 : 32,
             narrow ? "" : "; train on it with --token-type uint32");
}

void print_ids(const model::TokenSource& tokens) {
  TextStream stream(stdout, false);
  std::string text;
  bool first = true;
  for_each_block(tokens, [&](std::span<const std::int32_t> ids) {
    text.clear();
    for (const auto id : ids) {
      fmt::format_to(std::back_inserter(text), "{}{}", first ? "" : " ", id);
      first = false;
    }
    stream.write(text);
  });
  stream.write("\n");
  stream.finish();
}

/// Ids in decimal between white space.
std::vector<std::int32_t> parse_ids(const std::string& text) {
  std::vector<std::int32_t> ids;
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto is_space = [](char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; };
  for (at = std::find_if_not(at, end, is_space); at != end;
       at = std::find_if_not(at, end, is_space)) {
    std::int32_t id = 0;
    const auto [stop, error] = std::from_chars(at, end, id);
    if (error != std::errc() || id < 0 || (stop != end && !is_space(*stop))) {
      throw CommandError(exit_bad_input,
                         fmt::format("id number {} is not a number: give ids in decimal, with "
                                     "spaces between them, or a token file (.bin, .npy)",
                                     ids.size() + 1));
    }
    ids.push_back(id);
    at = stop;
  }
  return ids;
}

void decode(const Input& input, const TokenizeOptions& options, const model::Tokenizer& tokenizer) {
  TextStream stream(stdout, ::isatty(STDOUT_FILENO) == 1);
  const auto write = [&](std::span<const std::int32_t> ids) {
    stream.write(tokenizer.decode(ids));
  };
  if (model::is_token_file(input.files().front())) {
    for_each_block(*open(input, options, tokenizer).tokens, write);
  } else {
    for (const auto& file : input.files()) {
      write(parse_ids(unwrap(model::read_file(file))));
    }
  }
  stream.finish();
}

void train(const Input& input, const TokenizeOptions& options) {
  if (options.out.empty()) {
    throw CommandError(exit_bad_input, "--out is missing: name the tokenizer.json to write");
  }
  const auto tokenizer =
      unwrap(model::train_tokenizer(input.files(), options.binary, 1.0, options.vocabulary));
  unwrap(model::write_file_atomically(options.out, tokenizer.to_json()), exit_failure);
  fmt::print(stderr, "{}: {}{}\n", options.out,
             counted(static_cast<std::uint64_t>(tokenizer.vocabulary()), "token"),
             tokenizer.vocabulary() < options.vocabulary ? ", all that the text yields" : "");
}

void check_options(const TokenizeOptions& options) {
  if (options.decode + options.count + options.train > 1) {
    throw CommandError(exit_bad_input, "give one of --decode, --count and --train");
  }
  if (!options.out.empty() && (options.decode || options.count)) {
    throw CommandError(exit_bad_input,
                       "--out is for ids and --train: leave it out, and redirect "
                       "the output");
  }
}

}  // namespace

void tokenize_command(const TokenizeOptions& options) {
  check_options(options);
  if (options.train) {
    return train(Input(options), options);
  }
  const auto tokenizer = tokenizer_of(options);
  const Input input(options);
  if (options.decode) {
    return decode(input, options, tokenizer);
  }
  const auto corpus = open(input, options, tokenizer);
  if (options.count) {
    fmt::print("{} tokens, {} bytes\n", corpus.tokens->size(), corpus.bytes);
  } else if (options.out.empty()) {
    print_ids(*corpus.tokens);
  } else {
    write_token_file(options.out, corpus);
  }
}

}  // namespace nodezero::apps
