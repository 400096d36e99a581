// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/train/data_set.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "apps/nodezero/common.hpp"
#include "apps/nodezero/options/option_values.hpp"
#include "apps/nodezero/process/open_files.hpp"
#include "apps/nodezero/terminal/quantities.hpp"
#include "apps/nodezero/train/run_folder.hpp"
#include "model/files/atomic_file.hpp"
#include "model/text/encoded_corpus.hpp"
#include "model/text/pickled_alphabet.hpp"
#include "model/text/token_files.hpp"
#include "model/text/tokenizer_files.hpp"

namespace nodezero::apps {

namespace {

constexpr std::uint64_t sample_size = std::uint64_t{1} << 20;
constexpr std::uint64_t sample_block_size = 4'096;

/// The files of a run by their roles.
struct DataFiles {
  std::vector<std::filesystem::path> training;
  std::vector<std::filesystem::path> validation;  ///< empty: a part of `training`
  std::vector<std::filesystem::path> left_out;
  std::optional<model::Tokenizer> tokenizer;  ///< that comes with token files
  std::vector<std::string> remarks;
};

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

/// A folder as nanoGPT's prepare.py leaves it: ids in train.bin and val.bin, for characters with
/// their alphabet in meta.pkl, beside the text and the program that they were made from.
std::optional<DataFiles> prepared_by_nanogpt(const TrainOptions& options) {
  const std::filesystem::path folder = options.data.size() == 1 ? options.data.front() : "";
  const auto has = [&](const char* name) {
    std::error_code error;
    return std::filesystem::is_regular_file(folder / name, error);
  };
  if (!std::filesystem::is_directory(folder) || !has("train.bin") || !has("val.bin")) {
    return std::nullopt;
  }
  DataFiles found;
  found.training = unwrap(model::list_files(std::vector{folder / "train.bin"})).files;
  if (options.validation == TrainOptions().validation) {
    found.validation = unwrap(model::list_files(std::vector{folder / "val.bin"})).files;
    found.remarks.push_back(
        fmt::format("'{}' is a folder of nanoGPT: train.bin is trained on and val.bin held out",
                    folder.string()));
  }
  if (has("meta.pkl")) {
    const auto alphabet =
        model::read_file(folder / "meta.pkl").and_then(model::read_pickled_alphabet);
    if (alphabet) {
      found.tokenizer = model::Tokenizer::chars(*alphabet);
    } else {
      found.remarks.push_back(fmt::format("'{}' is ignored: it {}", (folder / "meta.pkl").string(),
                                          alphabet.error().message));
    }
  }
  return found;
}

DataFiles find_files(const TrainOptions& options, const std::filesystem::path& run_folder) {
  auto found = prepared_by_nanogpt(options).value_or(DataFiles());
  if (found.training.empty()) {
    auto [files, left_out] = files_of(options.data, run_folder);
    found.training = std::move(files);
    found.left_out = std::move(left_out);
  }
  if (!validation_fraction(options.validation)) {
    found.validation = files_of({options.validation}, run_folder).files;
  }
  return found;
}

model::Tokenizer train_bpe(const TrainOptions& options,
                           const std::vector<std::filesystem::path>& files, double fraction,
                           std::vector<std::string>& remarks) {
  if (options.vocabulary < model::least_bpe_vocabulary) {
    throw CommandError(exit_bad_input,
                       fmt::format("--vocabulary must be at least {} with --tokenizer bpe, not {}",
                                   model::least_bpe_vocabulary, options.vocabulary));
  }
  auto tokenizer = model::train_tokenizer(files, options.binary, fraction, options.vocabulary);
  if (!tokenizer) {
    throw CommandError(exit_bad_input, with_option_names(tokenizer.error().message));
  }
  if (tokenizer->vocabulary() < options.vocabulary) {
    remarks.push_back(fmt::format("the training text yields a vocabulary of {} tokens, not {}",
                                  grouped(static_cast<std::uint64_t>(tokenizer->vocabulary())),
                                  grouped(static_cast<std::uint64_t>(options.vocabulary))));
  }
  return std::move(*tokenizer);
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

model::Tokenizer read_named_tokenizer(const std::string& name) {
  std::error_code error;
  if (!std::filesystem::exists(name, error)) {
    throw CommandError(
        exit_bad_input,
        fmt::format("--tokenizer must be bytes, chars, bpe, or a file or folder that exists, not "
                    "'{}'",
                    name));
  }
  return unwrap(model::read_tokenizer(name));
}

DataSet open_data(const TrainOptions& options, const DataContext& context) {
  allow_many_open_files();
  auto found = find_files(options, context.run_folder);
  const auto kind = tokenizer_kind(options.tokenizer);
  const auto open = [&](const auto& paths, const std::optional<model::Tokenizer>& tokenizer) {
    auto corpus = model::open_corpus(paths, {.kind = kind.value_or(model::Tokenizer::Kind::bpe),
                                             .vocabulary_of = tokenizer ? &*tokenizer : nullptr,
                                             .vocabulary = found.tokenizer ? 0 : options.vocabulary,
                                             .token_type = options.token_type,
                                             .binary = options.binary,
                                             .encoded = context.encoded});
    if (!corpus) {
      throw CommandError(exit_bad_input, with_option_names(corpus.error().message));
    }
    return std::move(*corpus);
  };

  const auto fraction = validation_fraction(options.validation).value_or(0);
  auto tokenizer = context.tokenizer ? context.tokenizer : found.tokenizer;
  const bool is_text = !model::is_token_file(found.training.front());
  if (!tokenizer && !kind) {
    tokenizer = read_named_tokenizer(options.tokenizer);
  } else if (!tokenizer && is_text && kind == model::Tokenizer::Kind::bpe) {
    tokenizer = train_bpe(options, found.training, 1.0 - fraction, found.remarks);
  } else if (!tokenizer && is_text && kind == model::Tokenizer::Kind::chars &&
             !found.validation.empty()) {
    auto all = found.training;
    all.insert(all.end(), found.validation.begin(), found.validation.end());
    tokenizer = open(all, std::nullopt).tokenizer;
  }
  const auto corpus = open(found.training, tokenizer);

  DataSet data{.tokenizer = corpus.tokenizer,
               .vocabulary = corpus.vocabulary,
               .files = found.training,
               .validation_files = found.validation,
               .left_out = found.left_out,
               .training_tokens = corpus.tokens,
               .training = {0, corpus.tokens->size()},
               .validation_tokens = nullptr,
               .validation = {},
               .evaluation = {},
               .bytes = corpus.bytes,
               .used = corpus.used,
               .remarks = std::move(found.remarks)};
  if (!found.validation.empty()) {
    const auto held_out = open(found.validation, corpus.tokenizer);
    data.used.insert(data.used.end(), held_out.used.begin(), held_out.used.end());
    data.validation_tokens = held_out.tokens;
    data.validation = {0, held_out.tokens->size()};
  } else if (fraction > 0) {
    const auto size = corpus.tokens->size();
    const auto border = static_cast<std::uint64_t>((1.0 - fraction) * static_cast<double>(size));
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
  std::vector<std::uint64_t> counts(static_cast<std::size_t>(data.vocabulary), 0);
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
