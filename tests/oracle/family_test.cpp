// SPDX-License-Identifier: BSD-3-Clause

// Models that differ from GPT-2 in one thing or in all that are supported, as the Hugging Face
// library saved them, against what PyTorch computed with them in double: loss.json has the mean
// loss of windows at offsets of a text, gradients.safetensors its derivative.

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "model/gpt2/gpt2.hpp"
#include "model/kernels/floating_point_scope.hpp"
#include "model/storage/model_folder.hpp"
#include "model/storage/safetensors.hpp"
#include "tests/oracle/listed_windows.hpp"
#include "tests/oracle/reading.hpp"
#include "tests/support/source_folder.hpp"

namespace nodezero::oracle {
namespace {

std::filesystem::path family_folder() {
  return test::source_folder() / "tests/oracle/data/family";
}

class Family : public testing::TestWithParam<const char*> {};

TEST_P(Family, HasTheReferencesLossAndGradient) {
  const model::FloatingPointScope scope;
  const auto folder = family_folder() / GetParam();
  const auto reference = read_json(folder / "loss.json");
  const auto loaded = value_of(model::load_model_folder(folder));
  model::Gradient expected(loaded.weights->layout());
  const auto read = model::read_safetensors(folder / "gradients.safetensors", "", expected);
  ASSERT_TRUE(read) << read.error().message;

  const auto offsets = reference.at("offsets").get<std::vector<std::uint64_t>>();
  const auto text = family_folder() / ".." / reference.at("text").get<std::string>();
  const ListedWindows windows(read_text(text, alphabet(reference.at("chars").get<std::string>())),
                              reference.at("context").get<std::int64_t>(), {{offsets}});
  model::Gradient gradient(loaded.weights->layout());
  model::Workspace workspace;
  const auto sum = model::loss_and_gradient(loaded.config, *loaded.weights,
                                            windows.micro_batch(0, 0, 0), {}, gradient, workspace);
  const auto tokens = static_cast<double>(sum.valid_tokens);
  const double off =
      std::abs(sum.negative_log_likelihood / tokens - reference.at("loss").get<double>());
  double largest = 0;
  for (std::size_t i = 0; i < expected.values().size(); ++i) {
    const double found = gradient.values()[i] / tokens;
    largest = std::max(largest, std::abs(found - static_cast<double>(expected.values()[i])));
  }
  fmt::print("loss differs by {:.2e}, gradient by at most {:.2e}\n", off, largest);
  EXPECT_LE(off, 1e-6);
  EXPECT_LE(largest, 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Gpt2, Family,
                         testing::Values("relu", "gelu-exact", "untied", "inner", "epsilon",
                                         "unscaled", "by-layer", "all"));

}  // namespace
}  // namespace nodezero::oracle
