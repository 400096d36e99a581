// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/bench/product_time.hpp"

#include <algorithm>
#include <barrier>
#include <chrono>
#include <limits>
#include <span>
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

using model::Bf16;
using model::Index;

constexpr int repetitions = 3;

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
           std::span<const float> weights)
      : rows_(sequences * config.context),
        logits_rows_(model::logits_rows(rows_, config.vocabulary)),
        precision_(precision),
        weights_(weights),
        gradient_(weights.size()),
        x_(static_cast<std::size_t>(rows_ * 4 * config.width)),
        y_(std::max(x_.size(), static_cast<std::size_t>(logits_rows_ * config.vocabulary))),
        out_(y_.size()) {
    std::ranges::fill(x_.span(), 0.5F);
    std::ranges::fill(y_.span(), 0.5F);
    const Index most = std::max({rows_, 4 * config.width, config.vocabulary});
    scratch_ =
        model::AlignedBuffer(static_cast<std::size_t>(model::product_scratch(most, most, most)));
  }

  void run(const std::vector<Linear>& layers) {
    std::size_t weight = 0;
    for (const Linear& layer : layers) {
      const Index block = layer.is_output ? logits_rows_ : rows_;
      for (Index first = 0; first < rows_; first += block) {
        const Index rows = std::min(block, rows_ - first);
        if (precision_ == model::Precision::fp32) {
          step<const float>(layer, rows, weight, first > 0, [this](auto a, auto b, auto... rest) {
            multiply_floats(a, b, rest...);
          });
        } else {
          const model::Bf16Products products(precision_, scratch_.span());
          step<const Bf16>(layer, rows, weight, first > 0,
                           [&](auto a, auto b, auto... rest) { products.multiply(a, b, rest...); });
        }
      }
      weight += static_cast<std::size_t>(layer.inputs * layer.outputs);
    }
  }

 private:
  template <class Left, class Right>
  void multiply_floats(Left a, Right b, model::Matrix c, bool accumulate = false) {
    model::multiply(a, b, c, scratch_.span(), accumulate);
  }

  /// Forward, then the derivatives of x and of w, with x and y of the given type.
  template <class Value, class Multiply>
  void step(const Linear& layer, Index rows, std::size_t weight, bool accumulate,
            Multiply multiply) {
    const auto [inputs, outputs, is_output] = layer;
    const model::MatrixMap<Value> x(reinterpret_cast<Value*>(x_.data()), rows, inputs);
    const model::MatrixMap<Value> y(reinterpret_cast<Value*>(y_.data()), rows, outputs);
    const model::Matrix out_x(out_.data(), rows, inputs), out_y(out_.data(), rows, outputs);
    const float* const w = weights_.data() + weight;
    float* const d_w = gradient_.data() + weight;
    if (is_output) {
      const model::ConstMatrix embedding(w, outputs, inputs);
      multiply(x, embedding.transpose(), out_y);
      multiply(y, embedding, out_x);
      multiply(y.transpose(), x, model::Matrix(d_w, outputs, inputs), accumulate);
    } else {
      const model::ConstMatrix linear(w, inputs, outputs);
      multiply(x, linear, out_y);
      multiply(y, linear.transpose(), out_x);
      multiply(x.transpose(), y, model::Matrix(d_w, inputs, outputs), accumulate);
    }
  }

  Index rows_, logits_rows_;
  model::Precision precision_;
  std::span<const float> weights_;
  model::AlignedBuffer gradient_;
  model::AlignedBuffer x_;
  model::AlignedBuffer y_;
  model::AlignedBuffer out_;  ///< separate from the factors, which keep their values
  model::AlignedBuffer scratch_;
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
  std::ranges::fill(weights.span(), 1e-3F);

  double best = std::numeric_limits<double>::infinity();
  Clock::time_point start;
  const std::uint32_t running = std::min(threads, micro_batches);
  std::barrier round(running, [&, first = true]() mutable noexcept {
    const auto now = Clock::now();
    if (!std::exchange(first, false)) {  // the first time, the repetitions are about to start
      best = std::min(best, std::chrono::duration<double>(now - start).count());
    }
    start = now;
  });
  std::vector<std::jthread> workers;
  for (std::uint32_t thread = 0; thread < running; ++thread) {
    workers.emplace_back([&] {
      const model::FloatingPointScope scope;
      Products products(config, precision, sequences, weights.span());
      products.run(layers);  // touches all memory
      for (int i = 0; i < repetitions; ++i) {
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
