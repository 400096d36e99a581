// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "actors/serving/served_model.hpp"

namespace nodezero::actors {

/// What a server has done so far. Only its door and its connections touch it, which all run in the
/// thread that owns the sockets.
struct ServingCounters {
  struct Histogram {
    static constexpr std::array<double, 12> bounds_s = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                        0.1,   0.25,   0.5,   1,    2.5,   10};
    std::array<std::uint64_t, bounds_s.size() + 1> counts{};
    double sum_s = 0;

    void add(std::chrono::duration<double> time);
  };

  std::map<int, std::uint64_t> answers;  ///< by status; a stream's when it begins
  std::uint64_t prompt_tokens = 0;       ///< of completions that have ended
  std::uint64_t generated_tokens = 0;
  std::uint64_t left = 0;  ///< completions whose client left before their end
  std::size_t connections = 0;
  std::size_t open_choices = 0;  ///< that wait or are being generated
  Histogram first_token;         ///< from the request to its first token

  /// Of completions that have ended, by the number of their version; the newest few.
  struct OfVersion {
    std::uint64_t step = 0;
    std::uint64_t completions = 0, generated_tokens = 0;
  };
  std::map<std::uint64_t, OfVersion> versions;
  void add_version(const Envelope& envelope, std::uint64_t tokens);

  /// Prometheus's text format 0.0.4.
  std::string to_text(const ServedModel& model, const VersionName& version) const;
};

}  // namespace nodezero::actors
