// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/text/evaluation.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <thread>
#include <vector>

#include "apps/nodezero/process/processors.hpp"
#include "model/gpt2/gpt2.hpp"
#include "model/kernels/floating_point_scope.hpp"

namespace nodezero::apps {

namespace {

/// Tokens per micro-batch: enough for fast matrix products, few enough to fit the caches.
constexpr std::int64_t batch_tokens = 1024;

/// Runs `work` on each of the threads and rethrows the first exception.
template <class Work>
void run_on_threads(std::uint32_t threads, Work work) {
  std::vector<std::exception_ptr> failures(threads);
  {
    std::vector<std::jthread> running;
    for (std::uint32_t thread = 0; thread < threads; ++thread) {
      running.emplace_back([&, thread] {
        try {
          work();
        } catch (...) {
          failures[thread] = std::current_exception();
        }
      });
    }
  }
  for (const auto& failure : failures) {
    if (failure) {
      std::rethrow_exception(failure);
    }
  }
}

}  // namespace

double Evaluation::perplexity() const {
  return std::exp(loss);
}

Evaluation evaluate(const model::ModelConfig& config, const model::Parameters& weights,
                    model::Precision precision,
                    const std::shared_ptr<const model::TokenSource>& tokens,
                    model::TokenRange range, std::uint32_t threads) {
  const auto sequences = std::max<std::int64_t>(1, batch_tokens / config.context);
  const model::SequentialWindows windows(tokens, range, config.context,
                                         static_cast<std::uint32_t>(sequences));
  const auto count = windows.micro_batches_in_step(0, 0);
  std::vector<model::LossSum> sums(count);
  std::atomic<std::uint32_t> next = 0;
  run_on_threads(std::min(threads == 0 ? available_processors().count : threads, count), [&] {
    const model::FloatingPointScope floating_point;
    model::Workspace workspace(precision);
    for (auto i = next++; i < count; i = next++) {
      sums[i] = model::loss(config, weights, windows.micro_batch(0, 0, i), workspace);
    }
  });

  model::LossSum sum;
  for (const auto& part : sums) {
    sum.negative_log_likelihood += part.negative_log_likelihood;
    sum.valid_tokens += part.valid_tokens;
  }
  const auto context = static_cast<std::uint64_t>(config.context);
  const auto targets = static_cast<std::uint64_t>(sum.valid_tokens);
  return {.loss = sum.negative_log_likelihood / static_cast<double>(sum.valid_tokens),
          .tokens = targets,
          .windows = (targets + context - 1) / context};
}

std::uint64_t target_bytes(const model::Tokenizer& tokenizer, const model::TokenSource& tokens,
                           model::TokenRange range) {
  std::vector<std::int32_t> block(std::size_t{1} << 16);
  std::uint64_t bytes = 0;
  for (auto at = range.begin + 1; at < range.end; at += block.size()) {
    block.resize(std::min<std::uint64_t>(block.size(), range.end - at));
    tokens.read(at, block);
    bytes += tokenizer.decode(block).size();
  }
  return bytes;
}

}  // namespace nodezero::apps
