// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "apps/nodezero/options/train_options.hpp"
#include "model/text/corpus.hpp"
#include "model/training/batch_source.hpp"

namespace nodezero::apps {

/// The text of a run, opened and split. Training never reads a token of the validation part.
struct DataSet {
  model::Tokenizer tokenizer = model::Tokenizer::bytes();
  std::int64_t vocabulary = 256;  ///< all ids are below it
  std::vector<std::filesystem::path> files;
  std::vector<std::filesystem::path> validation_files;  ///< empty: a part of `files`
  std::vector<std::filesystem::path> left_out;          ///< folders of runs among the data
  std::shared_ptr<const model::TokenSource> training_tokens;
  model::TokenRange training;
  std::shared_ptr<const model::TokenSource> validation_tokens;  ///< null: no validation
  model::TokenRange validation;
  model::TokenRange evaluation;  ///< the part of `validation` used while training, from its start
  std::uint64_t bytes = 0;       ///< of `files`
  std::vector<model::UsedFile> used;  ///< of both parts
  std::vector<std::string> remarks;   ///< lines that tell how the data was understood
};

/// What the data of a run is opened with beside its options.
struct DataContext {
  std::optional<model::Tokenizer> tokenizer = {};  ///< of the model that a run goes on with
  std::filesystem::path run_folder = {};           ///< left out of the data
  std::filesystem::path encoded = {};              ///< CorpusOptions::encoded
};

/// Opens options.data and splits it: the last options.validation of it, or a separate file, is
/// held out for validation. Uses the tokenizer of `context`, if there is one; otherwise that of
/// options.tokenizer, which is trained on the training part if it is bpe, and the alphabet of a
/// chars tokenizer covers all files, the validation files included.
/// The folders of runs are left out, that of `context` even while nothing is in it yet. A folder
/// that nanoGPT has prepared is read as it is meant: train.bin, val.bin unless options.validation
/// says something else, and the characters of meta.pkl.
/// @throws CommandError if a path cannot be read, a character is unknown or a part is shorter
/// than a window of options.training.model.context tokens
DataSet open_data(const TrainOptions& options, const DataContext& context);

/// The tokenizer in the file or folder that --tokenizer names.
/// @throws CommandError if there is none
model::Tokenizer read_named_tokenizer(const std::string& name);

/// The frequency of each token id in a fixed sample of at most 2^20 training tokens, taken in
/// evenly spaced blocks. The frequencies add up to 1.
std::vector<double> token_frequencies(const DataSet& data);

/// Identifies the data of a run, for run.json: each file's path, size and SHA-256, the borders of
/// the parts and the tokenizer. For a file larger than 64 MiB the hash covers its size and 64
/// evenly spaced blocks of 1 MiB, and is called sample_sha256.
/// @throws CommandError if a file cannot be read
nlohmann::json describe(const DataSet& data);

/// The first relevant difference between two descriptions, as a clause that names the option and
/// both values; nothing if there is none. Paths may differ, contents may not.
std::optional<std::string> data_difference(const nlohmann::json& recorded,
                                           const nlohmann::json& found);

}  // namespace nodezero::apps
