// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "actors/settings.hpp"
#include "model/text/corpus.hpp"
#include "model/text/tokenizer.hpp"
#include "model/training/training_config.hpp"

namespace nodezero::apps {

/// The options of a training run as plain values. Their names, limits and help texts are in
/// option_table.hpp; run.json stores the same values under the same names.
/// training.model.vocabulary is set when the data is opened, sampling.seed is training.seed.
struct TrainOptions : actors::RunOptions {
  TrainOptions() { checkpoint_every = 500; }

  std::string preset;
  std::vector<std::string> data;     ///< files and folders
  std::string tokenizer = "bytes";   ///< bytes, chars, bpe (which is trained), or a path
  std::int64_t vocabulary = 50'257;  ///< token ids in token files, or the size of bpe to train
  model::TokenType token_type = model::TokenType::automatic;
  bool binary = false;             ///< data that is not text is read as bytes all the same
  std::string validation = "0.1";  ///< a fraction of the tokens in [0, 1), or a path
  std::string init;                ///< model folder to start from; empty: from the seed

  std::uint64_t evaluation_tokens = 262'144;  ///< 0: all
  std::vector<std::string> prompts;
  std::uint64_t stall_timeout_s = 600;

  bool tensorboard = false;         ///< whether event files are written to the run folder, too
  std::string prometheus;           ///< file for node_exporter's textfile collector; empty: none
  std::string trace;                ///< file to record this session's messages to; empty: none
  std::uint64_t trace_ring_s = 60;  ///< seconds of messages kept in memory; 0: none
};

}  // namespace nodezero::apps
