// SPDX-License-Identifier: BSD-3-Clause

// nodezero.h in terms of the C++ interface, but for language models.

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "actors/embedding/c_calls.hpp"
#include "actors/embedding/c_model.hpp"
#include "model/tensors/shape.hpp"
#include "nodezero/multilayer_perceptron.hpp"

namespace {

using nodezero::Error;
using nodezero::ErrorCode;
using nodezero::fail;
using nodezero::Result;
using nodezero::c::create;
using nodezero::c::guarded;
using nodezero::c::Kept;
using nodezero::c::Made;
using nodezero::c::missing;
using nodezero::c::write_text;

/// A copy of so many rows of a caller's. Fails with invalid_argument if they are NULL or more than
/// memory holds.
Result<std::vector<float>> rows_of(const float* values, std::size_t rows, std::int64_t row,
                                   const char* what) {
  const auto count = nodezero::model::count_values({static_cast<std::int64_t>(rows), row});
  if (!values || !count) {
    return fail(ErrorCode::invalid_argument,
                std::string(what) + (values ? " are more than memory can hold" : " are NULL"));
  }
  return std::vector<float>(values, values + *count);
}

/// What the caller's struct has room for.
void write(const nodezero::Status& s, nodezero_status& out) {
  const auto& t = s.threads;
  const nodezero_status known = {out.size,    static_cast<nodezero_progress>(s.progress),
                                 s.time,      s.steps,
                                 s.epochs,    s.version,
                                 s.loss,      s.taken,
                                 s.waiting,   s.dropped,
                                 t.all(),     t.lanes,
                                 t.observers, t.checkpointers,
                                 t.workers,   t.clocks,
                                 t.printers};
  std::memcpy(&out, &known, std::min(out.size, sizeof known));
}

/// A call that tells its status, unless `out` is NULL.
template <class Call>
nodezero_code telling(const nodezero_trainer* trainer, nodezero_status* out, Call call) {
  return guarded(trainer, [&](Kept& kept) -> Result<void> {
    if (out && out->size < sizeof out->size) {
      return fail(ErrorCode::invalid_argument,
                  "a status is set up by nodezero_status_init before it is first used");
    }
    const Result<nodezero::Status> status = call(kept.trainer);
    if (!status) {
      return tl::unexpected<Error>(status.error());
    }
    if (out) {
      write(*status, *out);
    }
    return {};
  });
}

}  // namespace

extern "C" {

nodezero_code nodezero_create(const nodezero_model* model, const nodezero_options* options,
                              nodezero_trainer** trainer, char* message, size_t message_size) {
  return create(options, trainer, message, message_size, [&] {
    return nodezero::make_c_model(model).map([](auto made) { return Made{std::move(made)}; });
  });
}

nodezero_code nodezero_create_perceptron(const int64_t* sizes, size_t size_count,
                                         const nodezero_options* options,
                                         nodezero_trainer** trainer, char* message,
                                         size_t message_size) {
  return create(options, trainer, message, message_size, [&] {
    return nodezero::make_c_perceptron(sizes, size_count).map([&](auto made) {
      return Made{std::move(made), sizes[0], sizes[size_count - 1]};
    });
  });
}

void nodezero_destroy(nodezero_trainer* trainer) {
  if (trainer) {
    const nodezero::Trainer ends = std::move(trainer->kept->trainer);
    delete trainer;
  }
}

void nodezero_last_error(const nodezero_trainer* trainer, char* message, size_t size) {
  if (!trainer) {
    write_text("the trainer is NULL", message, size);
    return;
  }
  const std::lock_guard lock(trainer->kept->mutex);
  write_text(trainer->kept->last_error, message, size);
}

void nodezero_failure(const nodezero_trainer* trainer, char* message, size_t size) {
  write_text(trainer ? trainer->kept->trainer.status().failure : "the trainer is NULL", message,
             size);
}

nodezero_code nodezero_submit(nodezero_trainer* trainer, const void* batch, size_t size) {
  return guarded(trainer, [&](Kept& kept) {
    return nodezero::copy_of(static_cast<const std::byte*>(batch), size, "the batch")
        .and_then([&](auto bytes) { return kept.trainer.submit(std::move(bytes)); });
  });
}

nodezero_code nodezero_submit_examples(nodezero_trainer* trainer, size_t examples,
                                       const float* inputs, const float* targets) {
  return guarded(trainer, [&](Kept& kept) -> Result<void> {
    auto in = rows_of(inputs, examples, kept.inputs, "the inputs");
    if (!in) {
      return tl::unexpected<Error>(std::move(in.error()));
    }
    return rows_of(targets, examples, kept.outputs, "the targets").and_then([&](auto out) {
      return kept.trainer.submit(nodezero::Examples{std::move(*in), std::move(out)});
    });
  });
}

nodezero_code nodezero_step(nodezero_trainer* trainer, uint64_t budget, nodezero_status* status) {
  return telling(trainer, status, [&](auto& called) { return called.step(budget); });
}

nodezero_code nodezero_advance_to(nodezero_trainer* trainer, double time, nodezero_status* status) {
  return telling(trainer, status, [&](auto& called) { return called.advance_to(time); });
}

nodezero_code nodezero_wait_for_steps(nodezero_trainer* trainer, uint64_t steps,
                                      uint64_t timeout_ms, nodezero_status* status) {
  // More than CAF's and the library's clocks can add.
  const std::chrono::milliseconds timeout(std::min<std::uint64_t>(timeout_ms, 1'000'000'000'000));
  return telling(trainer, status,
                 [&](auto& called) { return called.wait_for_steps(steps, timeout); });
}

nodezero_code nodezero_get_status(const nodezero_trainer* trainer, nodezero_status* status) {
  if (!status) {
    return guarded(trainer, [](Kept&) { return missing("the status"); });
  }
  return telling(trainer, status,
                 [](auto& called) -> Result<nodezero::Status> { return called.status(); });
}

nodezero_code nodezero_predict(nodezero_trainer* trainer, const void* input, size_t input_size,
                               void* output, size_t output_size, uint64_t* version) {
  return guarded(trainer, [&](Kept& kept) -> Result<void> {
    if (auto valid = nodezero::check_array(output, output_size, "the output"); !valid) {
      return valid;
    }
    auto answer = nodezero::copy_of(static_cast<const std::byte*>(input), input_size, "the input")
                      .and_then([&](auto bytes) {
                        return kept.trainer.predict<nodezero::Bytes>(
                            nodezero::CInput{std::move(bytes), output_size});
                      });
    if (!answer) {
      return tl::unexpected<Error>(std::move(answer.error()));
    }
    if (output_size > 0) {
      std::memcpy(output, answer->output.data(), output_size);
    }
    if (version) {
      *version = answer->version;
    }
    return {};
  });
}

nodezero_code nodezero_predict_examples(nodezero_trainer* trainer, size_t examples,
                                        const float* inputs, float* outputs, uint64_t* version) {
  return guarded(trainer, [&](Kept& kept) -> Result<void> {
    if (!outputs) {
      return missing("the place for the outputs");
    }
    auto answer = rows_of(inputs, examples, kept.inputs, "the inputs").and_then([&](auto in) {
      return kept.trainer.predict<std::vector<float>>(std::move(in));
    });
    if (!answer) {
      return tl::unexpected<Error>(std::move(answer.error()));
    }
    std::ranges::copy(answer->output, outputs);
    if (version) {
      *version = answer->version;
    }
    return {};
  });
}

nodezero_code nodezero_save(nodezero_trainer* trainer, void* buffer, size_t* size) {
  bool is_too_small = false;
  const nodezero_code code = guarded(trainer, [&](Kept& kept) -> Result<void> {
    if (!size) {
      return missing("the place for the state's size");
    }
    auto state = kept.trainer.save();
    if (!state) {
      return tl::unexpected<Error>(std::move(state.error()));
    }
    is_too_small = !buffer || *size < state->size();
    *size = state->size();
    if (is_too_small) {
      const std::lock_guard lock(kept.mutex);
      kept.last_error = "the state needs a buffer of " + std::to_string(*size) + " bytes";
      return {};
    }
    std::memcpy(buffer, state->data(), state->size());
    return {};
  });
  return code == NODEZERO_OK && is_too_small ? NODEZERO_BUFFER_TOO_SMALL : code;
}

nodezero_code nodezero_restore(nodezero_trainer* trainer, const void* state, size_t size) {
  return guarded(trainer, [&](Kept& kept) -> Result<void> {
    if (!state) {
      return missing("the state");
    }
    if (auto valid = nodezero::check_array(state, size, "the state"); !valid) {
      return valid;
    }
    return kept.trainer.restore(std::span(static_cast<const std::byte*>(state), size));
  });
}

nodezero_code nodezero_save_file(nodezero_trainer* trainer, const char* name) {
  return guarded(trainer, [&](Kept& kept) -> Result<void> {
    return name ? kept.trainer.save(std::string(name)) : missing("the name");
  });
}

nodezero_code nodezero_restore_file(nodezero_trainer* trainer, const char* name) {
  return guarded(trainer, [&](Kept& kept) -> Result<void> {
    return name ? kept.trainer.restore(std::string(name)) : missing("the name");
  });
}

nodezero_code nodezero_close(nodezero_trainer* trainer) {
  return guarded(trainer, [&](Kept& kept) { return kept.trainer.close(); });
}

}  // extern "C"
