// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/train/weight_histograms.hpp"

#include <algorithm>
#include <span>

#include "model/files/input_file.hpp"
#include "model/storage/model_folder.hpp"
#include "model/storage/safetensors_header.hpp"

namespace nodezero::apps {

namespace {

constexpr std::size_t bucket_count = 64;

/// Calls function(numbers) with all numbers of a tensor of type F32, in parts.
template <class Function>
Result<void> for_each_part_of(const model::InputFile& file, const model::StoredTensor& tensor,
                              Function function) {
  constexpr std::uint64_t most = std::uint64_t{1} << 18;
  std::vector<float> numbers;
  for (std::uint64_t done = 0; done < tensor.bytes;) {
    const auto bytes = std::min(most, tensor.bytes - done);
    numbers.resize(bytes / sizeof(float));
    if (auto read = file.read(tensor.begin + done, std::as_writable_bytes(std::span(numbers)));
        !read) {
      return read;
    }
    function(numbers);
    done += bytes;
  }
  return {};
}

Result<Histogram> histogram_of(const model::InputFile& file, const model::StoredTensor& tensor) {
  Histogram histogram;
  auto looked = for_each_part_of(file, tensor, [&](const std::vector<float>& numbers) {
    const auto [least, most] = std::ranges::minmax(numbers);
    histogram.least = histogram.count == 0 ? least : std::min<double>(histogram.least, least);
    histogram.most = histogram.count == 0 ? most : std::max<double>(histogram.most, most);
    histogram.count += static_cast<double>(numbers.size());
    for (const double number : numbers) {
      histogram.sum += number;
      histogram.sum_of_squares += number * number;
    }
  });
  // Of numbers that are all the same, such as biases at first, one bucket has everything.
  const double width = (histogram.most - histogram.least) / bucket_count;
  for (std::size_t i = 1; i < bucket_count; ++i) {
    histogram.limits.push_back(histogram.least + static_cast<double>(i) * width);
  }
  histogram.limits.push_back(histogram.most);
  histogram.counts.resize(bucket_count);
  return looked
      .and_then([&] {
        return for_each_part_of(file, tensor, [&](const std::vector<float>& numbers) {
          for (const double number : numbers) {
            const double bucket = width > 0 ? (number - histogram.least) / width : bucket_count;
            ++histogram.counts[std::min(static_cast<std::size_t>(bucket), bucket_count - 1)];
          }
        });
      })
      .map([&] { return std::move(histogram); });
}

}  // namespace

Result<void> for_each_histogram(
    const std::filesystem::path& checkpoint,
    const std::function<void(const std::string&, const Histogram&)>& function) {
  const auto file = model::InputFile::open(checkpoint / model::weights_file);
  if (!file) {
    return tl::unexpected(file.error());
  }
  const auto tensors = model::read_safetensors_header(*file);
  if (!tensors) {
    return tl::unexpected(tensors.error());
  }
  for (const auto& [name, tensor] : *tensors) {
    const auto histogram = histogram_of(*file, tensor);
    if (!histogram) {
      return tl::unexpected(histogram.error());
    }
    function(name, *histogram);
  }
  return {};
}

}  // namespace nodezero::apps
