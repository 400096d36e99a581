// SPDX-License-Identifier: BSD-3-Clause
#include "actors/embedding/host_batches.hpp"

#include <exception>
#include <stdexcept>
#include <string>
#include <utility>

namespace nodezero::actors {

namespace {

template <class Check>
std::optional<Error> guarded(Check check) {
  try {
    return check();
  } catch (const std::exception& error) {
    return Error{ErrorCode::internal, std::string("the model's check threw: ") + error.what()};
  } catch (...) {
    return Error{ErrorCode::internal, "the model's check threw"};
  }
}

}  // namespace

std::optional<Error> check_batch(const AnyTrainable& model, const AnyValue& batch) {
  if (!batch.holds(model.batch_type())) {
    return Error{ErrorCode::wrong_shape, "the batch is of a type that the model does not take"};
  }
  return guarded([&] { return model.check_batch(batch.value.get()); });
}

std::optional<Error> check_input(const AnyTrainable& model, const AnyValue& input) {
  if (!input.holds(model.input_type())) {
    return Error{ErrorCode::wrong_shape, "the input is of a type that the model does not take"};
  }
  return guarded([&] { return model.check_input(input.value.get()); });
}

Result<generate> question_of(const AnyTrainable& model, const Prompt& prompt) {
  const auto* language = model.language_model();
  if (language == nullptr) {
    return fail(ErrorCode::wrong_mode, "only a LanguageModel generates texts");
  }
  if (auto error = language->check(prompt)) {
    return fail(std::move(*error));
  }
  generate question;
  question.prompt = prompt.tokens;
  question.tokens = prompt.count;
  question.sampling = {prompt.temperature, prompt.top_k, prompt.top_p, prompt.seed};
  return question;
}

model::MicroBatch HostBatches::micro_batch(std::uint64_t epoch, std::uint64_t step,
                                           std::uint32_t position) const {
  model::MicroBatch batch;
  try {
    batch.host_data = batches_(epoch, step, position);
  } catch (const std::exception&) {
    throw;
  } catch (...) {
    throw std::runtime_error("the host's batch function threw");
  }
  if (const auto error = check_batch(*model_, batch.host_data)) {
    throw std::invalid_argument(error->message);
  }
  return batch;
}

}  // namespace nodezero::actors
