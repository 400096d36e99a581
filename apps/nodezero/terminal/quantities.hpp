// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace nodezero::apps {

/// Numbers as people read them.

/// 1234567 as "1,234,567".
std::string grouped(std::uint64_t number);

/// "1 step", "1,200 steps"; `plural` where an s is not enough.
std::string counted(std::uint64_t number, std::string_view noun, std::string_view plural = "");

/// "1 epoch", "0.21 epochs".
std::string epochs_text(double epochs);

/// A count that need not be whole: "0.214", "2", "26.3", "85,700".
std::string count_text(double count);

/// "812 B", "1.2 kB", "34 MB", "5.6 GB"; decimal units, two or three digits.
std::string bytes_text(std::uint64_t bytes);

/// "0.4 s", "42 s", "3 min 20 s", "2 h 5 min", "12 days".
std::string duration_text(double seconds);

/// A remaining time in few columns: "0:42", "3:20", "2:05:00", "12 days".
std::string clock_text(double seconds);

}  // namespace nodezero::apps
