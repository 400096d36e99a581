// SPDX-License-Identifier: BSD-3-Clause

// Prints a line with a digest for what each of the portable kernels makes of numbers of every size,
// so that two processors can be compared. Links to the kernels alone.

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

#include "model/kernels/kernel_table.hpp"

namespace nodezero::model::portable {
extern const KernelTable table;
}

namespace {

using nodezero::model::ActivationKernels;
using nodezero::model::AdamwStep;
using nodezero::model::Dropout;
using nodezero::model::FloatFactor;
using nodezero::model::HalfFactor;
using nodezero::model::HalfProducts;
using nodezero::model::Product;
using nodezero::model::portable::table;
using Index = std::ptrdiff_t;

std::uint64_t state = 1;

std::uint32_t next_word() {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return static_cast<std::uint32_t>(state >> 32);
}

/// Numbers around 1; with `wild`, of every exponent, some of them subnormal.
std::vector<float> numbers(Index count, bool wild = false) {
  std::vector<float> all(static_cast<std::size_t>(count));
  for (float& value : all) {
    const std::uint32_t word = next_word();
    const std::uint32_t exponent = wild ? next_word() % 96 : 120 + next_word() % 9;
    const std::uint32_t bits = (word & 0x807FFFFF) | exponent << 23;
    std::memcpy(&value, &bits, sizeof value);
  }
  return all;
}

std::uint64_t digest = 0;

void take(const void* data, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) {
    digest = (digest ^ static_cast<const unsigned char*>(data)[i]) * 1099511628211u;
  }
}

template <class Value>
void take(const std::vector<Value>& values) {
  take(values.data(), values.size() * sizeof(Value));
}

void end(const char* name) {
  std::printf("%016llx %s\n", static_cast<unsigned long long>(digest), name);
  digest = 14695981039346656037u;
}

constexpr Index m = 37, n = 41, k = 75;

template <class Multiply, class Left, class Right>
void product(Multiply multiply, const std::vector<Left>& a, const std::vector<Right>& b) {
  alignas(64) static float scratch[1 << 20];
  for (const bool accumulate : {false, true}) {
    auto c = numbers(m * n);
    multiply({a.data(), k, 1}, {b.data(), 1, n},
             Product{m, n, k, c.data(), n, accumulate, scratch});
    take(c);
    multiply({a.data(), 1, m}, {b.data(), k, 1},
             Product{m, n, k, c.data(), n, accumulate, scratch});
    take(c);
  }
}

std::vector<std::uint16_t> halves_of(const std::vector<float>& x) {
  std::vector<std::uint16_t> halves(x.size());
  table.round(static_cast<Index>(x.size()), x.data(), halves.data());
  return halves;
}

void half_products(const HalfProducts& products, bool wild) {
  const auto a = numbers(m * k, wild), b = numbers(k * n, wild);
  product(products.multiply, halves_of(a), b);
  product(products.multiply_halves, halves_of(a), halves_of(b));
  std::vector<float> x(k), y(n);
  table.widen(k, halves_of(a).data(), x.data());
  products.multiply_row(x.data(), {halves_of(b).data(), 1, n}, n, k, y.data());
  take(y);
  products.multiply_row(x.data(), {halves_of(b).data(), k, 1}, n, k, y.data());
  take(y);
}

void products() {
  for (const bool wild : {false, true}) {
    const auto a = numbers(m * k, wild), b = numbers(k * n, wild);
    product(table.multiply, a, b);
    std::vector<float> y(n);
    table.multiply_row(a.data(), {b.data(), 1, n}, n, k, y.data());
    take(y);
    table.multiply_row(a.data(), {b.data(), k, 1}, n, k, y.data());
    take(y);
    end(wild ? "fp32 products of all exponents" : "fp32 products");
    half_products(table.bf16, wild);
    end(wild ? "bf16 products of all exponents" : "bf16 products");
    half_products(table.bf16_tile, wild);
    end(wild ? "bf16-tile products of all exponents" : "bf16-tile products");
  }
}

void rows(Index width) {
  auto x = numbers(width), y = numbers(width);
  const auto gain = numbers(width), bias = numbers(width), d_y = numbers(width);
  float moments[2];
  table.layer_norm(width, x.data(), gain.data(), bias.data(), 1e-5f, y.data(), &moments[0],
                   &moments[1]);
  take(y);
  take(moments, sizeof moments);
  auto d_gain = gain, d_bias = bias, d_x = d_y;
  table.layer_norm_backward(width, d_y.data(), x.data(), gain.data(), moments[0], moments[1],
                            d_x.data(), d_gain.data(), d_bias.data());
  take(d_x), take(d_gain), take(d_bias);
  for (const ActivationKernels& activation : table.activations) {
    activation.forward(width, bias.data(), x.data(), y.data());
    take(x), take(y);
    activation.backward(width, x.data(), d_x.data(), y.data(), d_bias.data());
    take(d_x), take(y), take(d_bias);
  }
  table.tangent(width, x.data(), y.data());
  take(y);
  auto scores = numbers(width), d_p = numbers(width);
  const float log_sum = table.softmax(width, 0.25f, y.data());
  take(y);
  take(&log_sum, sizeof log_sum);
  table.softmax_backward(width, 0.25f, log_sum, 0.5f, gain.data(), scores.data(), d_p.data());
  take(scores), take(d_p);
  const float sum = table.inner_product(width, x.data(), y.data());
  take(&sum, sizeof sum);
  const double losses[] = {table.negative_log_likelihood(width, x.data(), 3),
                           table.cross_entropy_backward(width, x.data(), 3),
                           table.squared_norm(width, y.data())};
  take(losses, sizeof losses);
  take(x);
}

void elements() {
  const Dropout dropout{{1, 2}, {3, 4}, 0x40000000, 4.0f / 3};
  auto x = numbers(150);
  table.apply_dropout(dropout, 32, 150, x.data());
  take(x);
  const AdamwStep step{0.5f, 0.9f, 0.1f, 0.99f, 0.01f, 1e-3f, 10.0f, 1e-8f, 0.999f};
  auto weights = numbers(150), first = numbers(150);
  std::vector<float> second(150, 1e-3f);
  table.adamw_update(step, 150, x.data(), weights.data(), weights.data(), first.data(),
                     second.data());
  take(weights), take(first), take(second);
}

}  // namespace

int main() {
  digest = 14695981039346656037u;
  products();
  for (const Index width : {5, 16, 51, 100}) {
    rows(width);
  }
  end("rows");
  elements();
  end("elements");
}
