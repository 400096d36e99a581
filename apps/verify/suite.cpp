#include "apps/verify/suite.hpp"

#include <atomic>
#include <future>
#include <thread>

#include "apps/verify/trees.hpp"

namespace nodezero::apps::verify {
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
  question.symmetry = 2;
  question.steps = steps;
  return question;
}

}  // namespace

std::vector<SuiteEntry> suite(bool full) {
  std::vector<SuiteEntry> entries;
  // The bare epoch protocol: as many classes of schedules as the children have orders.
  for (const auto& tree : {complete_tree(2, 2), complete_tree(2, 3), complete_tree(3, 2)}) {
    auto question = of_tree(Scope::bare, tree, 1);
    question.mode = Mode::classes;
    entries.push_back({"classes of " + tree, question});
  }
  // Every small tree, with a gradient before each report, and with less work than workers.
  for (std::uint32_t nodes = 1; nodes <= (full ? 7U : 6U); ++nodes) {
    for (const auto& tree : unordered_trees(nodes)) {
      entries.push_back({"all trees of " + std::to_string(nodes) + " nodes, 2 epochs",
                         of_tree(Scope::tree, tree, 2)});
      auto idle = of_tree(Scope::tree, tree, 2);
      idle.micro_batches = 1;
      entries.push_back({"the same with 1 micro-batch a step", idle});
    }
  }
  // Large fan-out and depth.
  for (std::uint32_t children = 1; children <= 12; ++children) {
    entries.push_back(
        {std::string("a node of 1 to 12 children, ") + (full ? "2 epochs" : "1 epoch"),
         of_tree(Scope::bare, complete_tree(children, 1), full ? 2 : 1)});
  }
  entries.push_back(
      {"15 nodes, fan-out 2, 2 epochs", of_tree(Scope::bare, complete_tree(2, 3), 2)});
  entries.push_back(
      {"13 nodes, fan-out 3, 2 epochs", of_tree(Scope::bare, complete_tree(3, 2), 2)});
  // One and two deaths at any moment.
  for (const char* tree : {"(.)", "(..)", "((.))", "((..))", "(.(.))", "(...)"}) {
    auto question = of_tree(Scope::tree, tree, 1);
    question.faults = full ? 2 : 1;
    entries.push_back({"deaths in small trees", question});
  }
  // Whole runs: all actors, a stop and an inference request at any moment.
  for (std::uint32_t spheres = 1; spheres <= (full ? 4U : 2U); ++spheres) {
    auto question = of_run(spheres, 1);
    entries.push_back({"runs", question});
    question.stops = 1;
    entries.push_back({"runs with a stop", question});
    question.stops = 0;
    question.inference = 1;
    entries.push_back({"runs with inference", question});
  }
  for (const Mode mode : {Mode::random, Mode::pct}) {
    auto question = of_run(full ? 144 : 12, 2);
    question.symmetry = 12;
    question.lanes = 2;
    question.mode = mode;
    question.stops = 1;
    question.inference = 2;
    question.faults = 2;
    entries.push_back(
        {std::string("runs of 13 or 157 nodes by ") + (mode == Mode::pct ? "priorities" : "chance"),
         question, full ? 10'000U : 2'000U});
  }
  return entries;
}

void answer(const std::vector<SuiteEntry>& entries, std::uint32_t jobs,
            const std::function<bool(const SuiteEntry&, const runtime::explore::Report&)>& take) {
  using runtime::explore::Report;
  std::vector<std::promise<Report>> answers(entries.size());
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < entries.size(); i = next++) {
      try {
        runtime::explore::Bounds bounds;
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

}  // namespace nodezero::apps::verify
