// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// What of the types that cross between machines belongs into a fingerprint, where that is not
// simply each member.

#include <bit>
#include <cstdint>
#include <span>

#include "actors/fingerprints.hpp"
#include "actors/wire.hpp"

namespace nodezero::runtime {

template <>
struct FingerprintOf<Peer> {
  static void add(ContentFingerprint& fingerprint, const Peer& peer) {
    fingerprint.add(peer.pointer());
  }
};

/// The values. Most are zero where anybody asks, which is a model without arithmetic.
template <>
struct FingerprintOf<std::span<const float>> {
  static void add(ContentFingerprint& fingerprint, std::span<const float> values) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (const auto bits = std::bit_cast<std::uint32_t>(values[i])) {
        fingerprint.add(std::uint64_t{bits} << 32U | i);
      }
    }
    fingerprint.add(values.size());
  }
};

template <>
struct FingerprintOf<Floats> {
  static void add(ContentFingerprint& fingerprint, const Floats& floats) {
    fingerprint.add(floats.span());
  }
};

/// What a micro-batch holds follows from its step and its position.
template <>
struct FingerprintOf<actors::wire::Tokens> {
  static void add(ContentFingerprint& fingerprint, const actors::wire::Tokens& tokens) {
    fingerprint.add(tokens.batch != nullptr);
  }
};

}  // namespace nodezero::runtime
