// SPDX-License-Identifier: BSD-3-Clause
#include "model/storage/digest.hpp"

#include <bit>
#include <span>

#include "model/files/sha256.hpp"

namespace nodezero::model {
namespace {

// The digest is defined over the bytes of little-endian numbers.
static_assert(std::endian::native == std::endian::little);

void add(const TensorSet& set, Sha256& sum) {
  for (const TensorInfo& tensor : set.layout()->tensors()) {
    sum.update(std::as_bytes(set[tensor]));
  }
}

}  // namespace

std::string digest(const TensorSet& set) {
  Sha256 sum;
  add(set, sum);
  return sum.finish();
}

std::string digest(const OptimizerState& state) {
  Sha256 sum;
  add(state.first_moment, sum);
  add(state.second_moment, sum);
  return sum.finish();
}

}  // namespace nodezero::model
