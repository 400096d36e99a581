// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/thrown.hpp"

namespace nodezero::runtime {

std::string words_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "an unknown exception";
  }
}

}  // namespace nodezero::runtime
