// SPDX-License-Identifier: BSD-3-Clause

// Events are messages of protocol buffers (Event and Summary of TensorFlow), each between sums: its
// length, a CRC-32C of that, the message, and a CRC-32C of it.
#include "apps/nodezero/train/event_file.hpp"

#include <array>
#include <cstring>

namespace nodezero::apps {

namespace {

constexpr std::uint32_t crc_polynomial = 0x82F63B78;

constexpr std::array<std::uint32_t, 256> crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) {
      crc = crc >> 1 ^ ((crc & 1) != 0 ? crc_polynomial : 0);
    }
    table[byte] = crc;
  }
  return table;
}

/// CRC-32C in the disguise that keeps sums of sums from repeating themselves.
std::uint32_t masked_crc(std::string_view bytes) {
  static constexpr auto table = crc_table();
  std::uint32_t crc = 0xFFFFFFFF;
  for (const char byte : bytes) {
    crc = crc >> 8 ^ table[(crc ^ static_cast<unsigned char>(byte)) & 0xFF];
  }
  crc = ~crc;
  return (crc >> 15 | crc << 17) + 0xA282EAD8;
}

template <class Number>
std::string fixed(Number number) {
  std::string bytes(sizeof number, '\0');
  std::memcpy(bytes.data(), &number, sizeof number);
  return bytes;
}

std::string varint(std::uint64_t number) {
  std::string bytes;
  for (; number >= 0x80; number >>= 7) {
    bytes.push_back(static_cast<char>(0x80 | (number & 0x7F)));
  }
  bytes.push_back(static_cast<char>(number));
  return bytes;
}

/// A field's number and how its value is stored.
std::string key(int field, int wire) {
  return varint(static_cast<std::uint64_t>(field << 3 | wire));
}
std::string number_field(int field, std::uint64_t value) {
  return key(field, 0) + varint(value);
}
std::string double_field(int field, double value) {
  return key(field, 1) + fixed(value);
}
std::string bytes_field(int field, std::string_view value) {
  return key(field, 2) + varint(value.size()) + std::string(value);
}
/// Repeated numbers, packed.
std::string doubles_field(int field, const std::vector<double>& values) {
  return bytes_field(
      field, {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(double)});
}
std::string float_field(int field, float value) {
  return key(field, 5) + fixed(value);
}

/// Event.wall_time and Event.step.
std::string event(double seconds, std::uint64_t step) {
  return double_field(1, seconds) + number_field(2, step);
}

/// Event.summary with one Summary.Value.
std::string summary(const std::string& value) {
  return bytes_field(5, bytes_field(1, value));
}

}  // namespace

EventFile::EventFile(const std::filesystem::path& path, double seconds)
    : file_(path, std::ios::binary) {
  write(double_field(1, seconds) + bytes_field(3, "brain.Event:2"));
}

void EventFile::start_session(double seconds, std::uint64_t step) {
  constexpr std::uint64_t start = 1;  // SessionLog.START
  write(event(seconds, step) + bytes_field(7, number_field(1, start)));
}

void EventFile::scalar(double seconds, std::uint64_t step, std::string_view tag, double value) {
  write(event(seconds, step) +
        summary(bytes_field(1, tag) + float_field(2, static_cast<float>(value))));
}

void EventFile::histogram(double seconds, std::uint64_t step, std::string_view tag,
                          const Histogram& histogram) {
  const auto message = double_field(1, histogram.least) + double_field(2, histogram.most) +
                       double_field(3, histogram.count) + double_field(4, histogram.sum) +
                       double_field(5, histogram.sum_of_squares) +
                       doubles_field(6, histogram.limits) + doubles_field(7, histogram.counts);
  write(event(seconds, step) + summary(bytes_field(1, tag) + bytes_field(5, message)));
}

void EventFile::text(double seconds, std::uint64_t step, std::string_view tag,
                     std::string_view value) {
  constexpr std::uint64_t string_type = 7;  // DT_STRING
  const auto tensor = number_field(1, string_type) + bytes_field(8, value);
  const auto metadata = bytes_field(1, bytes_field(1, "text"));
  write(event(seconds, step) +
        summary(bytes_field(1, tag) + bytes_field(8, tensor) + bytes_field(9, metadata)));
}

void EventFile::write(const std::string& event) {
  const auto length = fixed(std::uint64_t{event.size()});
  file_ << length << fixed(masked_crc(length)) << event << fixed(masked_crc(event)) << std::flush;
}

}  // namespace nodezero::apps
