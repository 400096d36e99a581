// SPDX-License-Identifier: BSD-3-Clause
#include "verify/scenarios/suite.hpp"

#include <atomic>
#include <future>
#include <thread>

#include <fmt/format.h>

#include "verify/scenarios/lies.hpp"
#include "verify/scenarios/trees.hpp"

namespace nodezero::verify {
namespace {

Question of_tree(Scope scope, TreeText tree, std::uint64_t epochs) {
  Question question;
  question.scope = scope;
  question.tree = std::move(tree);
  question.epochs = epochs;
  return question;
}

Question of_run(std::uint32_t spheres, std::uint64_t steps) {
  Question question;
  question.spheres = spheres;
  question.steps = steps;
  return question;
}

/// One worker, unless `spheres` says otherwise; lanes answer at once.
Question of_host(std::string calls, std::uint64_t steps, std::uint32_t spheres = 1) {
  Question question = of_run(spheres, steps);
  question.scope = Scope::host;
  question.work_in_place = true;
  question.calls = std::move(calls);
  return question;
}

/// `micro_batches` of a step.
Question of_machines(std::uint32_t machines, std::uint32_t micro_batches, std::uint64_t steps) {
  Question question;
  question.scope = Scope::machines;
  question.machines = machines;
  question.micro_batches = micro_batches;
  question.steps = steps;
  return question;
}

class Suite {
 public:
  explicit Suite(bool full) : full_(full) {
    classes();
    trees();
    faults();
    liars();
    runs();
    served();
    hosts();
    machines();
    samples();
  }
  std::vector<SuiteEntry> take() { return std::move(entries_); }

 private:
  void add(std::string name, Question question, std::uint64_t schedules = 0) {
    entries_.push_back({std::move(name), std::move(question), schedules});
  }

  /// The bare epoch protocol: as many classes of schedules as the children have orders.
  void classes() {
    for (const auto& tree : {complete_tree(2, 2), complete_tree(2, 3), complete_tree(3, 2)}) {
      auto question = of_tree(Scope::bare, tree, 1);
      question.mode = Mode::classes;
      add("classes, bare, trees of 7, 15 and 13 nodes", question);
    }
  }

  void trees() {
    // Every small tree, with a gradient before each report, and with less work than workers.
    const std::uint32_t most = full_ ? 8 : 7;
    const auto name = "all trees of up to " + std::to_string(most) + " nodes, 2 epochs";
    for (std::uint32_t nodes = 1; nodes <= most; ++nodes) {
      for (const auto& tree : unordered_trees(nodes)) {
        add(name, of_tree(Scope::tree, tree, 2));
      }
    }
    for (std::uint32_t nodes = 1; nodes <= most; ++nodes) {
      for (const auto& tree : unordered_trees(nodes)) {
        auto idle = of_tree(Scope::tree, tree, 2);
        idle.micro_batches = 1;
        add("the same with 1 micro-batch a step", idle);
      }
    }
    for (std::uint32_t children = 1; children <= 12; ++children) {
      add("bare, a node of 1 to 12 children, 2 epochs",
          of_tree(Scope::bare, complete_tree(children, 1), 2));
    }
    add("15 nodes, fan-out 2, 2 epochs", of_tree(Scope::tree, complete_tree(2, 3), 2));
    add("13 nodes, fan-out 3, 2 epochs", of_tree(Scope::tree, complete_tree(3, 2), 2));
  }

  void faults() {
    const std::uint32_t most = full_ ? 5 : 4;
    for (std::uint32_t nodes = 2; nodes <= most; ++nodes) {
      for (const auto& tree : unordered_trees(nodes)) {
        auto question = of_tree(Scope::tree, tree, 1);
        question.faults = 2;
        add(fmt::format("trees of up to {} nodes, 2 deaths", most), question);
      }
    }
    for (std::uint32_t nodes = 2; nodes <= 4; ++nodes) {
      for (const auto& tree : unordered_trees(nodes)) {
        auto question = of_tree(Scope::tree, tree, 1);
        question.faults = 2;
        question.duplicates = true;
        question.timers = true;
        add("up to 4 nodes, 2 deaths, duplicates, timeouts", question);
      }
    }
  }

  /// A child that says what is not so, at any moment that its messages can come.
  void liars() {
    for (const auto& [lie, tell] : lies()) {
      for (std::uint32_t nodes = 2; nodes <= 5; ++nodes) {
        for (const auto& tree : unordered_trees(nodes)) {
          auto question = of_tree(Scope::tree, tree, 1);
          question.micro_batches = 4;
          question.lie = lie;
          add("trees of up to 5 nodes, a sphere that lies", question);
        }
      }
    }
  }

  /// All actors; a stop and an inference request at any moment.
  void runs() {
    const std::uint32_t most = full_ ? 4 : 2;
    for (std::uint32_t workers = 1; workers <= most; ++workers) {
      add("runs, 2 steps", of_run(workers, 2));
    }
    for (std::uint32_t workers = 1; workers <= most; ++workers) {
      auto question = of_run(workers, 2);
      question.inference = 1;
      add("runs, 2 steps, inference", question);
    }
    for (std::uint32_t workers = 1; workers <= most; ++workers) {
      auto question = of_run(workers, 1);
      question.epochs = 2;
      question.inference = 1;
      question.policy = "wait";
      add("runs, 2 epochs, inference, wait", question);
    }
    for (std::uint32_t workers = 1; workers <= (full_ ? 3U : 2U); ++workers) {
      auto question = of_run(workers, 2);
      question.faults = 2;
      add("runs, 2 steps, 2 deaths", question);
    }
    for (const char* policy : {"snapshot", "wait", "refuse"}) {
      for (std::uint32_t workers = 1; workers <= (full_ ? 3U : 2U); ++workers) {
        auto question = of_run(workers, 2);
        question.inference = 1;
        question.stops = 1;
        question.policy = policy;
        add(fmt::format("runs, 2 steps, stop and inference, {}", policy), question);
      }
    }
  }

  /// Clients of a server that ask, and leave, at any moment.
  void served() {
    for (const std::uint32_t leaving : {0U, 1U}) {
      auto question = of_run(1, 2);
      question.clients = 1;
      question.leaving = leaving;
      question.stops = 1;
      add("served, 2 steps, stop, 1 client", question);
    }
    auto question = of_run(1, 1);
    question.epochs = 2;
    question.work_in_place = true;
    question.clients = 2;
    question.versions = 1;
    for (const std::uint32_t leaving : full_ ? std::vector{0U, 1U, 2U} : std::vector{1U}) {
      question.leaving = leaving;
      add("served, 2 epochs, 2 clients that hold 1 version", question);
    }
    for (const Mode mode : {Mode::random, Mode::pct}) {
      auto many = of_run(4, 3);
      many.lanes = 2;
      many.epochs = 2;
      many.mode = mode;
      many.stops = 1;
      many.clients = 6;
      many.leaving = 3;
      many.versions = 2;
      add(fmt::format("served, 3 steps, stop, 6 clients, {}",
                      mode == Mode::random ? "random" : "priorities"),
          many, full_ ? 50'000 : 1'000);
    }
  }

  /// A host's calls at any moment, alone, while training waits for a batch, and two at a time.
  /// Those that end a run meet each of its messages: they have many states.
  void hosts() {
    const std::uint32_t most = full_ ? 2 : 1;
    for (std::uint32_t workers = 1; workers <= most; ++workers) {
      for (const char* calls : {"p", "b", "wp", "wb"}) {
        add("a host, 2 steps, 1 call", of_host(calls, 2, workers));
      }
    }
    const std::vector<const char*> ending =
        full_ ? std::vector{"s", "r", "c", "ws", "wr", "wc"} : std::vector{"s", "c", "ws", "wc"};
    for (const char* calls : ending) {
      add("a host, 1 step, a call that ends the run", of_host(calls, 1));
    }
    if (full_) {
      for (const char* calls : {"s", "c", "ws", "wc"}) {
        add("the same, 2 steps", of_host(calls, 2));
      }
    }
    const std::vector<const char*> pairs =
        full_ ? std::vector{"pp", "pb", "bb", "pc", "bc"} : std::vector{"pp", "pb", "bb"};
    for (const char* calls : pairs) {
      add("a host, 1 step, 2 calls", of_host(calls, 1));
    }
    for (const Mode mode : {Mode::random, Mode::pct}) {
      auto question = of_host("wwppssrrbbc", 3, 12);
      question.lanes = 2;
      question.work_in_place = false;
      question.mode = mode;
      add(fmt::format("a host, 13 nodes, 3 steps, 9 calls, {}",
                      mode == Mode::random ? "random" : "priorities"),
          question, full_ ? 20'000 : 500);
    }
  }

  /// Several machines; one that dies, is cut off or joins, at any moment.
  void machines() {
    const std::uint32_t most = full_ ? 3 : 2;
    for (std::uint32_t count = 2; count <= most; ++count) {
      const std::uint32_t micro_batches = count == 2 ? 4 : 2;
      for (std::uint32_t n = 1; n <= micro_batches; ++n) {
        add(fmt::format("{} machines, up to {} micro-batches", count, micro_batches),
            of_machines(count, n, 1));
      }
    }
    for (std::uint32_t n = 1; n <= (full_ ? 4U : 2U); ++n) {
      auto question = of_machines(2, n, 1);
      question.faults = 1;
      add("2 machines, one dies", question);
    }
    for (std::uint32_t n = 2; n <= (full_ ? 4U : 2U); ++n) {
      auto question = of_machines(2, n, 1);
      question.faults = 1;
      question.kills = false;
      question.backups = true;
      add("2 machines, one counts as slow", question);
    }
    for (std::uint32_t before = 1; before <= most - 1; ++before) {
      auto question = of_machines(before, 1, 2);
      question.joins = 1;
      add("2 steps, a machine joins", question);
    }
    if (full_) {
      auto question = of_machines(2, 2, 1);
      question.faults = 1;
      question.cuts = true;
      add("2 machines, one dies or is cut off", question);
      question = of_machines(3, 1, 1);
      question.faults = 1;
      add("3 machines, one dies", question);
    }
    for (const Mode mode : {Mode::random, Mode::pct, Mode::twice}) {
      auto question = of_machines(3, 4, 2);
      question.mode = mode;
      question.joins = 1;
      question.faults = 2;
      question.cuts = true;
      add("3 machines, one joins, 2 die or are cut off, drawn", question, full_ ? 20'000 : 200);
      question = of_machines(3, 7, 2);
      question.mode = mode;
      question.faults = 2;
      question.backups = true;
      add("3 machines, one counts as slow, one dies, drawn", question, full_ ? 20'000 : 200);
      question = of_machines(3, 3, 1);
      question.mode = mode;
      question.faults = 1;
      question.kills = false;
      question.duplicates = true;
      add("3 machines, a message comes twice, drawn", question, full_ ? 20'000 : 100);
    }
  }

  void samples() {
    for (const std::uint32_t workers : {12U, 144U}) {
      for (const Mode mode : {Mode::random, Mode::pct, Mode::twice, Mode::traced}) {
        auto question = of_run(workers, 2);
        question.lanes = 2;
        question.mode = mode;
        question.stops = 1;
        question.inference = 2;
        question.faults = 2;
        const bool is_drawn = mode == Mode::random || mode == Mode::pct;
        std::uint64_t schedules = is_drawn ? 100'000 : 1'000;
        if (!full_) {
          schedules /= workers > 12 ? 100 : 10;
        }
        const auto nodes = actors::topology(workers, 12).size();
        add(is_drawn ? fmt::format("runs of {} nodes, 2 faults, {}", nodes,
                                   mode == Mode::random ? "random" : "priorities")
                     : fmt::format("runs of {} nodes, 2 faults, each twice", nodes),
            question, schedules);
      }
    }
  }

  bool full_;
  std::vector<SuiteEntry> entries_;
};

}  // namespace

std::vector<SuiteEntry> suite(bool full) {
  return Suite(full).take();
}

void answer(const std::vector<SuiteEntry>& entries, std::uint32_t jobs,
            const std::function<bool(const SuiteEntry&, const explore::Report&)>& take) {
  using explore::Report;
  std::vector<std::promise<Report>> answers(entries.size());
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < entries.size(); i = next++) {
      try {
        explore::Bounds bounds;
        if (entries[i].schedules > 0) {
          bounds.schedules = entries[i].schedules;
        }
        answers[i].set_value(Session(entries[i].question).explore(bounds));
      } catch (...) {
        answers[i].set_exception(std::current_exception());
      }
    }
  };
  std::vector<std::jthread> threads;  // joined at the end
  for (std::uint32_t i = 0; i < jobs; ++i) {
    threads.emplace_back(work);
  }
  try {
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (!take(entries[i], answers[i].get_future().get())) {
        break;
      }
    }
  } catch (...) {
    next = entries.size();
    throw;
  }
  next = entries.size();
}

}  // namespace nodezero::verify
