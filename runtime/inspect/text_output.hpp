// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace nodezero::runtime::inspect {

/// Text on its way to a file or a string, written in large pieces. An export of a million events
/// is hundreds of megabytes, which neither a tree of JSON values nor a stream would write in time.
class TextOutput {
 public:
  /// Takes a piece; false if it could not be written.
  using Write = std::function<bool(std::string_view)>;

  explicit TextOutput(Write write) : write_(std::move(write)) {}
  explicit TextOutput(std::FILE* file)
      : TextOutput([file](std::string_view text) {
          return std::fwrite(text.data(), 1, text.size(), file) == text.size();
        }) {}
  explicit TextOutput(std::string& text)
      : TextOutput([&text](std::string_view piece) {
          text += piece;
          return true;
        }) {}
  ~TextOutput() { flush(); }
  TextOutput(const TextOutput&) = delete;
  TextOutput& operator=(const TextOutput&) = delete;

  template <class... Arguments>
  void print(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    fmt::format_to(std::back_inserter(buffer_), format, std::forward<Arguments>(arguments)...);
    if (buffer_.size() >= piece) {
      flush();
    }
  }
  void text(std::string_view text) {
    buffer_.append(text.data(), text.data() + text.size());
    if (buffer_.size() >= piece) {
      flush();
    }
  }

  /// Bytes so far.
  std::uint64_t size() const { return written_ + buffer_.size(); }
  /// Writes what is left; false if anything could not be written.
  bool flush();

 private:
  static constexpr std::size_t piece = 1 << 20;

  Write write_;
  fmt::memory_buffer buffer_;
  std::uint64_t written_ = 0;
  bool failed_ = false;
};

/// The text as a JSON string with its quotation marks. Bytes that are no UTF-8 become U+FFFD.
std::string json_string(std::string_view text);

}  // namespace nodezero::runtime::inspect
