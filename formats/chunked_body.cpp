// SPDX-License-Identifier: BSD-3-Clause
#include "formats/chunked_body.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace nodezero::formats {
namespace {

constexpr std::string_view end_of_line = "\r\n";
constexpr std::size_t most_digits = 8;

}  // namespace

ChunkedBody::Progress ChunkedBody::take(std::string& bytes) {
  std::string_view rest = bytes;
  auto progress = Progress::waiting;
  while (!is_whole_) {
    const auto before = rest.size();
    const auto part = part_;
    progress = advance(rest);
    const bool is_stuck = rest.size() == before && part_ == part;
    if (progress == Progress::malformed || progress == Progress::too_large || is_stuck) {
      break;
    }
  }
  bytes.erase(0, bytes.size() - rest.size());
  return is_whole_ ? Progress::whole : progress;
}

/// Goes on by one part, if all of it is there.
ChunkedBody::Progress ChunkedBody::advance(std::string_view& rest) {
  switch (part_) {
    case Part::size:
      return read_size(rest);
    case Part::data: {
      const auto count = std::min(left_, rest.size());
      body_ += rest.substr(0, count);
      rest.remove_prefix(count);
      left_ -= count;
      part_ = left_ == 0 ? Part::end_of_chunk : Part::data;
      return Progress::waiting;
    }
    case Part::end_of_chunk:
      return read_line_end(rest, Part::size);
    case Part::end:
      break;
  }
  const auto progress = read_line_end(rest, Part::size);
  is_whole_ = part_ == Part::size;
  return progress;
}

ChunkedBody::Progress ChunkedBody::read_size(std::string_view& rest) {
  const auto end = rest.find(end_of_line);
  const auto digits = rest.substr(0, end);
  if (end == std::string_view::npos) {
    return digits.size() > most_digits + 1 ? Progress::malformed : Progress::waiting;
  }
  const auto [last, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), left_, 16);
  if (digits.empty() || digits.size() > most_digits || digits.front() == '-' ||
      error != std::errc() || last != digits.data() + digits.size()) {
    return Progress::malformed;
  }
  if (left_ > most_ - body_.size()) {
    return Progress::too_large;
  }
  rest.remove_prefix(end + end_of_line.size());
  part_ = left_ == 0 ? Part::end : Part::data;
  return Progress::waiting;
}

ChunkedBody::Progress ChunkedBody::read_line_end(std::string_view& rest, Part next) {
  const auto there = rest.substr(0, end_of_line.size());
  if (!end_of_line.starts_with(there)) {
    return Progress::malformed;
  }
  if (there == end_of_line) {
    rest.remove_prefix(end_of_line.size());
    part_ = next;
  }
  return Progress::waiting;
}

}  // namespace nodezero::formats
