// SPDX-License-Identifier: BSD-3-Clause
#include <chrono>
#include <memory>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "nodezero/explore/explore.hpp"
#include "verify/explore/exhaustive.hpp"
#include "verify/explore/replay.hpp"
#include "verify/explore/sampling.hpp"
#include "verify/library/program.hpp"
#include "verify/library/schedule_text.hpp"
#include "verify/library/trace_output.hpp"
#include "verify/library/words.hpp"

namespace nodezero::explore {
namespace {

engine::Faults engine_faults(const Faults& faults) {
  engine::Faults result;
  result.most = faults.most;
  result.losses = faults.lost;
  result.duplicates = faults.duplicated;
  result.delays = faults.late;
  result.timers = faults.early_timeouts;
  result.late_timers = faults.late_timeouts;
  result.deaths = faults.deaths;
  result.time_passes = true;
  return result;
}

class Explorer {
 public:
  Explorer(caf::actor_system& system, const Scenario& scenario, const Options& options)
      : options_(options),
        program_(scenario),
        run_(system, program_, engine_faults(options.faults)) {
    run_.network().watch = &program_;
    run_.network().causal = !options.network;
    run_.most_steps = options.steps;
    run_.most_time = options.time;
  }

  Result go() {
    if (!options_.replay.empty()) {
      follow(options_.replay);
    } else if (options_.search == Search::automatic || options_.search == Search::states) {
      search_states();
    } else {
      search(options_.search);
    }
    result_.cut_off = run_.cuts();
    result_.complete = result_.complete && run_.cuts() == 0;
    result_.refused = program_.refused();
    return std::move(result_);
  }

 private:
  engine::Bounds bounds() const {
    return {options_.schedules, options_.states, options_.cpu_seconds};
  }

  void search_states() {
    program_.ends_at_unknown = true;
    bool reduced = !options_.all_dependent;
    auto report = engine::explore_all(run_, bounds(), reduced, !reduced);
    // The reduction needs that no run comes back to where it was, and it sees no messages to actors
    // that have ended.
    if (reduced && program_.unknown().empty() && !is_real_problem(report) &&
        (report.returns || run_.network().any_ever_left_behind())) {
      result_.note = report.returns
                         ? "a run can come back to where it was: every order was followed"
                         : "an actor ended that others can send to: every order was "
                           "followed";
      report = engine::explore_all(run_, bounds(), false, true);
    }
    program_.ends_at_unknown = false;
    if (!program_.unknown().empty()) {
      const auto why = fmt::format("no fingerprint of {}", program_.unknown());
      if (options_.search == Search::states) {
        program_.refuse(why);
        return;
      }
      result_.note = why + ": orders were told apart, not states";
      search(Search::orders);
      return;
    }
    take(Search::states, report);
  }

  /// Coming back is reported as if it were one.
  bool is_real_problem(const engine::Report& report) const {
    return report.counterexample && !report.returns;
  }

  void search(Search search) {
    switch (search) {
      case Search::random:
        return take(search, engine::explore_randomly(run_, bounds(), options_.seed));
      case Search::priorities:
        return take(search, engine::explore_by_priorities(run_, bounds(), options_.seed,
                                                          options_.changes + 1));
      default:
        return take(search, engine::explore_classes(run_, bounds(), options_.all_dependent));
    }
  }

  void take(Search search, const engine::Report& report) {
    result_.search = search;
    result_.complete = report.complete;
    result_.runs = report.runs;
    result_.schedules = report.schedules;
    result_.states = report.states;
    result_.steps = report.steps;
    result_.cpu_seconds = report.cpu_seconds;
    if (report.counterexample && program_.refused().empty()) {
      tell(engine::shrink(run_, *report.counterexample));
    }
  }

  void follow(const std::string& schedule) {
    const auto steps = schedule_of(schedule);
    if (!steps) {
      program_.refuse(fmt::format("'{}' is not a schedule", schedule));
      return;
    }
    const auto again = engine::replay(run_, *steps);
    result_.runs = result_.schedules = 1;
    result_.steps = again.schedule.size();
    if (!run_.violation().empty()) {
      tell(again);
    } else if (!again.rule.empty()) {
      result_.note = again.rule;
    }
  }

  /// Says what was found.
  void tell(const engine::Counterexample& found) {
    result_.schedule = to_text(found.schedule);
    result_.diagram = engine::sequence_diagram(run_, found, [&](const engine::Delivery& delivery) {
      return in_words(run_.network(), *delivery.element);
    });
    run_.restart();
    for (const auto& step : found.schedule) {
      result_.deliveries.push_back(in_words(run_.network(), step));
      run_.take(step);
    }
    result_.problem = program_.in_detail(found.rule);
    if (!options_.trace_file.empty()) {
      result_.trace_error = write_trace(run_, found.schedule, result_.problem, options_.trace_file);
    }
  }

  const Options& options_;
  Program program_;
  engine::Run run_;
  Result result_;
};

/// CAF prints at once what actors write to `aout`, in every schedule again.
struct Utilities : caf::scheduler::abstract_coordinator {
  static void silence(caf::actor_system& system) {
    auto& coordinator = dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
    const auto nobody = system.spawn([](caf::event_based_actor*) {});
    while (coordinator.try_run_once()) {
    }
    (coordinator.*(&Utilities::utility_actors_))[printer_id] = nobody;
  }
};

/// Waits a while for threads that end by themselves. @return false if there are others
bool threads_have_ended(caf::actor_system& system) {
  for (int i = 0; i < 100 && system.detached_actors() > 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return system.detached_actors() == 0;
}

/// @return false if something of the system lives on, in a thread that nobody can end
bool explore_in(std::unique_ptr<caf::actor_system> system, const Scenario& scenario,
                const Options& options, Result& result) {
  if (system->has_middleman()) {
    result.refused =
        "the configuration loads the middleman: brokers and remote actors cannot be "
        "explored";
    return true;
  }
  Utilities::silence(*system);
  result = Explorer(*system, scenario, options).go();
  if (!threads_have_ended(*system)) {
    static_cast<void>(system.release());  // its end would wait for them
    return false;
  }
  return true;
}

std::unique_ptr<caf::actor_system> make_system(caf::actor_system_config& config) {
  config.set("scheduler.policy", caf::atom("testing"));
  return std::make_unique<caf::actor_system>(config);
}

}  // namespace

Result explore(const Scenario& scenario, const Options& options) {
  auto config = std::make_unique<caf::actor_system_config>();
  Result result;
  if (!explore_in(make_system(*config), scenario, options, result)) {
    static_cast<void>(config.release());
  }
  return result;
}

Result explore(caf::actor_system_config& config, const Scenario& scenario, const Options& options) {
  Result result;
  explore_in(make_system(config), scenario, options, result);
  return result;
}

}  // namespace nodezero::explore
