// SPDX-License-Identifier: BSD-3-Clause

// A class in an actor's state gives its fields by binding all of its members: a new one cannot be
// forgotten.
// expect: name provided for structured binding
#include "runtime/fingerprint.hpp"

class Sum {
 public:
  auto fields() const {
    const auto& [count] = *this;
    return std::tie(count);
  }

 private:
  std::uint64_t count_ = 0;
#ifdef NODEZERO_MISUSE
  std::uint64_t last_ = 0;
#endif
};

std::uint64_t state_digest(const nodezero::runtime::ActorKeys& keys, const Sum& sum) {
  return nodezero::runtime::fingerprint(keys, sum);
}
