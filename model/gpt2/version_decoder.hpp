// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "model/gpt2/decoder.hpp"

namespace nodezero::model {

/// What a thread takes continuations forward with, for one version of the weights.
struct VersionDecoder {
  VersionDecoder(const ModelConfig& config, std::shared_ptr<DecoderWeights> given,
                 std::shared_ptr<CacheBuffers> buffers = std::make_shared<CacheBuffers>())
      : weights(std::move(given)), caches(std::move(buffers)), decoder(config, *weights) {}

  std::shared_ptr<DecoderWeights> weights;
  std::shared_ptr<CacheBuffers> caches;  ///< of the continuations that begin with it
  Decoder decoder;
  std::vector<float> hidden, logits;  ///< of the rows that somebody looks at
};

}  // namespace nodezero::model
