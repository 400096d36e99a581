// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/bench/product_time.hpp"

#include <algorithm>
#include <barrier>
#include <chrono>
#include <limits>
#include <thread>
#include <utility>
#include <vector>

#include "model/gpt2/workspace.hpp"
#include "model/kernels/bf16_product.hpp"
#include "model/kernels/floating_point_scope.hpp"
#include "model/kernels/matrix_product.hpp"
#include "model/tensors/aligned_buffer.hpp"

namespace nodezero::apps {
namespace {

using Index = std::int64_t;
using model::Bf16;

constexpr int rounds = 3;

/// A linear layer y[rows, outputs] = x[rows, inputs] w.
struct Linear {
  Index inputs;
  Index outputs;
  bool is_output = false;  ///< the tied output, whose weight is [outputs, inputs]
};

std::vector<Linear> linear_layers(const model::ModelConfig& config) {
  const Index C = config.width;
  std::vector<Linear> layers;
  for (Index layer = 0; layer < config.layers; ++layer) {
    layers.insert(layers.end(), {{C, 3 * C}, {C, C}, {C, 4 * C}, {4 * C, C}});
  }
  layers.push_back({C, config.vocabulary, true});
  return layers;
}

/// The products of one micro-batch on one thread.
class Products {
 public:
  Products(const model::ModelConfig& config, model::Precision precision, Index sequences,
           const model::AlignedBuffer& weights)
      : plan_(config, precision, sequences, config.context),
        precision_(precision),
        weights_(weights),
        gradient_(weights.size()),
        x_(size_of(plan_.rows, 4 * config.width)),
        y_(std::max(size_of(plan_.rows, 4 * config.width),
                    size_of(plan_.logits_rows, plan_.logits_stride))),
        out_(y_.size()) {
    std::fill_n(x_.data(), x_.size(), 0.5F);
    std::fill_n(y_.data(), y_.size(), 0.5F);
    if (precision == model::Precision::bf16) {
      scratch_.resize(
          std::max(model::bf16_product_scratch(4 * config.width, plan_.rows),
                   model::bf16_product_scratch(1, std::max(4 * config.width, config.vocabulary))));
    }
  }

  void run(const std::vector<Linear>& layers) {
    std::size_t weight = 0;
    for (const Linear& layer : layers) {
      const Index block = layer.is_output ? plan_.logits_rows : plan_.rows;
      for (Index first = 0; first < plan_.rows; first += block) {
        step(layer, std::min(block, plan_.rows - first), weight, first > 0);
      }
      weight += static_cast<std::size_t>(layer.inputs * layer.outputs);
    }
  }

 private:
  static std::size_t size_of(Index rows, Index width) {
    return static_cast<std::size_t>(rows * width);
  }

  /// Forward, then the derivatives of x and of w.
  void step(const Linear& layer, Index rows, std::size_t weight, bool accumulate) {
    const auto [inputs, outputs, is_output] = layer;
    const float* const w = weights_.data() + weight;
    const model::MatrixView forward{w, is_output ? inputs : outputs, is_output};
    const model::MatrixView back{w, is_output ? inputs : outputs, !is_output};
    multiply(rows, outputs, inputs, x_.data(), inputs, forward, out_.data(), outputs);
    multiply(rows, inputs, outputs, y_.data(), outputs, back, out_.data(), inputs);
    if (is_output) {
      multiply_transposed(outputs, inputs, rows, y_.data(), x_.data(), weight, accumulate);
    } else {
      multiply_transposed(inputs, outputs, rows, x_.data(), y_.data(), weight, accumulate);
    }
  }

  void multiply(Index m, Index n, Index k, const float* a, Index a_stride, model::MatrixView b,
                float* c, Index c_stride) {
    if (precision_ == model::Precision::bf16) {
      const auto* const narrow = reinterpret_cast<const Bf16*>(a);
      model::multiply(m, n, k, {narrow, a_stride}, b, c, c_stride, false, scratch_.data());
    } else {
      model::multiply(m, n, k, {a, a_stride}, b, c, c_stride);
    }
  }

  /// gradient[m, n] = a^T b for a of [k, m] and b of [k, n].
  void multiply_transposed(Index m, Index n, Index k, const float* a, const float* b,
                           std::size_t weight, bool accumulate) {
    float* const c = gradient_.data() + weight;
    if (precision_ == model::Precision::bf16) {
      model::multiply(m, n, k, {reinterpret_cast<const Bf16*>(a), m, true},
                      model::Bf16View{reinterpret_cast<const Bf16*>(b), n}, c, n, accumulate,
                      scratch_.data());
    } else {
      model::multiply(m, n, k, {a, m, true}, {b, n}, c, n, accumulate);
    }
  }

  model::ActivationPlan plan_;
  model::Precision precision_;
  const model::AlignedBuffer& weights_;
  model::AlignedBuffer gradient_;
  model::AlignedBuffer x_;
  model::AlignedBuffer y_;
  model::AlignedBuffer out_;  ///< separate from the factors, which keep their values
  std::vector<Bf16> scratch_;
};

}  // namespace

double measure_product_time(const model::ModelConfig& config, std::int64_t sequences,
                            std::uint32_t micro_batches, std::uint32_t threads,
                            model::Precision precision) {
  using Clock = std::chrono::steady_clock;
  const auto layers = linear_layers(config);
  std::size_t size = 0;
  for (const Linear& layer : layers) {
    size += static_cast<std::size_t>(layer.inputs * layer.outputs);
  }
  model::AlignedBuffer weights(size);
  std::fill_n(weights.data(), size, 1e-3F);

  double best = std::numeric_limits<double>::infinity();
  Clock::time_point start;
  const std::uint32_t running = std::min(threads, micro_batches);
  std::barrier round(running, [&, first = true]() mutable noexcept {
    const auto now = Clock::now();
    if (!std::exchange(first, false)) {  // the first time, the rounds are about to start
      best = std::min(best, std::chrono::duration<double>(now - start).count());
    }
    start = now;
  });
  std::vector<std::jthread> workers;
  for (std::uint32_t thread = 0; thread < running; ++thread) {
    workers.emplace_back([&] {
      const model::FloatingPointScope scope;
      Products products(config, precision, sequences, weights);
      products.run(layers);  // touches all memory
      for (int i = 0; i < rounds; ++i) {
        round.arrive_and_wait();
        products.run(layers);
      }
      round.arrive_and_wait();
    });
  }
  workers.clear();
  return best * ((micro_batches + running - 1) / running);
}

}  // namespace nodezero::apps
