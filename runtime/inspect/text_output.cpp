// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/inspect/text_output.hpp"

#include <nlohmann/json.hpp>

namespace nodezero::runtime::inspect {

bool TextOutput::flush() {
  if (buffer_.size() > 0 && !failed_) {
    failed_ = !write_({buffer_.data(), buffer_.size()});
  }
  written_ += buffer_.size();
  buffer_.clear();
  return !failed_;
}

std::string json_string(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace nodezero::runtime::inspect
