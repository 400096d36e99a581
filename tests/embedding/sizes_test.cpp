// SPDX-License-Identifier: BSD-3-Clause

// Sizes whose products wrap around, or that no machine has room for: refused by name, everywhere.

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "nodezero/language_model.hpp"
#include "nodezero/nodezero.h"
#include "nodezero/trainer.hpp"
#include "support/models.hpp"

namespace nodezero::testing {
namespace {

constexpr std::int64_t one = 1;
constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t half = std::size_t{1} << 63;  ///< twice that is 0

std::string refusal_of(const Result<Trainer>& trainer) {
  if (trainer) {
    return "was accepted";
  }
  EXPECT_EQ(trainer.error().code, ErrorCode::invalid_argument) << trainer.error().message;
  return trainer.error().message;
}

TEST(Sizes, OfTensorsAreRefusedByNameIfTheyAreTooLarge) {
  const std::pair<std::vector<std::int64_t>, const char*> shapes[] = {
      {{one << 62, 4},
       "tensor 'w' of [4611686018427387904, 4] is too large for memory; choose "
       "smaller sizes"},
      {{most, 2},
       "tensor 'w' of [9223372036854775807, 2] is too large for memory; choose smaller "
       "sizes"},
      {{one << 32, one << 32},
       "tensor 'w' of [4294967296, 4294967296] is too large for memory; "
       "choose smaller sizes"},
      {{2, -1}, "tensor 'w' of [2, -1] has an extent that is not positive"}};
  for (const auto& [shape, message] : shapes) {
    Scripted model;
    model.specs = {{"a", {1}}, {"w", shape}};
    EXPECT_EQ(refusal_of(Trainer::create(model, small_options())), message);
  }
  Scripted model;
  model.specs = {{"a", {one << 45}}, {"b", {1}}};  // each would do
  EXPECT_EQ(refusal_of(Trainer::create(model, small_options())),
            "tensor 'b' of [1] is too large for memory; choose smaller sizes");
}

TEST(Sizes, ThatNoMachineHasRoomForAreNoMemory) {
  Scripted model;
  model.specs = {{"w", {one << 45}}};
  const auto trainer = Trainer::create(model, small_options());
  ASSERT_FALSE(trainer);
  EXPECT_EQ(trainer.error().code, ErrorCode::internal);
}

TEST(Sizes, NamesOfTensorsMustBeUtf8) {
  Scripted model;
  model.specs = {{"w", {1}}, {"\xff", {1}}};
  EXPECT_EQ(refusal_of(Trainer::create(model, small_options())),
            "the name of tensor 1 is not UTF-8, so no state could be saved");
  model.specs[1].name = "Gewicht für β";
  EXPECT_TRUE(Trainer::create(model, small_options()));
}

TEST(Sizes, OfAPerceptronAreRefusedIfTheyAreTooLarge) {
  EXPECT_EQ(
      refusal_of(Trainer::create(MultilayerPerceptron({3, one << 32, one << 32}), small_options())),
      "tensor 'layer.1.weight' of [4294967296, 4294967296] is too large for memory; choose "
      "smaller sizes");
  const MultilayerPerceptron wide({1, one << 62, 4});
  EXPECT_EQ(wide.check(std::vector<float>{1, 2, 3, 4})->message,
            "the layers' outputs for 4 examples are too large for memory");
  EXPECT_TRUE(wide.check(Examples{{1, 2, 3, 4}, {}}));
}

TEST(Sizes, OfALanguageModelAreRefusedIfTheyAreTooLarge) {
  constexpr std::int64_t most_32 = std::numeric_limits<std::int32_t>::max();
  const auto refusal = [](const LanguageModel::Sizes& sizes) {
    const auto model = LanguageModel::create(sizes);
    return model ? "was accepted" : model.error().message;
  };
  EXPECT_EQ(refusal({.layers = most_32}), "'layers' must be from 1 to 10000, not 2147483647");
  EXPECT_EQ(refusal({.layers = 12, .heads = 1, .width = most_32}),
            "12 layers of width 2147483647 with a vocabulary of 256 and a context of 64 are too "
            "large for memory; choose smaller sizes");
  EXPECT_EQ(refusal({.width = 1 << 20, .vocabulary = most_32}),
            "4 layers of width 1048576 with a vocabulary of 2147483647 and a context of 64 are "
            "too large for memory; choose smaller sizes");
}

TEST(Sizes, OfWindowsMustNotWrapAroundToThoseOfTheirTokens) {
  const auto model = *LanguageModel::create({.layers = 1, .heads = 1, .width = 4, .vocabulary = 9});
  const std::vector<std::int32_t> four = {1, 2, 3, 4};
  EXPECT_FALSE(model.check(TokenWindows{1, 4, four, four}));
  for (const auto& [sequences, context] :
       {std::pair((one << 62) + 1, 4 * one), std::pair(-one, -4 * one), std::pair(most, 4 * one)}) {
    const auto error = model.check(TokenWindows{sequences, context, four, four});
    ASSERT_TRUE(error) << sequences;
    EXPECT_EQ(error->code, ErrorCode::wrong_shape);
  }
}

TEST(Sizes, OfTheTreeAndTheStepsAreBounded) {
  const auto refusal = [](auto change) {
    auto options = small_options();
    change(options);
    return refusal_of(Trainer::create(small_model(), options));
  };
  constexpr std::uint32_t most_32 = std::numeric_limits<std::uint32_t>::max();
  EXPECT_EQ(refusal([](auto& o) { o.spheres = most_32; }),
            "spheres must be from 1 to 1000000, not 4294967295");
  EXPECT_EQ(refusal([](auto& o) { o.symmetry = most_32; }),
            "symmetry must be from 2 to 65536, not 4294967295");
  EXPECT_EQ(refusal([](auto& o) { o.micro_batches = o.queue_bound = most_32; }),
            "micro_batches must be from 1 to 1000000, not 4294967295");
  auto options = small_options();  // what counts only may be as large as it likes
  options.queue_bound = std::numeric_limits<std::size_t>::max();
  options.steps_in_epoch = options.total_steps = options.optimizer.warmup =
      std::numeric_limits<std::uint64_t>::max();
  auto trainer = Trainer::create(small_model(), options);
  ASSERT_TRUE(trainer) << trainer.error().message;
  train(*trainer, 0, 6);
  EXPECT_EQ(trainer->status().steps, 2u);
}

int no_loss(void*, const float* const*, const void*, size_t, float* const*, double*, int64_t*) {
  return 1;
}

TEST(Sizes, OfModelsInCAreRefusedBeforeAnythingIsRead) {
  nodezero_options options;
  nodezero_options_init(&options, sizeof options);
  nodezero_model model;
  nodezero_model_init(&model, sizeof model);
  model.loss_and_gradient = no_loss;
  const int64_t shape[] = {one << 32, one << 32};
  char message[200] = "";
  const auto refuses = [&](nodezero_tensor tensor, std::size_t tensors, const char* expected) {
    model.tensors = &tensor;
    model.tensor_count = tensors;
    nodezero_trainer* trainer = nullptr;
    EXPECT_EQ(nodezero_create(&model, &options, &trainer, message, sizeof message),
              NODEZERO_INVALID_ARGUMENT);
    EXPECT_EQ(trainer, nullptr);
    EXPECT_STREQ(message, expected);
  };
  refuses({"a", shape, 2}, 1,
          "tensor 'a' of [4294967296, 4294967296] is too large for memory; choose smaller sizes");
  refuses({"a", shape, SIZE_MAX}, 1,
          "a tensor's shape cannot have 18446744073709551615 elements: memory does not hold as "
          "many");
  refuses({"a", shape, 1}, half,
          "tensors cannot have 9223372036854775808 elements: memory does "
          "not hold as many");
  nodezero_trainer* trainer = nullptr;
  for (const std::size_t count : {std::size_t{2}, SIZE_MAX}) {
    EXPECT_EQ(nodezero_create_perceptron(shape, count, &options, &trainer, nullptr, 0),
              NODEZERO_INVALID_ARGUMENT);
  }
}

TEST(Sizes, OfDataInCAreRefusedIfTheyWrapAround) {
  nodezero_options options;
  nodezero_options_init(&options, sizeof options);
  const int64_t sizes[] = {2, 3, 2};
  nodezero_trainer* trainer = nullptr;
  ASSERT_EQ(nodezero_create_perceptron(sizes, 3, &options, &trainer, nullptr, 0), NODEZERO_OK);
  const float x[] = {1, 2};
  float y[2];
  for (const std::size_t count : {half, half + 1, SIZE_MAX, SIZE_MAX / 2}) {
    EXPECT_EQ(nodezero_submit_examples(trainer, count, x, x), NODEZERO_INVALID_ARGUMENT);
    EXPECT_EQ(nodezero_predict_examples(trainer, count, x, y, nullptr), NODEZERO_INVALID_ARGUMENT);
    EXPECT_EQ(nodezero_submit(trainer, x, count), NODEZERO_INVALID_ARGUMENT);
    EXPECT_EQ(nodezero_predict(trainer, x, count, y, sizeof y, nullptr), NODEZERO_INVALID_ARGUMENT);
    EXPECT_EQ(nodezero_predict(trainer, x, sizeof x, y, count, nullptr), NODEZERO_INVALID_ARGUMENT);
    EXPECT_EQ(nodezero_restore(trainer, x, count), NODEZERO_INVALID_ARGUMENT);
  }
  nodezero_status status;
  nodezero_status_init(&status, sizeof status);
  ASSERT_EQ(nodezero_get_status(trainer, &status), NODEZERO_OK);
  EXPECT_EQ(status.waiting, 0u);
  nodezero_destroy(trainer);
}

}  // namespace
}  // namespace nodezero::testing
