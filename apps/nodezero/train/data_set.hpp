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
#include "model/text/token_source.hpp"
#include "model/training/batch_source.hpp"

namespace nodezero::apps {

/// The text of a run, opened and divided. Training never reads a token of the validation part.
struct DataSet {
  model::Tokenizer tokenizer = model::Tokenizer::bytes();
  std::vector<std::filesystem::path> files;
  std::vector<std::filesystem::path> validation_files;  ///< empty: a part of `files`
  std::shared_ptr<const model::TokenSource> training_tokens;
  model::TokenRange training;
  std::shared_ptr<const model::TokenSource> validation_tokens;  ///< null: no validation
  model::TokenRange validation;
  model::TokenRange evaluation;  ///< the start of `validation` that is used while training
  std::uint64_t bytes = 0;       ///< of `files`
};

/// The fraction that `text` of --validation means, or nothing if it means a path.
/// @throws CommandError if it is a number outside [0, 1)
std::optional<double> validation_fraction(const std::string& text);

/// Opens options.data and divides it: the last options.validation of it, or a file of its
/// own, is for validation. With `vocabulary_of` that tokenizer is used; else the chars
/// alphabet is that of all files, those for validation included.
/// @throws CommandError if a path cannot be read, a character is unknown or a part is shorter
/// than a window of options.training.model.context tokens
DataSet open_data(const TrainOptions& options, const model::Tokenizer* vocabulary_of);

/// How often each token id occurs in a fixed sample of at most 2^20 training tokens, taken in
/// evenly spread blocks; the frequencies add up to 1.
std::vector<double> token_frequencies(const DataSet& data);

/// What identifies the data of a run, for run.json: each file's path, size and SHA-256, the
/// borders of the parts and the tokenizer. Of a file above 64 MiB the hash covers its size
/// and 64 evenly spread blocks of 1 MiB, and is named sample_sha256.
/// @throws CommandError if a file cannot be read
nlohmann::json describe(const DataSet& data);

/// The first difference between two descriptions that matters, as a clause that names the
/// option and both values, or nothing. Paths may differ, contents may not.
std::optional<std::string> data_difference(const nlohmann::json& recorded,
                                           const nlohmann::json& found);

}  // namespace nodezero::apps
