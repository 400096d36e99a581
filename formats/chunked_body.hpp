// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace nodezero::formats {

/// Puts a body together that comes in chunks (RFC 9112, 7.1). It is strict as the reader of
/// requests is: sizes are at most 8 hexadecimal digits, and extensions and trailers are refused.
class ChunkedBody {
 public:
  /// `most`: bytes of the body.
  explicit ChunkedBody(std::size_t most) : most_(most) {}

  enum class Progress { waiting, whole, malformed, too_large };
  /// Takes what belongs to the body from the front of a connection's bytes.
  Progress take(std::string& bytes);

  /// After whole.
  std::string& body() { return body_; }

 private:
  enum class Part { size, data, end_of_chunk, end };

  Progress advance(std::string_view& rest);
  Progress read_size(std::string_view& rest);
  Progress read_line_end(std::string_view& rest, Part next);

  std::size_t most_;
  Part part_ = Part::size;
  std::size_t left_ = 0;  ///< of the chunk at hand
  std::string body_;
  bool is_whole_ = false;
};

}  // namespace nodezero::formats
