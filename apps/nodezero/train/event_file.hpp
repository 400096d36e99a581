// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "apps/nodezero/train/weight_histograms.hpp"

namespace nodezero::apps {

/// An event file of TensorBoard. Each event is written at once, so that a run can be watched.
class EventFile {
 public:
  /// `seconds`: since 1970, as for all events.
  EventFile(const std::filesystem::path& path, double seconds);

  /// Tells that a session starts: what an earlier one has drawn from this step on is not drawn.
  void start_session(double seconds, std::uint64_t step);
  void scalar(double seconds, std::uint64_t step, std::string_view tag, double value);
  void histogram(double seconds, std::uint64_t step, std::string_view tag,
                 const Histogram& histogram);
  void text(double seconds, std::uint64_t step, std::string_view tag, std::string_view value);

  /// False if an event could not be written.
  bool is_good() const { return static_cast<bool>(file_); }

 private:
  void write(const std::string& event);

  std::ofstream file_;
};

}  // namespace nodezero::apps
