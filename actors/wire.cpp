// SPDX-License-Identifier: BSD-3-Clause
#include "actors/wire.hpp"

#include <fmt/format.h>

#include "model/tensors/fnv.hpp"

namespace nodezero::actors::wire {
namespace {

/// Calls the function with a message of each type, in a fixed order.
void for_each_message(auto&& call) {
  call("join", join{});
  call("ready", ready{});
  call("leaving", leaving{});
  call("refused", refused{});
  call("admitted", admitted{});
  call("run_file", run_file{});
  call("state_block", state_block{});
  call("state_end", state_end{});
  call("missed_block", missed_block{});
  call("missed_end", missed_end{});
  call("ended", ended{});
  call("dismissed", dismissed{});
  call("want_state", want_state{});
  call("plan", plan{});
  call("back_up", back_up{});
  call("work", work{});
  call("commit", commit{});
  call("give_up", give_up{});
  call("count_progress", count_progress{});
  call("part", part{});
  call("sum", sum{});
  call("credit", credit{});
  call("finished", finished{});
  call("gathered", gathered{});
  call("progress", progress{});
  call("failed", failed{});
  call("unreachable", unreachable{});
}

template <class Value>
caf::error save_values(caf::serializer& sink, const std::vector<Value>& values) {
  // CAF only reads what it saves.
  return sink.apply_raw(values.size() * sizeof(Value), const_cast<Value*>(values.data()));
}

template <class Value>
caf::error load_values(caf::deserializer& source, std::size_t count, std::vector<Value>& values) {
  values.resize(count);
  return source.apply_raw(count * sizeof(Value), values.data());
}

/// The rest of a batch of a host's model.
caf::error load_encoded(caf::deserializer& source, std::uint64_t size, model::MicroBatch& batch) {
  if (auto error = runtime::check_length(source, size)) {
    return error;
  }
  model::EncodedBatch encoded;
  if (auto error = load_values(source, size, encoded.bytes)) {
    return error;
  }
  batch.host_data = AnyValue::of(std::move(encoded));
  return caf::none;
}

}  // namespace

caf::error inspect(caf::serializer& sink, Tokens& tokens) {
  const model::MicroBatch none;
  const auto& batch = tokens.batch ? *tokens.batch : none;
  auto sequences = batch.sequences;
  auto context = batch.context;
  auto valid_tokens = batch.valid_tokens;
  const auto host_data = batch.host_data.as<model::EncodedBatch>();
  std::uint64_t encoded = host_data ? host_data->bytes.size() + 1 : 0;
  return caf::error::eval(
      [&] { return sink(sequences, context, valid_tokens, encoded); },
      [&] { return save_values(sink, batch.inputs); },
      [&] { return save_values(sink, batch.targets); },
      [&]() -> caf::error { return host_data ? save_values(sink, host_data->bytes) : caf::none; });
}

caf::error inspect(caf::deserializer& source, Tokens& tokens) {
  constexpr std::int64_t most = std::int64_t{1} << 24U;
  auto batch = std::make_shared<model::MicroBatch>();
  std::uint64_t encoded = 0;  // bytes and 1; 0: token ids
  if (auto error = source(batch->sequences, batch->context, batch->valid_tokens, encoded)) {
    return error;
  }
  if (batch->sequences < 0 || batch->sequences > most || batch->context < 0 ||
      batch->context > most) {
    return caf::sec::invalid_argument;
  }
  const auto count = static_cast<std::uint64_t>(batch->sequences * batch->context);
  if (auto error = runtime::check_length(source, 2 * count * sizeof(std::int32_t))) {
    return error;
  }
  if (auto error = caf::error::eval([&] { return load_values(source, count, batch->inputs); },
                                    [&] { return load_values(source, count, batch->targets); })) {
    return error;
  }
  if (encoded > 0) {
    if (auto error = load_encoded(source, encoded - 1, *batch)) {
      return error;
    }
  }
  tokens.batch = std::move(batch);
  return caf::none;
}

std::string protocol_text() {
  std::string text;
  for_each_message([&](const char*, const auto& message) { text += layout_of(message) + "\n"; });
  return text;
}

std::string protocol_digest() {
  return fmt::format("{:016x}", model::fnv(model::fnv_start, protocol_text()));
}

void register_messages(caf::actor_system_config& config) {
  for_each_message([&]<class Message>(const char* name, const Message&) {
    std::string full_name("nodezero.");
    full_name += name;
    config.add_message_type<Message>(std::move(full_name));
  });
}

}  // namespace nodezero::actors::wire
