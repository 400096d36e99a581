// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/train/data_set.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "apps/nodezero/common.hpp"
#include "apps/nodezero/process/open_files.hpp"
#include "apps/nodezero/terminal/quantities.hpp"
#include "apps/nodezero/train/run_folder.hpp"

namespace nodezero::apps {

namespace {

constexpr std::uint64_t sample_size = std::uint64_t{1} << 20;
constexpr std::uint64_t sample_block_size = 4'096;

/// Without the folders of runs, this one's among them: what a run writes is not its text.
model::FileList files_of(const std::vector<std::string>& names,
                         const std::filesystem::path& run_folder) {
  const std::vector<std::filesystem::path> paths(names.begin(), names.end());
  std::error_code error;
  const auto own =
      run_folder.empty() ? run_folder : std::filesystem::weakly_canonical(run_folder / ".", error);
  return unwrap(model::list_files(paths, [&](const std::filesystem::path& folder) {
    return folder == own || is_run_folder(folder);
  }));
}

void check_lengths(const DataSet& data, std::int64_t context) {
  const auto window = static_cast<std::uint64_t>(context) + 1;
  if (data.training.size() < window) {
    throw CommandError(
        exit_bad_input,
        fmt::format("the training text has only {}, but one window takes {} (--context {} plus "
                    "the one to predict): give more text or a smaller --context",
                    counted(data.training.size(), "token"), window, context));
  }
  if (data.validation_tokens != nullptr && data.validation.size() < 2) {
    throw CommandError(
        exit_bad_input,
        fmt::format("the validation text has only {}, but needs 2: give more text, a larger "
                    "--validation, or --validation 0 for none",
                    counted(data.validation.size(), "token")));
  }
}

}  // namespace

std::optional<double> validation_fraction(const std::string& text) {
  double fraction = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, fraction);
  if (error != std::errc{} || stop != end) {
    return std::nullopt;
  }
  if (!(fraction >= 0 && fraction < 1)) {
    throw CommandError(
        exit_bad_input,
        fmt::format("--validation takes a fraction of at least 0 and below 1, or a file, not '{}'",
                    text));
  }
  return fraction;
}

DataSet open_data(const TrainOptions& options, const model::Tokenizer* vocabulary_of,
                  const std::filesystem::path& run_folder) {
  allow_many_open_files();
  const auto fraction = validation_fraction(options.validation);
  const auto [files, left_out] = files_of(options.data, run_folder);
  const auto validation_files = fraction ? std::vector<std::filesystem::path>{}
                                         : files_of({options.validation}, run_folder).files;
  const auto open = [&](const auto& paths, const model::Tokenizer* tokenizer) {
    return unwrap(model::open_corpus(paths, options.tokenizer, tokenizer, options.vocabulary));
  };

  std::optional<model::Tokenizer> alphabet;
  if (vocabulary_of != nullptr) {
    alphabet = *vocabulary_of;
  } else if (!fraction && options.tokenizer == model::Tokenizer::Kind::chars) {
    auto all = files;
    all.insert(all.end(), validation_files.begin(), validation_files.end());
    alphabet = open(all, nullptr).tokenizer;
  }
  const auto corpus = open(files, alphabet ? &*alphabet : nullptr);

  DataSet data{.tokenizer = corpus.tokenizer,
               .files = files,
               .validation_files = validation_files,
               .left_out = left_out,
               .training_tokens = corpus.tokens,
               .training = {0, corpus.tokens->size()},
               .validation_tokens = nullptr,
               .validation = {},
               .evaluation = {},
               .bytes = corpus.bytes,
               .used = corpus.used};
  if (!fraction) {
    const auto held_out = open(validation_files, &corpus.tokenizer);
    data.used.insert(data.used.end(), held_out.used.begin(), held_out.used.end());
    data.validation_tokens = held_out.tokens;
    data.validation = {0, held_out.tokens->size()};
  } else if (*fraction > 0) {
    const auto size = corpus.tokens->size();
    const auto border = static_cast<std::uint64_t>((1.0 - *fraction) * static_cast<double>(size));
    data.training = {0, border};
    data.validation_tokens = corpus.tokens;
    data.validation = {border, size};
  }
  check_lengths(data, options.training.model.context);
  data.evaluation = data.validation;
  if (options.evaluation_tokens > 0 && options.evaluation_tokens < data.validation.size()) {
    // One more than there are targets: the first token is only context.
    data.evaluation.end = data.validation.begin + options.evaluation_tokens + 1;
  }
  return data;
}

std::vector<double> token_frequencies(const DataSet& data) {
  std::vector<std::uint64_t> counts(static_cast<std::size_t>(data.tokenizer.vocabulary()), 0);
  const auto size = data.training.size();
  const auto blocks = std::max<std::uint64_t>(1, std::min(size, sample_size) / sample_block_size);
  const auto block_size = std::min(size, sample_block_size);
  std::vector<std::int32_t> block(block_size);
  for (std::uint64_t i = 0; i < blocks; ++i) {
    // In double, so that no product overflows; the place need not be exact, only reproducible.
    const auto offset =
        blocks == 1
            ? 0
            : static_cast<std::uint64_t>(static_cast<double>(size - block_size) *
                                         static_cast<double>(i) / static_cast<double>(blocks - 1));
    data.training_tokens->read(data.training.begin + offset, block);
    for (const auto token : block) {
      ++counts[static_cast<std::size_t>(token)];
    }
  }
  const auto total = static_cast<double>(blocks * block_size);
  std::vector<double> frequencies(counts.size());
  std::transform(counts.begin(), counts.end(), frequencies.begin(),
                 [&](std::uint64_t count) { return static_cast<double>(count) / total; });
  return frequencies;
}

}  // namespace nodezero::apps
