// SPDX-License-Identifier: BSD-3-Clause

// nodezero trace follow.

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <fmt/format.h>

#include "apps/nodezero/common.hpp"
#include "apps/nodezero/process/environment.hpp"
#include "apps/nodezero/trace/trace_commands.hpp"
#include "runtime/inspect/text_output.hpp"
#include "runtime/inspect/words.hpp"
#include "runtime/trace/trace_tail.hpp"

namespace nodezero::apps {

namespace {

namespace inspect = runtime::inspect;
using runtime::trace::TraceTail;

/// Waits up to a second until a file may have been written to. Without inotify it simply waits a
/// second.
class FileWatch {
 public:
  explicit FileWatch(const std::string& path)
      : descriptor_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    if (descriptor_ >= 0) {
      inotify_add_watch(descriptor_, path.c_str(), IN_MODIFY | IN_CLOSE_WRITE);
    }
  }
  ~FileWatch() {
    if (descriptor_ >= 0) {
      close(descriptor_);
    }
  }
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

  void wait() {
    pollfd events{descriptor_, POLLIN, 0};
    poll(&events, 1, 1000);
    std::array<char, 4096> ignored{};
    while (descriptor_ >= 0 && read(descriptor_, ignored.data(), ignored.size()) > 0) {
    }
  }

 private:
  int descriptor_;
};

/// True if the trace names the process on this machine that writes it and that process has ended.
bool writer_is_gone(const std::map<std::string, std::string>& about) {
  const auto host = about.find("host");
  const auto process = about.find("process");
  if (host == about.end() || process == about.end() || host->second != host_name()) {
    return false;
  }
  const int number = std::atoi(process->second.c_str());
  return number > 0 && kill(number, 0) != 0 && errno == ESRCH;
}

}  // namespace

void trace_follow(const std::string& path, const inspect::Filter& filter) {
  FileWatch watch(path);
  TraceTail tail(path);
  std::string unknown;  // the error about what the filter names but the trace lacks so far
  auto writer = TraceTail::Writer::goes_on;
  while (true) {
    const auto piece = unwrap(tail.next(writer));
    const auto selected = inspect::select(piece.trace, filter);
    unknown = selected ? "" : selected.error().message;
    if (selected) {
      inspect::TextOutput out(stdout);
      auto fresh = piece.fresh.begin();
      for (const auto number : *selected) {
        fresh = std::lower_bound(fresh, piece.fresh.end(), number);
        if (fresh != piece.fresh.end() && *fresh == number) {
          out.print("{}\n", inspect::moment_line(piece.trace, number));
        }
      }
    }
    std::fflush(stdout);
    if (tail.has_ended()) {
      if (const auto warning = inspect::incompleteness(piece.trace.completeness);
          !warning.empty()) {
        fmt::print(stderr, "nodezero: {}\n", warning);
      }
      break;
    }
    if (writer == TraceTail::Writer::is_gone) {
      fmt::print(stderr,
                 "nodezero: the program that wrote this trace is gone, and the trace ends before "
                 "the run did\n");
      break;
    }
    if (writer_is_gone(tail.about())) {
      writer = TraceTail::Writer::is_gone;  // its last writes are still to be read
    } else {
      watch.wait();
    }
  }
  if (!unknown.empty()) {
    throw CommandError(exit_bad_input, unknown);
  }
}

}  // namespace nodezero::apps
