// SPDX-License-Identifier: BSD-3-Clause

// The language models of nodezero.h.

#include <vector>

#include "actors/embedding/c_calls.hpp"
#include "actors/embedding/c_model.hpp"
#include "model/tensors/shape.hpp"
#include "nodezero/language_model.hpp"

using nodezero::ErrorCode;
using nodezero::fail;
using nodezero::Result;
using nodezero::c::Kept;

struct nodezero_text {
  std::shared_ptr<Kept> kept;  ///< of its trainer
  nodezero::TokenStream stream;
};

extern "C" {

void nodezero_language_model_init(nodezero_language_model* model, size_t size) {
  const nodezero::LanguageModel::Sizes sizes;
  const nodezero_language_model defaults = {size,        sizes.layers,  sizes.heads,
                                            sizes.width, sizes.context, sizes.vocabulary};
  nodezero::set_up(model, size, defaults);
}

void nodezero_prompt_init(nodezero_prompt* prompt, size_t size) {
  const nodezero::Prompt ours;
  const nodezero_prompt defaults = {size,       nullptr,    0,        ours.count, ours.temperature,
                                    ours.top_k, ours.top_p, ours.seed};
  nodezero::set_up(prompt, size, defaults);
}

nodezero_code nodezero_create_language_model(const nodezero_language_model* model,
                                             const nodezero_options* options,
                                             nodezero_trainer** trainer, char* message,
                                             size_t message_size) {
  return nodezero::c::create(options, trainer, message, message_size, [&] {
    return nodezero::make_c_language_model(model).map(
        [](auto made) { return nodezero::c::Made{std::move(made)}; });
  });
}

nodezero_code nodezero_submit_tokens(nodezero_trainer* trainer, size_t sequences, size_t context,
                                     const int32_t* inputs, const int32_t* targets) {
  return nodezero::c::guarded(trainer, [&](Kept& kept) -> Result<void> {
    const auto rows = static_cast<std::int64_t>(sequences);
    const auto columns = static_cast<std::int64_t>(context);
    const auto count = nodezero::model::count_values({rows, columns});
    if (!count) {
      return fail(ErrorCode::invalid_argument, "the windows are more than memory can hold");
    }
    auto in = nodezero::copy_of(inputs, *count, "the inputs");
    if (!in) {
      return fail(std::move(in.error()));
    }
    return nodezero::copy_of(targets, *count, "the targets").and_then([&](auto out) {
      return kept.trainer.submit(
          nodezero::TokenWindows{rows, columns, std::move(*in), std::move(out)});
    });
  });
}

nodezero_code nodezero_generate(nodezero_trainer* trainer, const nodezero_prompt* prompt,
                                nodezero_text** text) {
  return nodezero::c::guarded(trainer, [&](Kept& kept) -> Result<void> {
    if (!text) {
      return nodezero::c::missing("the place for the text");
    }
    *text = nullptr;
    const auto known = nodezero::known_part(prompt, nodezero_prompt_init);
    if (!known) {
      return fail(known.error());
    }
    auto tokens = nodezero::copy_of(known->tokens, known->token_count, "the prompt");
    if (!tokens) {
      return fail(std::move(tokens.error()));
    }
    auto stream = kept.trainer.generate({std::move(*tokens), known->count, known->temperature,
                                         known->top_k, known->top_p, known->seed});
    if (!stream) {
      return fail(std::move(stream.error()));
    }
    *text = new nodezero_text{trainer->kept, std::move(*stream)};
    return {};
  });
}

nodezero_code nodezero_next_token(nodezero_text* text, int32_t* token) {
  if (!text) {
    return NODEZERO_INVALID_ARGUMENT;
  }
  const nodezero_trainer trainer{text->kept};
  return nodezero::c::guarded(&trainer, [&](Kept&) -> Result<void> {
    if (!token) {
      return nodezero::c::missing("the place for the token");
    }
    const auto next = text->stream.next();
    if (!next) {
      return fail(next.error());
    }
    *token = next->value_or(NODEZERO_END_OF_TEXT);
    return {};
  });
}

uint64_t nodezero_text_version(const nodezero_text* text) {
  return text ? text->stream.version() : 0;
}

void nodezero_destroy_text(nodezero_text* text) {
  delete text;
}

}  // extern "C"
