// SPDX-License-Identifier: BSD-3-Clause

// What the kernels of the fast path have in common: bits that no address changes, nothing written
// outside of their buffers, and numbers that are not finite kept where they belong. What they
// compute is compared with the reference in gradient_test.cpp.
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "model/kernels/attention.hpp"
#include "model/kernels/attention_rows.hpp"
#include "model/kernels/cross_entropy.hpp"
#include "model/kernels/elementwise.hpp"
#include "model/kernels/floating_point_scope.hpp"
#include "model/kernels/layer_norm.hpp"
#include "model/kernels/matrix_product.hpp"
#include "model/tensors/aligned_buffer.hpp"
#include "model/training/adamw.hpp"
#include "model/training/gradient_sums.hpp"
#include "tests/model/support/small_model.hpp"

namespace nodezero::model {
namespace {

using Buffers = std::vector<float*>;

/// A kernel with the sizes of its buffers, inputs and outputs alike.
struct Kernel {
  std::string name;
  std::vector<std::size_t> sizes;
  std::function<void(const Buffers&)> run;
};

constexpr float guard_value = 12345.0f;

/// The buffers' values after a run on noise, each buffer `shift` floats and its own number of
/// floats behind the start of a cache line. Checks that nothing beside them was written.
std::vector<std::vector<float>> values_after(const Kernel& kernel, std::size_t shift,
                                             const std::function<void(const Buffers&)>& prepare) {
  constexpr std::size_t guard = 64;
  const FloatingPointScope scope;
  std::vector<AlignedBuffer> memory;
  Buffers buffers;
  for (std::size_t i = 0; i < kernel.sizes.size(); ++i) {
    memory.emplace_back(guard + kernel.sizes[i] + 2 * guard);
    std::ranges::fill(memory.back().span(), guard_value);
    buffers.push_back(memory.back().data() + guard + (shift == 0 ? 0 : (shift + i) % 16));
    const std::vector<double> noise = test::noise(kernel.sizes[i], i);
    std::copy(noise.begin(), noise.end(), buffers.back());
  }
  prepare(buffers);
  kernel.run(buffers);
  std::vector<std::vector<float>> values;
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    values.emplace_back(buffers[i], buffers[i] + kernel.sizes[i]);
    const auto all = memory[i].span();
    EXPECT_TRUE(std::all_of(all.data(), buffers[i], [](float x) { return x == guard_value; }) &&
                std::all_of(buffers[i] + kernel.sizes[i], all.data() + all.size(),
                            [](float x) { return x == guard_value; }))
        << kernel.name << " wrote beside buffer " << i;
  }
  return values;
}

const std::pair<std::string, Activation> activations[] = {
    {"gelu", Activation::gelu}, {"gelu_exact", Activation::gelu_exact}, {"relu", Activation::relu}};

std::vector<Kernel> kernels() {
  std::vector<Kernel> all;
  for (const std::size_t width : {1, 7, 16, 37, 64, 131}) {
    const std::size_t rows = 5, size = rows * width;
    const auto r = static_cast<Index>(rows), w = static_cast<Index>(width);
    const auto add = [&](std::string name, std::vector<std::size_t> sizes, auto run) {
      all.push_back({name + " of width " + std::to_string(width), std::move(sizes), run});
    };
    // What a buffer holds: a matrix [rows, width], a row of that width, or a value for each row.
    const auto matrix = [=](float* data) { return Matrix(data, r, w); };
    const auto row = [=](float* data) { return Vector(data, w); };
    const auto moments = [=](float* mean, float* deviation) {
      return RowMoments{Vector(mean, r), Vector(deviation, r)};
    };
    add("add_bias", {width, size}, [=](const Buffers& b) { add_bias(row(b[0]), matrix(b[1])); });
    add("column_sums", {size, width},
        [=](const Buffers& b) { column_sums(matrix(b[0]), row(b[1])); });
    for (const auto& [name, activation] : activations) {
      add("bias_" + name, {width, size, size}, [=, activation = activation](const Buffers& b) {
        bias_activation(activation, row(b[0]), matrix(b[1]), matrix(b[2]));
      });
      add(name + "_backward", {size, size, size, width},
          [=, activation = activation](const Buffers& b) {
            activation_backward(activation, matrix(b[0]), matrix(b[1]), matrix(b[2]), row(b[3]));
          });
      add("add_" + name + "_backward", {size, size, size, width},
          [=, activation = activation](const Buffers& b) {
            add_activation_backward(activation, matrix(b[0]), matrix(b[1]), matrix(b[2]),
                                    row(b[3]));
          });
    }
    add("error_function", {width}, [=](const Buffers& b) { error_function(row(b[0])); });
    add("layer_norm", {size, width, width, size, rows, rows}, [=](const Buffers& b) {
      layer_norm(matrix(b[0]), row(b[1]), row(b[2]), 1e-5F, matrix(b[3]), moments(b[4], b[5]));
    });
    add("layer_norm_again", {size, width, width, size, rows, rows}, [=](const Buffers& b) {
      layer_norm_again(matrix(b[0]), row(b[1]), row(b[2]), moments(b[4], b[5]), matrix(b[3]));
    });
    add("layer_norm_backward", {size, size, width, rows, rows, size, width, width},
        [=](const Buffers& b) {
          layer_norm_backward(matrix(b[0]), matrix(b[1]), row(b[2]), moments(b[3], b[4]),
                              matrix(b[5]), row(b[6]), row(b[7]));
        });
    add("negative_log_likelihood", {width, 1}, [=](const Buffers& b) {
      *b[1] = static_cast<float>(negative_log_likelihood(row(b[0]), 0));
    });
    add("cross_entropy_backward", {width, 1}, [=](const Buffers& b) {
      *b[1] = static_cast<float>(cross_entropy_backward(row(b[0]), 0));
    });
    add("add_in_place", {size, size}, [=](const Buffers& b) {
      add_in_place({b[0], size}, {b[1], size});
    });
    add("add_rounded", {size, size}, [=](const Buffers& b) {
      TrainingConfig config;
      config.exchange = ExchangePrecision::bf16;
      GradientSums(config).add({1, 2, 4}, 128, {b[0], size}, {b[1], size});
    });
    add("multiply_row", {rows, size, width},
        [=](const Buffers& b) { multiply_row(Vector(b[0], r), matrix(b[1]), row(b[2])); });
    add("multiply_row, transposed", {width, size, rows}, [=](const Buffers& b) {
      multiply_row(row(b[0]), matrix(b[1]).transpose(), Vector(b[2], r));
    });
    const AttentionShape shape{2, 37, 2, w};
    const std::size_t tokens = 2 * 37, of_heads = tokens * 2 * width;
    const DropoutMask mask({1, 2, 3}, 0.25, 0, DropoutSite::attention, 37);
    const auto qkv = [=](float* data) { return Matrix(data, 2 * 37, 3 * 2 * w); };
    const auto heads = [=](float* data) { return Matrix(data, 2 * 37, 2 * w); };
    const auto log_sums = [=](float* data) { return Matrix(data, 2 * 2, 37); };
    const auto scratch = [=](float* data) {
      return Vector(data, static_cast<Index>(shape.scratch_size()));
    };
    add("attention", {3 * of_heads, of_heads, 2 * tokens, shape.scratch_size()},
        [=](const Buffers& b) {
          attention(shape, 0.25F, qkv(b[0]), mask, heads(b[1]), log_sums(b[2]), scratch(b[3]));
        });
    add("attention_backward",
        {of_heads, 3 * of_heads, of_heads, 2 * tokens, 3 * of_heads, shape.scratch_size()},
        [=](const Buffers& b) {
          attention_backward(shape, 0.25F, heads(b[0]), qkv(b[1]), heads(b[2]), log_sums(b[3]),
                             mask, qkv(b[4]), scratch(b[5]));
        });
  }
  return all;
}

bool have_same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST(Kernels, HaveTheSameBitsAtAnyAddressAndWriteNothingBeside) {
  for (const Kernel& kernel : kernels()) {
    const auto aligned = values_after(kernel, 0, [](const Buffers&) {});
    for (const std::size_t shift : {1, 2, 3, 5, 8, 11}) {
      const auto shifted = values_after(kernel, shift, [](const Buffers&) {});
      for (std::size_t i = 0; i < aligned.size(); ++i) {
        ASSERT_TRUE(have_same_bits(aligned[i], shifted[i]))
            << kernel.name << ": buffer " << i << " at a shift of " << shift;
      }
    }
  }
}

/// A kernel of rows, of which one gets a number that is not finite.
struct Poisoned {
  std::string name;
  std::size_t input;                 ///< the buffer that gets it
  std::vector<std::size_t> outputs;  ///< buffers of rows that the kernel writes
};

TEST(Kernels, KeepWhatIsNotFiniteInItsRow) {
  const std::vector<Poisoned> cases{
      {"add_bias", 1, {1}},           {"bias_gelu", 1, {1, 2}},
      {"bias_gelu_exact", 1, {1, 2}}, {"gelu_exact_backward", 1, {1}},
      {"bias_relu", 1, {1, 2}},       {"gelu_backward", 1, {1}},
      {"add_gelu_backward", 1, {1}},  {"layer_norm", 0, {3, 4, 5}},
      {"layer_norm_again", 0, {3}},   {"layer_norm_backward", 0, {5}}};
  constexpr std::size_t rows = 5, poisoned_row = 3;
  for (const Kernel& kernel : kernels()) {
    for (const Poisoned& test : cases) {
      if (!kernel.name.starts_with(test.name + " of")) {
        continue;
      }
      const auto clean = values_after(kernel, 0, [](const Buffers&) {});
      for (const float poison :
           {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        const std::size_t width = kernel.sizes[test.input] / rows;
        const auto after = values_after(kernel, 0, [&](const Buffers& buffers) {
          buffers[test.input][poisoned_row * width + width / 2] = poison;
        });
        for (const std::size_t output : test.outputs) {
          const std::size_t row_size = kernel.sizes[output] / rows;
          for (std::size_t i = 0; i < kernel.sizes[output]; ++i) {
            if (i / row_size != poisoned_row) {
              ASSERT_EQ(after[output][i], clean[output][i]) << kernel.name;
            }
          }
          const auto row = after[output].begin() + poisoned_row * row_size;
          EXPECT_FALSE(std::all_of(row, row + row_size, [](float x) { return std::isfinite(x); }))
              << kernel.name << " hides " << poison << " from buffer " << output;
        }
      }
    }
  }
}

}  // namespace
}  // namespace nodezero::model
