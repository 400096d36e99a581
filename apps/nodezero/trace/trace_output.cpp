// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/trace/trace_output.hpp"

#include <cstdio>
#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include "apps/nodezero/common.hpp"

namespace nodezero::apps {

void refuse_overwriting(const std::string& input, const std::string& output) {
  std::error_code ignored;
  if (!output.empty() && std::filesystem::equivalent(input, output, ignored)) {
    throw CommandError(exit_bad_input,
                       fmt::format("'{}' is what is read and would be overwritten: choose another "
                                   "name for the output",
                                   output));
  }
}

void with_output(const std::string& path,
                 const std::function<void(runtime::inspect::TextOutput&)>& write) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(
      path.empty() ? stdout : std::fopen(path.c_str(), "wb"),
      path.empty() ? std::fflush : std::fclose);
  if (!file) {
    throw CommandError(exit_bad_input, fmt::format("cannot write {}: check that its folder exists "
                                                   "and is writable",
                                                   path));
  }
  runtime::inspect::TextOutput out(file.get());
  write(out);
  if (!out.flush() || std::fflush(file.get()) != 0) {
    throw CommandError(exit_failure,
                       fmt::format("cannot write all of {}: check that the disk is not full",
                                   path.empty() ? "the output" : path));
  }
}

}  // namespace nodezero::apps
