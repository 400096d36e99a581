// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/hosts/host_command.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "actors/laws/trace_catalogue.hpp"
#include "actors/machines/lender.hpp"
#include "apps/nodezero/common.hpp"
#include "apps/nodezero/process/environment.hpp"
#include "apps/nodezero/process/memory.hpp"
#include "apps/nodezero/process/signals.hpp"
#include "runtime/trace/trace_file.hpp"

namespace nodezero::apps {
namespace {

namespace network = runtime::network;

void say(const std::string& line) {
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

/// Where the nth part in a run is recorded, which a host takes again after its connection has
/// ended: the first in `trace`, or in NAME.nztrace if that is a folder, the second in
/// NAME-2.nztrace, and so on.
std::filesystem::path trace_of_part(std::filesystem::path trace, std::string name,
                                    std::uint32_t part) {
  if (std::filesystem::is_directory(trace)) {
    std::ranges::replace(name, '/', '-');
    trace /= name + ".nztrace";
  }
  if (part > 1) {
    trace.replace_filename(
        fmt::format("{}-{}{}", trace.stem().string(), part, trace.extension().string()));
  }
  return trace;
}

/// @throws CommandError if the file cannot be written or is not a trace
std::unique_ptr<runtime::trace::Recorder> record_in(const std::filesystem::path& trace,
                                                    const std::string& name) {
  unwrap(runtime::trace::check_overwritable(trace), exit_bad_input);
  auto recorder = runtime::trace::Recorder::make(
      {.file = trace,
       .catalogue = actors::trace_catalogue(),
       .about = {{"program", "nodezero host"},
                 {"version", NODEZERO_VERSION},
                 {"machine", name},
                 {"host", host_name()},
                 {"process", std::to_string(::getpid())},
                 {"started", timestamp()}},
       .warn = [](const std::string& line) { fmt::print(stderr, "nodezero: {}\n", line); }});
  if (!recorder) {
    throw CommandError(exit_bad_input, "--trace: " + recorder.error().message);
  }
  return std::move(*recorder);
}

}  // namespace

void host_command(const HostOptions& options) {
  if (const auto root = network::find_endpoint(options.connect);
      !root && root.error().code != ErrorCode::not_found) {
    throw CommandError(exit_bad_input, root.error().message);
  }
  identity_from(options.credentials);  // found wanting before anything else happens
  actors::LenderSettings settings{
      .root = options.connect,
      .identity = [&] { return Result<network::Identity>(identity_from(options.credentials)); },
      .listen = unwrap(network::parse_endpoint(options.listen)),
      .name = options.name,
      .threads = options.threads,
      .memory = options.memory > 0 ? options.memory : available_memory(),
      .wait = std::chrono::seconds(options.wait_s),
      .host_timeout = std::chrono::milliseconds(std::llround(1e3 * options.host_timeout_s)),
      .say = say};
  if (!options.trace.empty()) {
    settings.record = [&](std::uint32_t part) {
      const std::string name = options.name.empty() ? host_name() : options.name;
      return record_in(trace_of_part(options.trace, name, part), name);
    };
  }
  actors::Lender lender(std::move(settings));
  std::signal(SIGPIPE, SIG_IGN);
  const SignalBlock block;
  const SignalWatcher signals(
      block,
      [&] {
        say("leaving the run; Ctrl-C again to quit at once");
        lender.leave();
      },
      [] {});
  const auto end = unwrap(lender.lend(), exit_failure);
  using Reason = actors::HostEnd::Reason;
  if (end.reason == Reason::refused) {
    throw CommandError(exit_bad_input, "the root refuses this host: " + end.text);
  }
  if (end.reason == Reason::failed) {
    throw CommandError(exit_failure, end.text);
  }
  say(end.text);
  if (end.reason == Reason::left) {
    throw CommandExit{exit_code_of_signal(signals.first_signal())};
  }
}

}  // namespace nodezero::apps
