// SPDX-License-Identifier: BSD-3-Clause

// Every public function, called by a host whose thread rounds in another way or traps: what it
// gives back has the same bits.

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <numeric>
#include <regex>
#include <set>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "model/tensors/aligned_buffer.hpp"
#include "nodezero/caf.hpp"
#include "nodezero/language_model.hpp"
#include "nodezero/nodezero.h"
#include "nodezero/trainer.hpp"
#include "support/host_mode.hpp"
#include "support/models.hpp"
#include "tests/support/source_folder.hpp"

namespace nodezero::testing {
namespace {

constexpr Mode harsh_modes[] = {{"upward, all traps", FE_UPWARD, true, FE_ALL_EXCEPT},
                                {"downward", FE_DOWNWARD, false, 0},
                                {"toward zero, all traps", FE_TOWARDZERO, false, FE_ALL_EXCEPT}};

/// The bits that all calls of one host have given back.
class Bits {
 public:
  template <class T>
  void add(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    const auto* bytes = reinterpret_cast<const char*>(&value);
    bytes_.append(bytes, sizeof value);
  }
  template <class T>
  void add(const std::vector<T>& values) {
    for (const T& value : values) {
      add(value);
    }
  }
  friend bool operator==(const Bits&, const Bits&) = default;

 private:
  std::string bytes_;
};

class Scratch {
 public:
  Scratch()
      : path_(std::filesystem::temp_directory_path() /
              ("nodezero-modes-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

// -- nodezero.h ----------------------------------------------------------------------------------

/// Calls every function of the header; `called` gets their names.
Bits bits_in_c(const Mode& mode, std::set<std::string>& called) {
  const Scratch folder;
  const std::string path = folder.path();
  Bits bits;
// The name is that of the function, up to its parenthesis.
#define CALL(expression)                                                    \
  (called.insert(std::string(#expression, std::strcspn(#expression, "("))), \
   in_mode(mode, [&] { return expression; }))
#define CALL_VOID(expression)                                                                   \
  (called.insert(std::string(#expression, std::strcspn(#expression, "("))), in_mode(mode, [&] { \
     expression;                                                                                \
     return 0;                                                                                  \
   }))
  nodezero_options options;
  nodezero_status status;
  nodezero_model model;
  CALL_VOID(nodezero_options_init(&options, sizeof options));
  CALL_VOID(nodezero_status_init(&status, sizeof status));
  CALL_VOID(nodezero_model_init(&model, sizeof model));
  called.insert("nodezero_version");
  options.time_per_step = 0.1;
  options.folder = path.c_str();

  nodezero_trainer* trainer = nullptr;
  const int64_t sizes[] = {2, 5, 2};
  EXPECT_EQ(CALL(nodezero_create_perceptron(sizes, 3, &options, &trainer, nullptr, 0)),
            NODEZERO_OK);
  const float x[] = {0.3f, 0.7f}, y[] = {0.1f, -0.9f};
  for (int i = 0; i < 30; ++i) {
    EXPECT_EQ(CALL(nodezero_submit_examples(trainer, 1, x, y)), NODEZERO_OK);
  }
  EXPECT_EQ(CALL(nodezero_advance_to(trainer, 1.25, &status)), NODEZERO_OK);
  EXPECT_EQ(status.steps, 12u);
  bits.add(status.loss);
  bits.add(status.time);
  EXPECT_EQ(CALL(nodezero_step(trainer, 1'000, &status)), NODEZERO_OK);
  EXPECT_EQ(CALL(nodezero_get_status(trainer, &status)), NODEZERO_OK);
  bits.add(status.loss);
  EXPECT_EQ(CALL(nodezero_wait_for_steps(trainer, 1, 1, &status)), NODEZERO_WRONG_MODE);
  float out[2] = {};
  uint64_t version = 0;
  EXPECT_EQ(CALL(nodezero_predict_examples(trainer, 1, x, out, &version)), NODEZERO_OK);
  bits.add(out);
  std::vector<char> state(1 << 16);
  std::size_t size = state.size();
  EXPECT_EQ(CALL(nodezero_save(trainer, state.data(), &size)), NODEZERO_OK);
  state.resize(size);
  bits.add(state);
  EXPECT_EQ(CALL(nodezero_save_file(trainer, "state")), NODEZERO_OK);
  EXPECT_EQ(CALL(nodezero_restore(trainer, state.data(), size)), NODEZERO_OK);
  EXPECT_EQ(CALL(nodezero_restore_file(trainer, "state")), NODEZERO_OK);
  char text[200] = "";
  CALL_VOID(nodezero_last_error(trainer, text, sizeof text));
  CALL_VOID(nodezero_failure(trainer, text, sizeof text));
  EXPECT_EQ(CALL(nodezero_close(trainer)), NODEZERO_OK);
  CALL_VOID(nodezero_destroy(trainer));

  // A model of the host's, whose functions must not see the host's mode either.
  static bool is_always_default;
  is_always_default = true;
  nodezero_tensor tensor{};
  const int64_t shape[] = {2};
  tensor.name = "w";
  tensor.shape = shape;
  tensor.dimensions = 1;
  model.tensors = &tensor;
  model.tensor_count = 1;
  model.initialize = [](void*, uint64_t seed, float* const* w) {
    is_always_default &= is_default_mode();
    w[0][0] = w[0][1] = 1.0f / static_cast<float>(seed);
    return 0;
  };
  model.loss_and_gradient = [](void*, const float* const* w, const void* batch, size_t,
                               float* const* gradient, double* sum, int64_t* count) {
    is_always_default &= is_default_mode();
    float given = 0;
    std::memcpy(&given, batch, sizeof given);
    gradient[0][0] = w[0][0] / 3.0f - given;
    gradient[0][1] = w[0][1] / 7.0f + given;
    *sum = static_cast<double>(w[0][0]) / 3.0;
    *count = 1;
    return 0;
  };
  model.predict = [](void*, const float* const* w, const void*, size_t, void* output,
                     size_t bytes) {
    is_always_default &= is_default_mode();
    std::memcpy(output, w[0], bytes);
    return 0;
  };
  EXPECT_EQ(CALL(nodezero_create(&model, &options, &trainer, nullptr, 0)), NODEZERO_OK);
  for (int i = 0; i < 12; ++i) {
    EXPECT_EQ(CALL(nodezero_submit(trainer, x, sizeof x)), NODEZERO_OK);
  }
  EXPECT_EQ(CALL(nodezero_advance_to(trainer, 1.25, &status)), NODEZERO_OK);
  EXPECT_EQ(CALL(nodezero_predict(trainer, x, sizeof x, out, sizeof out, &version)), NODEZERO_OK);
  bits.add(out);
  EXPECT_TRUE(is_always_default) << mode.name;
  CALL_VOID(nodezero_destroy(trainer));

  // A language model.
  nodezero_language_model language;
  nodezero_prompt prompt;
  CALL_VOID(nodezero_language_model_init(&language, sizeof language));
  CALL_VOID(nodezero_prompt_init(&prompt, sizeof prompt));
  language.layers = 1;
  language.width = 8;
  EXPECT_EQ(CALL(nodezero_create_language_model(&language, &options, &trainer, nullptr, 0)),
            NODEZERO_OK);
  const int32_t tokens[] = {1, 2, 3}, targets[] = {2, 3, 4};
  for (int i = 0; i < 12; ++i) {
    EXPECT_EQ(CALL(nodezero_submit_tokens(trainer, 1, 3, tokens, targets)), NODEZERO_OK);
  }
  EXPECT_EQ(CALL(nodezero_advance_to(trainer, 1.25, &status)), NODEZERO_OK);
  prompt.tokens = tokens;
  prompt.token_count = 3;
  prompt.count = 20;
  nodezero_text* generated = nullptr;
  EXPECT_EQ(CALL(nodezero_generate(trainer, &prompt, &generated)), NODEZERO_OK);
  for (int32_t token = 0; token != NODEZERO_END_OF_TEXT; bits.add(token)) {
    if (CALL(nodezero_next_token(generated, &token)) != NODEZERO_OK) {
      ADD_FAILURE() << mode.name;
      break;
    }
  }
  bits.add(CALL(nodezero_text_version(generated)));
  CALL_VOID(nodezero_destroy_text(generated));
  CALL_VOID(nodezero_destroy(trainer));
#undef CALL_VOID
#undef CALL
  return bits;
}

std::set<std::string> functions_of_the_header() {
  std::ifstream file(test::source_folder() / "include/nodezero/nodezero.h");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::regex declaration("NODEZERO_EXPORT [a-z_0-9 *]*?(nodezero_[a-z_]+)\\(");
  std::set<std::string> names{"nodezero_version"};
  for (auto match = std::sregex_iterator(text.begin(), text.end(), declaration);
       match != std::sregex_iterator(); ++match) {
    names.insert((*match)[1]);
  }
  return names;
}

TEST(FloatingPointOfAHost, ChangesNoBitOfAnyCallInC) {
  std::set<std::string> called;
  const Bits expected = bits_in_c(default_mode, called);
  EXPECT_EQ(called, functions_of_the_header());
  for (const Mode& mode : harsh_modes) {
    EXPECT_TRUE(bits_in_c(mode, called) == expected) << mode.name;
  }
}

// -- C++ -----------------------------------------------------------------------------------------

/// Values for a model's tensors, which lie as a trainer has them.
struct Values {
  explicit Values(const std::vector<TensorSpec>& specs) {
    std::size_t end = 0;
    for (const auto& spec : specs) {
      const std::size_t size = std::accumulate(spec.shape.begin(), spec.shape.end(), std::size_t{1},
                                               std::multiplies<>());
      places.push_back({end, size});
      end += (size + 15) / 16 * 16;
    }
    all = model::AlignedBuffer(end);
  }
  Tensors tensors() { return {all.data(), places}; }
  ConstTensors constant() const { return {all.data(), places}; }
  std::vector<float> copy() const { return {all.span().begin(), all.span().end()}; }

  std::vector<TensorPlace> places;
  model::AlignedBuffer all;
};

/// What a model's own functions give that a host calls without a trainer.
template <class Model>
void add_model(const Mode& mode, const Model& model, const typename Model::Batch& batch,
               const typename Model::Input& input, Bits& bits) {
  Values parameters(in_mode(mode, [&] { return model.tensors(); }));
  Values gradient(model.tensors());
  typename Model::Workspace workspace;
  in_mode(mode, [&] {
    model.initialize(7, parameters.tensors());
    return 0;
  });
  bits.add(parameters.copy());
  EXPECT_FALSE(in_mode(mode, [&] { return model.check(batch); }));
  EXPECT_FALSE(in_mode(mode, [&] { return model.check(input); }));
  const Loss loss = in_mode(mode, [&] {
    return model.loss_and_gradient(parameters.constant(), batch, gradient.tensors(), workspace);
  });
  bits.add(loss.sum);
  bits.add(gradient.copy());
  bits.add(in_mode(mode, [&] { return model.predict(parameters.constant(), input); }));
}

Bits bits_of_models(const Mode& mode) {
  Bits bits;
  add_model(mode, small_model(), examples_of(3), {0.25f, -0.75f}, bits);
  const auto language = in_mode(mode, [] {
    return LanguageModel::create(
        {.layers = 1, .heads = 2, .width = 8, .context = 8, .vocabulary = 16});
  });
  EXPECT_TRUE(language);
  const TokenWindows windows{2, 4, {1, 2, 3, 4, 5, 6, 7, 8}, {2, 3, 4, 5, 6, 7, 8, 9}};
  add_model(mode, *language, windows, {.tokens = {1, 2}, .count = 20}, bits);
  return bits;
}

TEST(FloatingPointOfAHost, ChangesNoBitOfAModelThatItCallsItself) {
  const Bits expected = bits_of_models(default_mode);
  for (const Mode& mode : harsh_modes) {
    EXPECT_TRUE(bits_of_models(mode) == expected) << mode.name;
  }
}

Bits bits_of_trainer(const Mode& mode) {
  const Scratch folder;
  Bits bits;
  auto options = small_options();
  options.time_per_step = 0.1;
  options.folder = folder.path();
  auto trainer = in_mode(mode, [&] { return Trainer::create(small_model(), options); });
  EXPECT_TRUE(trainer);
  for (std::uint64_t i = 0; i < 9; ++i) {
    const auto batch = examples_of(i);
    EXPECT_TRUE(in_mode(mode, [&] { return trainer->submit(batch); }));
  }
  EXPECT_TRUE(in_mode(mode, [&] { return trainer->advance_to(0.15); }));
  EXPECT_TRUE(in_mode(mode, [&] { return trainer->step(1'000'000); }));
  EXPECT_FALSE(in_mode(mode, [&] { return trainer->wait_for_steps(1, std::chrono::seconds(1)); }));
  bits.add(in_mode(mode, [&] { return trainer->status(); }).loss);
  const std::vector<float> input = {0.25f, -0.75f};
  bits.add(in_mode(mode, [&] { return trainer->predict<std::vector<float>>(input); })->output);
  const auto state = in_mode(mode, [&] { return trainer->save(); });
  bits.add(*state);
  EXPECT_TRUE(in_mode(mode, [&] { return trainer->save("state"); }));
  EXPECT_TRUE(in_mode(mode, [&] { return trainer->restore(*state); }));
  EXPECT_TRUE(in_mode(mode, [&] { return trainer->restore("state"); }));
  EXPECT_TRUE(in_mode(mode, [&] { return trainer->close(); }));
  in_mode(mode, [&] {
    const Trainer ends = std::move(*trainer);
    return 0;
  });
  return bits;
}

TEST(FloatingPointOfAHost, ChangesNoBitOfAnyCallOfATrainer) {
  const Bits expected = bits_of_trainer(default_mode);
  for (const Mode& mode : harsh_modes) {
    EXPECT_TRUE(bits_of_trainer(mode) == expected) << mode.name;
  }
}

TEST(FloatingPointOfAHost, DoesNotStopItsTraces) {
  const Scratch folder;
  for (const Mode& mode : harsh_modes) {
    in_mode(mode, [&] {
      auto trace = TraceFile::create(folder.path() + "/t.nztrace");
      EXPECT_TRUE(trace);
      return 0;
    });
  }
}

}  // namespace
}  // namespace nodezero::testing
