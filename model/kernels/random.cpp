// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/random.hpp"

#include "model/kernels/kernels.hpp"

namespace nodezero::model {

void KeyedRandom::words_of_16(std::uint64_t first,
                              std::array<std::array<std::uint32_t, 16>, 4>& out) const {
  kernels().random_words(key_.data(), prefix_.data(), first, out[0].data());
}

}  // namespace nodezero::model
