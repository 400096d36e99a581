// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/process/environment.hpp"

#include <array>
#include <chrono>
#include <fstream>
#include <thread>
#include <unistd.h>

#include <CLI/Version.hpp>
#include <Eigen/Core>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "model/kernels/arithmetic.hpp"
#include "model/kernels/kernels.hpp"

namespace nodezero::apps {

namespace {

std::string processor_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    const auto colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) {
      return line.substr(colon + 2);
    }
  }
  return "unknown";
}

}  // namespace

nlohmann::json version_description() {
  return {{"nodezero", NODEZERO_VERSION},
          {"arithmetic", std::to_string(model::arithmetic_version)},
          {"caf", NODEZERO_CAF_VERSION},
          {"eigen",
           fmt::format("{}.{}.{}", EIGEN_WORLD_VERSION, EIGEN_MAJOR_VERSION, EIGEN_MINOR_VERSION)},
          {"fmt", fmt::format("{}.{}.{}", FMT_VERSION / 10'000, FMT_VERSION / 100 % 100,
                              FMT_VERSION % 100)},
          {"cli11", CLI11_VERSION},
          {"nlohmann_json", fmt::format("{}.{}.{}", NLOHMANN_JSON_VERSION_MAJOR,
                                        NLOHMANN_JSON_VERSION_MINOR, NLOHMANN_JSON_VERSION_PATCH)},
          {"compiler", NODEZERO_COMPILER}};
}

nlohmann::json processor_description() {
  auto features = nlohmann::json::array();
#if defined(__x86_64__)
  // __builtin_cpu_supports takes literals only.
#define NODEZERO_FEATURE(name)        \
  if (__builtin_cpu_supports(name)) { \
    features.push_back(name);         \
  }
  NODEZERO_FEATURE("sse4.2")
  NODEZERO_FEATURE("avx")
  NODEZERO_FEATURE("fma")
  NODEZERO_FEATURE("avx2")
  NODEZERO_FEATURE("avx512f")
  NODEZERO_FEATURE("avx512bw")
  NODEZERO_FEATURE("avx512dq")
  NODEZERO_FEATURE("avx512vl")
  NODEZERO_FEATURE("avx512vnni")
  NODEZERO_FEATURE("avx512bf16")
#undef NODEZERO_FEATURE
#endif
  return {{"name", processor_name()},
          {"cores", std::thread::hardware_concurrency()},
          {"features", features},
          {"kernels", model::kernels_in_use()},
          {"compiled_for", NODEZERO_TARGET}};
}

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "?";
}

std::string timestamp() {
  const auto now =
      std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
  return fmt::format("{:%FT%TZ}", fmt::gmtime(now));
}

}  // namespace nodezero::apps
