// SPDX-License-Identifier: BSD-3-Clause
#include "verify/scenarios/session.hpp"

#include <cmath>
#include <map>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "formats/bounded_json.hpp"
#include "runtime/actor_trace.hpp"
#include "runtime/system_config.hpp"
#include "verify/explore/exhaustive.hpp"
#include "verify/explore/repeat.hpp"
#include "verify/explore/sampling.hpp"
#include "verify/scenarios/host_scenario.hpp"
#include "verify/scenarios/lies.hpp"
#include "verify/scenarios/machines_scenario.hpp"
#include "verify/scenarios/traced_runs.hpp"
#include "verify/scenarios/trees.hpp"

namespace nodezero::verify {
namespace {

const std::map<std::string, Scope> scopes = {{"bare", Scope::bare},
                                             {"tree", Scope::tree},
                                             {"run", Scope::run},
                                             {"host", Scope::host},
                                             {"machines", Scope::machines}};
const std::map<std::string, actors::InferencePolicy> policies = {
    {"snapshot", actors::InferencePolicy::snapshot},
    {"wait", actors::InferencePolicy::wait},
    {"refuse", actors::InferencePolicy::refuse}};

template <class Value>
std::string name_of(const std::map<std::string, Value>& names, Value value) {
  for (const auto& [name, named] : names) {
    if (named == value) {
      return name;
    }
  }
  return {};
}

/// Spheres that die are replaced as long as no micro-batch has failed more often than it may.
bool may_fail(const Question& question) {
  const bool only_deaths = !question.duplicates && !question.timers;
  return question.faults > (only_deaths ? actors::RunSettings().attempts : 0);
}

std::unique_ptr<explore::Scenario> make_scenario(const Question& question) {
  Setup common;
  common.epochs = question.epochs;
  common.steps = question.steps;
  common.micro_batches = question.micro_batches;
  common.kills = question.faults > 0 && question.kills;
  common.kills_again =
      common.kills && question.mode != Mode::exhaustive && question.mode != Mode::classes;
  common.faulty = question.faults > 0 || !question.lie.empty();
  common.may_fail = may_fail(question) || !question.lie.empty();
  if (question.scope == Scope::run) {
    if (!question.tree.empty()) {
      throw std::invalid_argument(
          "a whole run has the tree of its spheres and symmetry; leave the tree out");
    }
    RunSetup setup;
    static_cast<Setup&>(setup) = common;
    setup.spheres = question.spheres;
    setup.symmetry = question.symmetry;
    setup.lanes = question.lanes;
    setup.work_in_place = question.work_in_place;
    setup.checkpoint_every = question.checkpoint_every;
    setup.evaluate_every = question.evaluate_every;
    setup.inference = question.inference;
    setup.policy = policies.at(question.policy);
    setup.stops = question.stops;
    setup.clients = question.clients;
    setup.leaving = question.leaving;
    setup.versions = question.versions;
    return std::make_unique<RunScenario>(setup);
  }
  if (question.scope == Scope::host) {
    HostSetup setup;
    static_cast<Setup&>(setup) = common;
    setup.spheres = question.spheres;
    setup.symmetry = question.symmetry;
    setup.lanes = question.lanes;
    setup.work_in_place = question.work_in_place;
    setup.calls = question.calls;
    return std::make_unique<HostScenario>(std::move(setup));
  }
  if (question.scope == Scope::machines) {
    MachinesSetup setup;
    static_cast<Setup&>(setup) = common;
    setup.machines = question.machines;
    setup.joins = question.joins;
    setup.cuts = question.faults > 0 && question.cuts;
    setup.backups = question.faults > 0 && question.backups;
    setup.doubles = question.faults > 0 && question.duplicates;
    // Hosts may die as often as they like.
    setup.may_fail = question.duplicates || question.timers;
    return std::make_unique<MachinesScenario>(setup);
  }
  TreeSetup setup;
  static_cast<Setup&>(setup) = common;
  setup.tree = question.tree.empty() ? actors::topology(question.spheres, question.symmetry)
                                     : parse_tree(question.tree, question.symmetry);
  setup.bare = question.scope == Scope::bare;
  setup.lie = question.lie.empty() ? nullptr : lies().at(question.lie);
  return std::make_unique<TreeScenario>(std::move(setup));
}

}  // namespace

const std::map<std::string, Mode>& mode_names() {
  static const std::map<std::string, Mode> names = {
      {"exhaustive", Mode::exhaustive}, {"classes", Mode::classes},
      {"random", Mode::random},         {"pct", Mode::pct},
      {"twice", Mode::twice},           {"traced", Mode::traced}};
  return names;
}

std::string Question::text() const {
  const nlohmann::json json = {{"scope", name_of(scopes, scope)},
                               {"mode", name_of(mode_names(), mode)},
                               {"tree", tree},
                               {"spheres", spheres},
                               {"symmetry", symmetry},
                               {"lanes", lanes},
                               {"work_in_place", work_in_place},
                               {"epochs", epochs},
                               {"steps", steps},
                               {"micro_batches", micro_batches},
                               {"checkpoint_every", checkpoint_every},
                               {"evaluate_every", evaluate_every},
                               {"inference", inference},
                               {"policy", policy},
                               {"stops", stops},
                               {"clients", clients},
                               {"leaving", leaving},
                               {"versions", versions},
                               {"calls", calls},
                               {"machines", machines},
                               {"joins", joins},
                               {"faults", faults},
                               {"kills", kills},
                               {"duplicates", duplicates},
                               {"timers", timers},
                               {"cuts", cuts},
                               {"backups", backups},
                               {"lie", lie},
                               {"seed", seed},
                               {"depth", depth},
                               {"reduced", reduced},
                               {"caf", CAF_VERSION},
                               {"compiler", __VERSION__}};
  return json.dump();
}

Question Question::from_text(const std::string& text) {
  try {
    const auto json = formats::read_json(text).value();
    Question question;
    question.scope = scopes.at(json.at("scope"));
    question.mode = mode_names().at(json.at("mode"));
    question.tree = json.at("tree");
    question.spheres = json.at("spheres");
    question.symmetry = json.at("symmetry");
    question.lanes = json.at("lanes");
    question.work_in_place = json.at("work_in_place");
    question.epochs = json.at("epochs");
    question.steps = json.at("steps");
    question.micro_batches = json.at("micro_batches");
    question.checkpoint_every = json.at("checkpoint_every");
    question.evaluate_every = json.at("evaluate_every");
    question.inference = json.at("inference");
    question.policy = json.at("policy");
    question.stops = json.at("stops");
    question.clients = json.value("clients", 0U);
    question.leaving = json.value("leaving", 0U);
    question.versions = json.value("versions", 0U);
    question.calls = json.value("calls", "");
    question.machines = json.value("machines", 2U);
    question.joins = json.value("joins", 0U);
    question.cuts = json.value("cuts", false);
    question.backups = json.value("backups", false);
    question.faults = json.at("faults");
    question.kills = json.at("kills");
    question.duplicates = json.at("duplicates");
    question.timers = json.at("timers");
    question.lie = json.value("lie", "");
    if (!question.lie.empty() && !lies().contains(question.lie)) {
      throw std::invalid_argument("no lie is called " + question.lie);
    }
    question.seed = json.at("seed");
    question.depth = json.at("depth");
    question.reduced = json.at("reduced");
    return question;
  } catch (const std::exception& error) {
    throw std::invalid_argument("the schedule's header is not one of this program: " +
                                std::string(error.what()));
  }
}

struct Session::State {
  struct Config : caf::actor_system_config {
    explicit Config(runtime::trace::Recorder* recorder) {
      runtime::configure(*this, runtime::Scheduling::testing);
      if (recorder) {
        runtime::attach_recorder(*this, *recorder);
      }
    }
  };

  State(const Question& question, runtime::trace::Recorder* recorder)
      : config(recorder),
        scenario(make_scenario(question)),
        run(system, *scenario, {question.faults, question.duplicates, question.timers}) {}

  Config config;
  caf::actor_system system{config};
  std::unique_ptr<explore::Scenario> scenario;
  explore::Run run;
};

Session::Session(const Question& question, runtime::trace::Recorder* recorder)
    : question_(question), state_(std::make_unique<State>(question, recorder)) {}

Session::~Session() = default;

explore::Run& Session::run() {
  return state_->run;
}

explore::Report Session::explore(const explore::Bounds& bounds) {
  auto& run = state_->run;
  switch (question_.mode) {
    case Mode::classes:
      return explore::explore_classes(run, bounds);
    case Mode::random:
      return explore::explore_randomly(run, bounds, question_.seed);
    case Mode::pct:
      return explore::explore_by_priorities(run, bounds, question_.seed, question_.depth);
    case Mode::twice:
      return explore::explore_twice(run, bounds, question_.seed);
    case Mode::traced:
      return explore_traced(question_, bounds);
    case Mode::exhaustive:
      break;
  }
  return explore::explore_all(run, bounds, question_.reduced);
}

double Session::classes_of_bare_protocol() const {
  const auto tree = question_.tree.empty() ? actors::topology(question_.spheres, question_.symmetry)
                                           : parse_tree(question_.tree, question_.symmetry);
  return std::pow(orders_of_children(tree), static_cast<double>(question_.epochs));
}

}  // namespace nodezero::verify
