// SPDX-License-Identifier: BSD-3-Clause

// nodezero replay: repeats a recorded run on one thread, giving each actor the messages it got.

#include "apps/nodezero/checking/replay_command.hpp"

#include <stdexcept>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "actors/laws/trace_phrases.hpp"
#include "apps/nodezero/common.hpp"
#include "apps/nodezero/terminal/quantities.hpp"
#include "apps/nodezero/trace/trace_loading.hpp"
#include "apps/nodezero/train/replay_facts.hpp"
#include "model/storage/digest.hpp"
#include "runtime/inspect/words.hpp"
#include "runtime/trace/trace_file.hpp"
#include "verify/replay/recorded_run.hpp"

namespace nodezero::apps {

namespace {

using runtime::trace::Trace;

void print_states(const std::vector<verify::ActorState>& actors) {
  fmt::print("{:<20} {:<12} {:>8}  {:<16}  waiting\n", "actor", "state", "handled", "digest");
  for (const auto& actor : actors) {
    const auto digest = actor.digest == 0 ? std::string("-") : fmt::format("{:016x}", actor.digest);
    fmt::print("{:<20} {:<12} {:>8}  {:<16}  {}\n", actor.name, actor.state, actor.handled, digest,
               fmt::join(actor.waiting, "; "));
  }
}

[[noreturn]] void fail(const verify::Replayed::Difference& difference) {
  fmt::print("recorded: {}\nhere:     {}\n", difference.recorded, difference.happening);
  throw CommandError(
      exit_failure,
      difference.event == 0
          ? std::string("the replay goes on after the end of the recording")
          : fmt::format("the replay differs from the recording at event {}", difference.event));
}

void compare_ends(const Trace& recorded, const verify::Replayed& replayed) {
  const auto expected = noted_weights(recorded);
  if (!expected) {
    return;  // the run failed without leaving weights
  }
  if (!replayed.end || !replayed.end->weights) {
    throw CommandError(exit_failure,
                       "the recorded run ended with weights, but the replay has none");
  }
  const auto found = model::digest(*replayed.end->weights);
  if (found != *expected) {
    throw CommandError(exit_failure, fmt::format("the recorded run ended with weights {}, but the "
                                                 "replay with {}",
                                                 *expected, found));
  }
  fmt::print("  weights     {}, as recorded\n", found);
}

void run_replay(const ReplayRequest& request) {
  const auto recorded = unwrap(runtime::trace::read_trace(request.file));
  const auto last = static_cast<std::uint32_t>(recorded.events.size());
  const std::uint32_t until = request.until ? event_in(recorded, *request.until) : last;
  verify::refuse_incomplete(recorded);
  auto replayed = verify::replay_recorded(recorded_settings(recorded), recorded, until);
  if (request.until) {
    fmt::print("{}\n\n", runtime::inspect::event_line(recorded, until, actors::trace_phrases()));
    print_states(replayed.actors);
    fmt::print("\n");
  }
  fmt::print("replayed {} of {} between {}\n", grouped(replayed.messages),
             counted(replayed.recorded, "message"), counted(recorded.actors.size() - 1, "actor"));
  if (replayed.difference) {
    fail(*replayed.difference);
  }
  fmt::print("  events      all as recorded\n");
  if (!request.until) {
    compare_ends(recorded, replayed);
  }
}

}  // namespace

void replay_command(const ReplayRequest& request) {
  try {
    run_replay(request);
  } catch (const std::invalid_argument& error) {
    throw CommandError(exit_bad_input, error.what());
  }
}

}  // namespace nodezero::apps
