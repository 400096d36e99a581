// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// What of the types that messages and states are made of belongs into a fingerprint, where that is
// not simply each member.

#include <bit>
#include <cstdint>

#include "actors/errors.hpp"
#include "actors/lane_messages.hpp"
#include "runtime/explorable.hpp"

namespace nodezero::runtime {

/// Weights or a gradient: the values. Most are zero where anybody asks, which is a model without
/// arithmetic.
template <>
struct FingerprintOf<model::TensorSet> {
  static void add(ContentFingerprint& fingerprint, const model::TensorSet& set) {
    const auto values = set.values();
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (const auto bits = std::bit_cast<std::uint32_t>(values[i])) {
        fingerprint.add(std::uint64_t{bits} << 32U | i);
      }
    }
    fingerprint.add(values.size());
  }
};

/// The moments are the lanes' alone.
template <>
struct FingerprintOf<model::OptimizerState> {
  static void add(ContentFingerprint& fingerprint, const model::OptimizerState& state) {
    fingerprint.add(state.step);
  }
};

/// What a step's micro-batches hold follows from the step.
template <>
struct FingerprintOf<actors::StepBatches> {
  static void add(ContentFingerprint& fingerprint, const actors::StepBatches& batches) {
    fingerprint.add(batches.range()).add(batches.after);
  }
};

template <>
struct FingerprintOf<actors::GradientLease> {
  static void add(ContentFingerprint& fingerprint, const actors::GradientLease& lease) {
    fingerprint.add(static_cast<bool>(lease));
    if (lease) {
      fingerprint.add(*lease);
    }
  }
};

/// A value of a type that only its model knows: whether there is one.
template <>
struct FingerprintOf<AnyValue> {
  static void add(ContentFingerprint& fingerprint, const AnyValue& value) {
    fingerprint.add(value.value != nullptr);
  }
};

/// Two siblings before they are added.
template <>
struct FingerprintOf<actors::SumTask> {
  static void add(ContentFingerprint& fingerprint, const actors::SumTask& task) {
    fingerprint.add(task.left).add(task.right);
  }
};

/// What an update starts from. The buffer that it is written into has leftovers until then.
template <>
struct FingerprintOf<actors::UpdateTask> {
  static void add(ContentFingerprint& fingerprint, const actors::UpdateTask& task) {
    fingerprint.add(task.gradient).add(task.squared_norms).add(task.scalars).add(task.weights);
    if (!task.weights) {
      fingerprint.add(task.next);  // in place
    }
  }
};

/// A continuation follows from the weights, the request and the tokens that it has given.
template <>
struct FingerprintOf<actors::GenerationSession> {
  static void add(ContentFingerprint& fingerprint, const actors::GenerationSession& session) {
    fingerprint.add(session.number).add(session.weights).add(session.request);
    fingerprint.add(session.tokens).add(session.output).add(session.has_ended);
    fingerprint.add(session.prompt_news).add(session.news).add(session.failure);
    fingerprint.add(session.digest);
  }
};

/// The message is for people.
template <>
struct FingerprintOf<Error> {
  static void add(ContentFingerprint& fingerprint, const Error& error) {
    fingerprint.add(error.code).add(error.place);
  }
};

template <>
struct FingerprintOf<caf::error> {
  static void add(ContentFingerprint& fingerprint, const caf::error& error) {
    fingerprint.add(to_error(error));
  }
};

}  // namespace nodezero::runtime
