// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/bench/peak_rate.hpp"

#include <algorithm>
#include <barrier>
#include <chrono>
#include <span>
#include <thread>
#include <vector>

#include "model/kernels/bf16.hpp"
#include "model/kernels/bf16_product.hpp"
#include "model/kernels/floating_point_scope.hpp"
#include "model/kernels/matrix_product.hpp"

namespace nodezero::apps {
namespace {

constexpr std::int64_t size = 768;
constexpr int rounds = 24;

}  // namespace

double measure_peak_rate(std::uint32_t threads, model::Precision precision) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> seconds;
  Clock::time_point start;
  std::barrier round(threads, [&]() noexcept {
    const auto now = Clock::now();
    seconds.push_back(std::chrono::duration<double>(now - start).count());
    start = now;
  });
  std::vector<std::jthread> workers;
  for (std::uint32_t i = 0; i < threads; ++i) {
    workers.emplace_back([&round, precision] {
      const model::FloatingPointScope scope;
      const std::vector<float> a(size * size, 1.0F);
      const std::vector<float> b(size * size, 0.5F);
      std::vector<float> c(size * size);
      const std::vector<model::Bf16> narrow_a(size * size, model::to_bf16(1.0F));
      std::vector<float> scratch(model::product_scratch(size, size, size));
      const model::Bf16Products products(precision, std::span(scratch));
      const model::ConstMatrix left(a, size, size), right(b, size, size);
      const model::ConstBf16Matrix narrow_left(narrow_a, size, size);
      const model::Matrix result(c, size, size);
      for (int k = 0; k < rounds; ++k) {
        round.arrive_and_wait();
        if (precision == model::Precision::fp32) {
          model::multiply(left, right, result, std::span(scratch));
        } else {
          products.multiply(narrow_left, right, result);
        }
      }
      round.arrive_and_wait();
    });
  }
  workers.clear();
  // The first entry is not a round: it ends when all threads have started.
  const double best = *std::min_element(seconds.begin() + 1, seconds.end());
  return 2.0 * size * size * size * threads / best;
}

}  // namespace nodezero::apps
