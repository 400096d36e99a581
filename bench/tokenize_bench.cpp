// SPDX-License-Identifier: BSD-3-Clause

// How fast a text becomes tokens: opens one generated file as bytes and as characters and
// prints megabytes (10^6 bytes) a second on one core. The file is in the page cache.
//   tokenize_bench [megabytes [FILE]]      FILE: a text for BPE
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

#include "model/text/corpus.hpp"
#include "model/text/encoded_corpus.hpp"

namespace {

namespace fs = std::filesystem;
using nodezero::model::Tokenizer;

constexpr std::size_t megabyte = 1'000'000;
constexpr int repetitions = 3;

/// Letters in words and lines; `foreign` puts a two-byte letter into every word.
fs::path write_text(const fs::path& folder, std::size_t bytes, bool foreign) {
  std::string line;
  for (int i = 0; line.size() < megabyte; ++i) {
    line += static_cast<char>('a' + i * 7 % 26);
    if (i % 6 == 5) {
      line += foreign ? "\xC3\xA9 " : " ";
    }
    if (i % 60 == 59) {
      line += "\n";
    }
  }
  const fs::path path = folder / (foreign ? "foreign.txt" : "ascii.txt");
  std::ofstream file(path, std::ios::binary);
  for (std::size_t written = 0; written < bytes; written += line.size()) {
    file << line;
  }
  return path;
}

/// Prints the best of a few; reads every token once, since bytes are only mapped on opening.
bool measure(const char* what, const fs::path& path, Tokenizer::Kind kind,
             const Tokenizer* tokenizer = nullptr) {
  double best_open = 1e30;
  double best_read = 1e30;
  for (int i = 0; i < repetitions; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    const auto corpus =
        nodezero::model::open_corpus(std::vector{path}, {.kind = kind, .vocabulary_of = tokenizer});
    if (!corpus) {
      fmt::print(stderr, "{}\n", corpus.error().message);
      return false;
    }
    const auto opened = std::chrono::steady_clock::now();
    std::vector<std::int32_t> window(1 << 16);
    for (std::uint64_t at = 0; at < corpus->tokens->size(); at += window.size()) {
      const auto count = std::min<std::uint64_t>(window.size(), corpus->tokens->size() - at);
      corpus->tokens->read(at, std::span(window).first(count));
    }
    const auto read = std::chrono::steady_clock::now();
    best_open = std::min(best_open, std::chrono::duration<double>(opened - begin).count());
    best_read = std::min(best_read, std::chrono::duration<double>(read - opened).count());
  }
  const double megabytes = static_cast<double>(fs::file_size(path)) / megabyte;
  fmt::print("{:<24} open {:>10.0f} MB/s   open and read all {:>8.0f} MB/s\n", what,
             megabytes / best_open, megabytes / (best_open + best_read));
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  const long megabytes = argc > 1 ? std::atol(argv[1]) : 200;
  if (megabytes < 1) {
    fmt::print(stderr, "tokenize_bench [megabytes]: the size must be a positive number\n");
    return 2;
  }
  const std::size_t bytes = static_cast<std::size_t>(megabytes) * megabyte;
  const fs::path folder =
      fs::temp_directory_path() / fmt::format("nodezero-tokenize-bench-{}", ::getpid());
  fs::create_directory(folder);
  const fs::path ascii = write_text(folder, bytes, false);
  const fs::path foreign = write_text(folder, bytes, true);
  const bool done = measure("bytes", ascii, Tokenizer::Kind::bytes) &&
                    measure("chars, ASCII", ascii, Tokenizer::Kind::chars) &&
                    measure("chars, every 7th not", foreign, Tokenizer::Kind::chars);
  // Text of one's own, such as a book's, says more about BPE: made-up words are a few again and
  // again.
  const fs::path text = argc > 2 ? fs::path(argv[2]) : ascii;
  const auto trained = nodezero::model::train_tokenizer(std::vector{text}, false, 1.0, 4'096);
  const bool encoded = trained && measure("bpe of 4,096", text, Tokenizer::Kind::bpe, &*trained);
  fs::remove_all(folder);
  return done && encoded ? 0 : 1;
}
