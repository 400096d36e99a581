// SPDX-License-Identifier: BSD-3-Clause
#include "verify/explore/replay.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace nodezero::verify::explore {
namespace {

constexpr std::string_view magic = "nodezero schedule 1\n";

}  // namespace

// -- files -------------------------------------------------------------------------------------

tl::expected<void, std::string> write_schedule(const std::filesystem::path& path,
                                               const ScheduleFile& schedule) {
  std::ofstream file(path, std::ios::binary);
  file << magic << schedule.header << '\n';
  for (const auto& step : schedule.steps) {
    const std::uint32_t word = step.packed();
    const char bytes[] = {static_cast<char>(word), static_cast<char>(word >> 8U),
                          static_cast<char>(word >> 16U), static_cast<char>(word >> 24U)};
    file.write(bytes, sizeof bytes);
  }
  file.close();
  if (!file) {
    return tl::unexpected(fmt::format("{} could not be written", path.string()));
  }
  return {};
}

tl::expected<ScheduleFile, std::string> read_schedule(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return tl::unexpected(fmt::format("{} cannot be opened", path.string()));
  }
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto end = text.find('\n', magic.size());
  if (!text.starts_with(magic) || end == std::string::npos) {
    return tl::unexpected(fmt::format("{} is not a schedule", path.string()));
  }
  ScheduleFile schedule{text.substr(magic.size(), end - magic.size()), {}};
  const std::size_t bytes = text.size() - end - 1;
  if (bytes % 4 != 0) {
    return tl::unexpected(fmt::format("{} ends in the middle of a step", path.string()));
  }
  for (std::size_t at = end + 1; at < text.size(); at += 4) {
    std::uint32_t word = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      word |= static_cast<std::uint32_t>(static_cast<unsigned char>(text[at + i])) << 8U * i;
    }
    schedule.steps.push_back(Choice::unpacked(word));
  }
  return schedule;
}

// -- replaying ---------------------------------------------------------------------------------

Counterexample replay(Run& run, const std::vector<Choice>& steps) {
  run.network().fingerprints = false;
  run.restart();
  Counterexample result;
  for (const auto& step : steps) {
    if (!run.is_possible(step)) {
      result.rule =
          fmt::format("step {} of the schedule is not possible", result.schedule.size() + 1);
      return result;
    }
    run.take(step);
    result.schedule.push_back(step);
  }
  result.rule = run.violation();
  if (result.rule.empty() && !run.at_end()) {
    result.rule = "the run goes on after the schedule's last step";
  }
  return result;
}

// -- shrinking ---------------------------------------------------------------------------------

namespace {

/// Takes the steps that are possible, then goes on to the end if `go_on`.
Counterexample attempt(Run& run, const std::vector<Choice>& steps, bool go_on) {
  run.restart();
  Counterexample result;
  const auto take = [&](Choice step) {
    run.take(step);
    result.schedule.push_back(step);
  };
  for (const auto& step : steps) {
    if (run.over()) {
      break;
    }
    if (run.is_possible(step)) {
      take(step);
    }
  }
  while (go_on && !run.at_end()) {
    take(run.choices().front());
  }
  result.rule = run.violation();
  return result;
}

}  // namespace

Counterexample shrink(Run& run, const Counterexample& found) {
  run.network().fingerprints = false;
  Counterexample best = attempt(run, found.schedule, false);
  if (best.rule != found.rule) {
    return found;
  }
  // A rule about the end of a run needs a whole one.
  const bool go_on = run.broken_at_end();
  std::vector<Choice> forced = best.schedule;
  const auto improves = [&](const std::vector<Choice>& fewer) {
    auto tried = attempt(run, fewer, go_on);
    if (tried.rule != best.rule || tried.schedule.size() > best.schedule.size()) {
      return false;
    }
    best = std::move(tried);
    forced = go_on ? fewer : best.schedule;
    return true;
  };
  for (std::size_t size = std::max<std::size_t>(forced.size() / 2, 1); size > 0;) {
    const std::size_t before = forced.size();
    for (std::size_t at = 0; at < forced.size();) {
      auto fewer = forced;
      const auto first = fewer.begin() + static_cast<std::ptrdiff_t>(at);
      fewer.erase(first, first + static_cast<std::ptrdiff_t>(std::min(size, forced.size() - at)));
      if (!improves(fewer)) {
        at += size;
      }
    }
    // Whatever became possible to leave out: until a pass of single steps finds nothing.
    size = size > 1 ? size / 2 : (forced.size() < before ? 1 : 0);
  }
  return best;
}

// -- showing -----------------------------------------------------------------------------------

namespace {

struct Shown {
  Choice step;
  std::string text;
  bool in_past = false;
};

std::string participant(const Network& network, NodeIndex node) {
  const std::string name = network.name(node);
  return node == 0 || node >= outside ? name : fmt::format("{}_{}", name, node);
}

}  // namespace

std::string sequence_diagram(Run& run, const Counterexample& found,
                             const std::function<std::string(const Delivery&)>& describe) {
  auto& network = run.network();
  network.fingerprints = false;
  network.labels = true;
  run.restart();
  std::vector<Shown> shown;
  std::vector<std::pair<std::uint32_t, std::size_t>> sent_by;
  std::vector<std::vector<std::size_t>> causes;
  std::map<NodeIndex, std::size_t> last_at;
  for (const auto& step : found.schedule) {
    Shown entry{step, "a timeout comes", false};
    std::vector<std::size_t> why;
    if (step.action == Choice::Action::kill) {
      entry.text = "ends";
    } else if (step.action != Choice::Action::timer) {
      entry.text = describe(network.next(step));
      Choice link = step;
      link.action = step.is_delivery() ? step.action : Choice::Action::deliver;
      const auto sent = std::ranges::find_if(
          sent_by, [&](const auto& pair) { return pair.first == link.packed(); });
      if (sent != sent_by.end()) {
        why.push_back(sent->second);
        sent_by.erase(sent);
      }
      if (const auto last = last_at.find(step.receiver); last != last_at.end()) {
        why.push_back(last->second);
      }
      last_at[step.receiver] = shown.size();
    } else if (!shown.empty()) {
      why.push_back(shown.size() - 1);
    }
    if (step.action == Choice::Action::duplicate) {
      entry.text += " comes twice";
      sent_by.emplace_back(step.packed(Choice::Action::deliver), shown.size());
    } else if (step.action == Choice::Action::postpone) {
      entry.text += " is late";
      sent_by.emplace_back(step.packed(Choice::Action::deliver_late), shown.size());
    } else if (step.action == Choice::Action::lose) {
      entry.text += " is lost";
    }
    run.take(step);
    for (const auto& sent : network.sent()) {
      sent_by.emplace_back(sent.link.packed(), shown.size());
    }
    shown.push_back(std::move(entry));
    causes.push_back(std::move(why));
  }
  if (!shown.empty()) {
    shown.back().in_past = true;
  }
  for (std::size_t i = shown.size(); i-- > 0;) {
    for (const std::size_t cause : shown[i].in_past ? causes[i] : std::vector<std::size_t>{}) {
      shown[cause].in_past = true;
    }
  }
  std::string text = "sequenceDiagram\n";
  for (const auto& [step, what, in_past] : shown) {
    if (in_past) {
      text += fmt::format("  {}->>{}: {}\n", participant(network, step.sender),
                          participant(network, step.receiver), what);
    }
  }
  const NodeIndex at = shown.empty() ? NodeIndex{0} : shown.back().step.receiver;
  return text + fmt::format("  Note over {}: {}\n", participant(network, at), found.rule);
}

}  // namespace nodezero::verify::explore
