// SPDX-License-Identifier: BSD-3-Clause

// Times the kernels of a training step one by one on one core, at the sizes that a micro-batch of
// configurations A, B, C64 and C1024 has, with the share of the roofline that each reaches.
//   [NODEZERO_KERNELS=v3] kernel_bench [--benchmark_filter=attention]
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "apps/nodezero/bench/bench_shapes.hpp"
#include "bench/register_peak.hpp"
#include "bench/roofline.hpp"
#include "model/gpt2/gpt2_layout.hpp"
#include "model/kernels/attention.hpp"
#include "model/kernels/bf16.hpp"
#include "model/kernels/bf16_product.hpp"
#include "model/kernels/cross_entropy.hpp"
#include "model/kernels/dropout.hpp"
#include "model/kernels/elementwise.hpp"
#include "model/kernels/floating_point_scope.hpp"
#include "model/kernels/kernels.hpp"
#include "model/kernels/layer_norm.hpp"
#include "model/kernels/matrix.hpp"
#include "model/kernels/matrix_product.hpp"
#include "model/kernels/precision.hpp"
#include "model/tensors/aligned_buffer.hpp"
#include "model/training/adamw.hpp"

namespace {

using namespace nodezero;
using model::Index;
using nodezero::bench::report;

/// Values between -1 and 1 that repeat nothing a cache or a branch could use.
model::AlignedBuffer values(Index size) {
  model::AlignedBuffer buffer(static_cast<std::size_t>(size));
  std::uint32_t state = 12345;
  for (float& value : buffer.span()) {
    state = state * 1664525U + 1013904223U;
    value = static_cast<float>(state >> 8) / static_cast<float>(1U << 23) - 1.0F;
  }
  return buffer;
}

/// A micro-batch: half of a step's sequences.
struct Sizes {
  explicit Sizes(const apps::BenchShape& shape)
      : sequences(shape.sequences / 2),
        context(shape.model.context),
        heads(shape.model.heads),
        width(shape.model.width),
        vocabulary(shape.model.vocabulary),
        rows(sequences * context) {}

  Index sequences, context, heads, width, vocabulary, rows;
};

double bytes_of(Index floats) {
  return 4.0 * static_cast<double>(floats);
}

model::Vector row(model::AlignedBuffer& buffer) {
  return buffer.span();
}

/// "peak" is the share of what the level's instruction does from registers alone.
void report_product(benchmark::State& state, Index m, Index n, Index k, Index bytes_of_a,
                    model::Precision precision = model::Precision::fp32) {
  static const double peaks[] = {
      bench::register_peak(model::kernels_in_use(), model::Precision::fp32),
      bench::register_peak(model::kernels_in_use(), model::Precision::bf16)};
  const double operations = 2.0 * static_cast<double>(m * n * k);
  report(state, operations, static_cast<double>(bytes_of_a) + bytes_of(k * n + m * n));
  if (const double peak = peaks[precision == model::Precision::fp32 ? 0 : 1]; peak > 0) {
    state.counters["peak"] =
        benchmark::Counter(operations / peak, benchmark::Counter::kIsIterationInvariantRate);
  }
}

void product(benchmark::State& state, Index m, Index n, Index k) {
  const model::FloatingPointScope scope;
  auto a = values(m * k), b = values(k * n), c = values(m * n);
  auto scratch = values(model::product_scratch(m, n, k));
  for (auto _ : state) {
    model::multiply(model::ConstMatrix(a.data(), m, k), model::ConstMatrix(b.data(), k, n),
                    model::Matrix(c.data(), m, n), row(scratch));
    benchmark::ClobberMemory();
  }
  report_product(state, m, n, k, 4 * m * k);
}

/// a^T b: the derivative of a weight.
void product_transposed_left(benchmark::State& state, Index m, Index n, Index k) {
  const model::FloatingPointScope scope;
  auto a = values(m * k), b = values(k * n), c = values(m * n);
  auto scratch = values(model::product_scratch(m, n, k));
  for (auto _ : state) {
    model::multiply(model::ConstMatrix(a.data(), k, m).transpose(),
                    model::ConstMatrix(b.data(), k, n), model::Matrix(c.data(), m, n),
                    row(scratch));
    benchmark::ClobberMemory();
  }
  report_product(state, m, n, k, 4 * m * k);
}

/// a b^T: the derivative of an input, and logits.
void product_transposed_right(benchmark::State& state, Index m, Index n, Index k) {
  const model::FloatingPointScope scope;
  auto a = values(m * k), b = values(k * n), c = values(m * n);
  auto scratch = values(model::product_scratch(m, n, k));
  for (auto _ : state) {
    model::multiply(model::ConstMatrix(a.data(), m, k),
                    model::ConstMatrix(b.data(), n, k).transpose(), model::Matrix(c.data(), m, n),
                    row(scratch));
    benchmark::ClobberMemory();
  }
  report_product(state, m, n, k, 4 * m * k);
}

void product_bf16(benchmark::State& state, Index m, Index n, Index k) {
  const model::FloatingPointScope scope;
  const std::vector<model::Bf16> a(static_cast<std::size_t>(m * k), model::to_bf16(0.5F));
  auto b = values(k * n), c = values(m * n);
  auto scratch = values(model::product_scratch(m, n, k));
  const model::Bf16Products products(model::Precision::bf16, row(scratch));
  for (auto _ : state) {
    products.multiply(model::ConstBf16Matrix(a, m, k), model::ConstMatrix(b.data(), k, n),
                      model::Matrix(c.data(), m, n));
    benchmark::ClobberMemory();
  }
  report_product(state, m, n, k, 2 * m * k, model::Precision::bf16);
}

void attention(benchmark::State& state, Sizes s, bool backward) {
  const model::FloatingPointScope scope;
  const model::AttentionShape shape{s.sequences, s.context, s.heads, s.width / s.heads};
  auto qkv = values(s.rows * 3 * s.width), d_qkv = values(s.rows * 3 * s.width);
  auto above = values(s.rows * s.width), attended = values(s.rows * s.width);
  auto log_sums = values(s.rows * s.heads);
  model::AlignedBuffer scratch(shape.scratch_size());
  constexpr float scale = 0.125f;
  const model::DropoutMask none({}, 0, 0, model::DropoutSite::attention, s.context);
  const model::Matrix x(qkv.data(), s.rows, 3 * s.width), d_x(d_qkv.data(), s.rows, 3 * s.width),
      y(attended.data(), s.rows, s.width), d_y(above.data(), s.rows, s.width),
      sums(log_sums.data(), s.sequences * s.heads, s.context);
  model::attention(shape, scale, x, none, y, sums, row(scratch));
  for (auto _ : state) {
    if (backward) {
      model::attention_backward(shape, scale, d_y, x, y, sums, none, d_x, row(scratch));
    } else {
      model::attention(shape, scale, x, none, y, sums, row(scratch));
    }
    benchmark::ClobberMemory();
  }
  // Two products forward, five backward, over the causal half of T x T.
  const double pairs = 0.5 * static_cast<double>(s.rows * s.context * s.width);
  report(state, 2 * pairs * (backward ? 5 : 2), bytes_of(s.rows * s.width * (backward ? 8 : 4)));
}

void gelu(benchmark::State& state, Sizes s, bool backward) {
  const model::FloatingPointScope scope;
  const Index width = 4 * s.width;
  auto in = values(s.rows * width), out = values(s.rows * width), above = values(s.rows * width);
  auto bias = values(width), d_bias = values(width);
  const model::Matrix x(in.data(), s.rows, width), y(out.data(), s.rows, width),
      d(above.data(), s.rows, width);
  for (auto _ : state) {
    if (backward) {
      model::activation_backward(model::Activation::gelu, x, d, y, row(d_bias));
    } else {
      model::bias_activation(model::Activation::gelu, row(bias), x, y);
    }
    benchmark::ClobberMemory();
  }
  report(state, 0, bytes_of(s.rows * width * (backward ? 4 : 3)));
}

void layer_norm(benchmark::State& state, Sizes s, bool backward) {
  const model::FloatingPointScope scope;
  auto in = values(s.rows * s.width), out = values(s.rows * s.width);
  auto below = values(s.rows * s.width), mean = values(s.rows), deviation = values(s.rows);
  auto gain = values(s.width), bias = values(s.width);
  auto d_gain = values(s.width), d_bias = values(s.width);
  const model::Matrix x(in.data(), s.rows, s.width), y(out.data(), s.rows, s.width),
      d_x(below.data(), s.rows, s.width);
  const model::RowMoments moments{row(mean), row(deviation)};
  model::layer_norm(x, row(gain), row(bias), 1e-5f, y, moments);
  for (auto _ : state) {
    if (backward) {
      model::layer_norm_backward(y, x, row(gain), moments, d_x, row(d_gain), row(d_bias));
    } else {
      model::layer_norm(x, row(gain), row(bias), 1e-5f, y, moments);
    }
    benchmark::ClobberMemory();
  }
  report(state, 0, bytes_of(s.rows * s.width * (backward ? 4 : 2)));
}

void cross_entropy(benchmark::State& state, Sizes s) {
  const model::FloatingPointScope scope;
  const Index rows = std::min<Index>(s.rows, 64);
  auto work = values(rows * s.vocabulary);
  model::Matrix logits(work.data(), rows, s.vocabulary);
  double sum = 0;
  for (auto _ : state) {
    for (Index i = 0; i < rows; ++i) {
      sum += model::cross_entropy_backward(logits.row(i), 3);
    }
    benchmark::DoNotOptimize(sum);
  }
  report(state, 0, bytes_of(2 * rows * s.vocabulary));
}

void adamw(benchmark::State& state, const model::ModelConfig& config) {
  const model::FloatingPointScope scope;
  const auto layout = model::gpt2_layout(config);
  model::Parameters weights(layout);
  model::Gradient gradient(layout);
  model::OptimizerState moments(layout);
  for (float& value : gradient.values()) {
    value = 1e-3F;
  }
  const std::size_t blocks = model::norm_block_count(*layout);
  std::vector<double> sums(blocks);
  std::uint64_t step = 0;
  const auto update = [&] {
    model::squared_norm_blocks(gradient, 0, sums);
    model::adamw_update({}, {.step = ++step, .learning_rate = 1e-4, .gradient_scale = 1}, gradient,
                        weights, weights, moments, 0, blocks);
  };
  update();  // touches all memory
  for (auto _ : state) {
    update();
  }
  // The norm reads the gradient; the update reads four arrays and writes three.
  report(state, 0, bytes_of(static_cast<Index>(gradient.values().size()) * 8));
}

void register_all(const apps::BenchShape& shape) {
  const std::string name = shape.name;
  const Sizes s(shape);
  const Index M = s.rows, C = s.width;
  const auto add = [&](const std::string& kernel, auto function, auto... arguments) {
    benchmark::RegisterBenchmark((kernel + "/" + name).c_str(), function, arguments...);
  };
  add("product_qkv", product, M, 3 * C, C);
  add("product_wide", product, M, 4 * C, C);
  add("product_narrow", product, M, C, 4 * C);
  add("product_d_input", product_transposed_right, M, C, 4 * C);
  add("product_d_weight", product_transposed_left, C, 4 * C, M);
  add("product_logits", product_transposed_right, M, s.vocabulary, C);
  add("product_bf16_wide", product_bf16, M, 4 * C, C);
  add("product_bf16_narrow", product_bf16, M, C, 4 * C);
  add("attention", attention, s, false);
  add("attention_backward", attention, s, true);
  add("bias_gelu", gelu, s, false);
  add("gelu_backward", gelu, s, true);
  add("layer_norm", layer_norm, s, false);
  add("layer_norm_backward", layer_norm, s, true);
  add("cross_entropy", cross_entropy, s);
  add("norm_and_adamw", adamw, shape.model);
}

}  // namespace

int main(int argc, char** argv) {
  if (const char* level = std::getenv("NODEZERO_KERNELS"); level != nullptr) {
    if (const auto selected = nodezero::model::select_kernels(level); !selected) {
      std::fprintf(stderr, "kernel_bench: %s\n", selected.error().message.c_str());
      return 2;
    }
  }
  for (const char* name : {"A", "B", "C64", "C1024"}) {
    register_all(*nodezero::apps::find_bench_shape(name));
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
    return 2;
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
