// SPDX-License-Identifier: BSD-3-Clause

// What commands answer with --json, and that docs/json.md names all of it and nothing else.

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <initializer_list>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/program.hpp"
#include "tests/support/source_folder.hpp"

namespace nodezero::test {
namespace {

using nlohmann::json;

/// Pages and events are described once for all commands.
void remove_common(std::set<std::string>& names) {
  for (const char* name : {"command", "format", "page", "of", "total", "offset", "next", "event",
                           "time_ns", "kind", "actor", "peer", "type", "words"}) {
    names.erase(name);
  }
}

/// The names in what docs/json.md says of a command.
std::set<std::string> documented(const std::string& command) {
  std::ifstream page(source_folder() / "docs/json.md");
  std::set<std::string> names;
  const std::regex name("`([a-z_0-9]+)`");
  const auto row = "| `" + command + "` |";
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with(row)) {
      const std::sregex_iterator begin(line.begin() + static_cast<std::ptrdiff_t>(row.size()),
                                       line.end(), name);
      std::for_each(begin, {}, [&](const auto& found) { names.insert(found.str(1)); });
    }
  }
  remove_common(names);
  return names;
}

/// The names in an answer. Those of options are the command line's.
void add_names(const json& value, std::set<std::string>& names) {
  for (const auto& [name, member] : value.items()) {
    if (value.is_object()) {
      names.insert(name);
    }
    if (member.is_structured() && name != "options") {
      add_names(member, names);
    }
  }
}

/// What an answer has beside what all have.
std::set<std::string> names_in(const json& answer) {
  std::set<std::string> names;
  add_names(answer, names);
  remove_common(names);
  return names;
}

/// The one line that a command answers with, beside its name and form.
json answer(const Folder& folder, std::vector<std::string> arguments, const std::string& command,
            int exit_code = 0) {
  arguments.push_back("--json");
  const auto ended = run(folder, arguments);
  EXPECT_EQ(ended.exit_code, exit_code) << ended.out << ended.err;
  EXPECT_EQ(std::ranges::count(ended.out, '\n'), 1) << ended.out;
  auto parsed = json::parse(ended.out, nullptr, false);
  EXPECT_TRUE(parsed.is_object()) << ended.out;
  EXPECT_EQ(parsed.value("command", ""), command) << ended.out;
  EXPECT_EQ(parsed.value("format", 0), 1) << ended.out;
  const auto names = names_in(parsed), known = documented(command);
  EXPECT_TRUE(parsed.contains("error") || std::ranges::includes(known, names)) << ended.out;
  return parsed;
}

/// Together the answers have all that docs/json.md says.
void expect_all_documented(const std::string& command, std::initializer_list<json> answers) {
  std::set<std::string> names;
  for (const auto& one : answers) {
    names.merge(names_in(one));
  }
  EXPECT_EQ(names, documented(command)) << command;
}

std::vector<std::string> keys(const json& object) {
  std::vector<std::string> names;
  for (const auto& [name, value] : object.items()) {
    names.push_back(name);
  }
  return names;
}

TEST(Json, IsWhatTheCommandsForModelsAnswer) {
  const Folder folder;
  write_text(folder, "text.txt");
  const auto plan = answer(folder,
                           {"train", "--plan", "--data", "text.txt", "--layers", "1", "--heads",
                            "2", "--width", "8", "--context", "8"},
                           "train --plan");
  EXPECT_EQ(plan.at("memory").at("parts").at(0).at("what"), "program");
  EXPECT_GT(plan.at("steps"), 0);
  EXPECT_EQ(plan.at("machines").size(), 9u);
  EXPECT_EQ(
      keys(plan.at("machines").at(0)),
      keys({{"machines", 2}, {"bits_per_second", 1e9}, {"speedup", 1}, {"exchange_seconds", 0}}));
  expect_all_documented("train --plan", {plan});
  ASSERT_EQ(run(folder, tiny_training("out", {})).exit_code, 0);
  const auto digest = answer(folder, {"digest", "out", "--explain"}, "digest");
  EXPECT_EQ(digest.at("weights").get<std::string>().size(), 64u);
  EXPECT_EQ(digest.at("optimizer").get<std::string>().size(), 64u);
  EXPECT_EQ(digest.at("origin").at("options").at("width"), 8);
  EXPECT_EQ(run(folder, {"digest", "out"}).out.substr(11, 64), digest.at("weights"));
  expect_all_documented("digest", {digest});
  const auto loss = answer(folder, {"eval", "--model", "out", "--data", "text.txt"}, "eval");
  EXPECT_GT(loss.at("bits_per_byte"), 0);
  expect_all_documented("eval", {loss});
}

TEST(Json, OfATopologyComesInPages) {
  const Folder folder;
  const std::vector<std::string> ask = {"topology", "--spheres", "30", "--symmetry", "3"};
  const auto whole = answer(folder, ask, "topology");
  const auto total = whole.at("nodes").size();
  EXPECT_EQ(whole.at("page"),
            json({{"of", "nodes"}, {"total", total}, {"offset", 0}, {"next", nullptr}}));
  EXPECT_EQ(whole.at("nodes").at(0).at("parent"), nullptr);
  expect_all_documented("topology", {whole});
  json all = json::array();
  for (json next = 0; !next.is_null();) {
    auto page = ask;
    page.insert(page.end(), {"--limit", "7", "--offset", next.dump()});
    const auto part = answer(folder, page, "topology");
    EXPECT_LE(part.at("nodes").size(), 7u);
    all.insert(all.end(), part.at("nodes").begin(), part.at("nodes").end());
    next = part.at("page").at("next");
  }
  EXPECT_EQ(all, whole.at("nodes"));
  auto beyond = ask;
  beyond.insert(beyond.end(), {"--offset", "1000", "--limit", "0"});
  EXPECT_TRUE(answer(folder, beyond, "topology").at("nodes").empty());
}

TEST(Json, IsWhatTracesAnswer) {
  const Folder folder;
  write_text(folder, "text.txt");
  for (const std::string seed : {"1", "2"}) {
    ASSERT_EQ(run(folder, tiny_training("out" + seed, {"--seed", seed, "--steps", "3", "--trace",
                                                       seed + ".nztrace"}))
                  .exit_code,
              0);
  }
  const auto summary = answer(folder, {"trace", "summary", "1.nztrace"}, "trace summary");
  EXPECT_EQ(summary.at("incomplete"), nullptr);
  EXPECT_EQ(summary.at("epochs").at(0).at("what").get<std::string>().substr(0, 11), "begin_epoch");
  const auto check = answer(folder, {"trace", "check", "1.nztrace"}, "trace check");
  EXPECT_EQ(check.at("rules").size(), 9u);
  EXPECT_EQ(check.at("rules").at(0).at("verdict"), "holds");
  EXPECT_TRUE(check.at("violations").empty());
  const auto why = answer(folder, {"trace", "why", "1.nztrace", "60", "--limit", "2"}, "trace why");
  EXPECT_EQ(why.at("event"), 60);
  EXPECT_LT(why.at("reasons").at(0).at("event"), 60);
  const auto same = answer(folder, {"trace", "diff", "1.nztrace", "1.nztrace"}, "trace diff");
  EXPECT_EQ(same.at("equal"), true);
  EXPECT_EQ(same.at("first"), nullptr);
  const auto other = answer(folder, {"trace", "diff", "1.nztrace", "2.nztrace"}, "trace diff", 1);
  EXPECT_EQ(other.at("equal"), false);
  EXPECT_EQ(other.at("differences").at(0).at("kind"), "value");
  EXPECT_EQ(other.at("differences").at(0).at("step"), 0);
  EXPECT_EQ(other.at("first").at("sentence"), other.at("differences").at(0).at("sentence"));
  EXPECT_GT(other.at("first").at("a").size(), 2u);
  expect_all_documented("trace summary", {summary});
  // Only why a server's answer came has the last two.
  expect_all_documented("trace why", {why, {{"id", "cmpl-1"}, {"version_made", nullptr}}});
  expect_all_documented("trace diff", {other});
  EXPECT_EQ(keys(other.at("first").at("b").at(0)), keys(json{{"event", 0},
                                                             {"time_ns", 0},
                                                             {"kind", 0},
                                                             {"actor", 0},
                                                             {"peer", 0},
                                                             {"type", 0},
                                                             {"words", 0}}));
}

TEST(Json, IsWhatVerifyAnswers) {
  const Folder folder;
  const auto found = answer(folder,
                            {"verify", "--scope", "tree", "--tree", "(..)", "--mode", "random",
                             "--schedules", "20", "--pairs", "--limit", "3"},
                            "verify");
  EXPECT_EQ(found.at("asked").at(0).at("schedules"), 20);
  EXPECT_EQ(found.at("violation"), nullptr);
  EXPECT_EQ(found.at("pairs").size(), 3u);
  EXPECT_EQ(found.at("page").at("total"),
            found.at("pairs_met").get<std::size_t>() + found.at("pairs_unmet").get<std::size_t>());
}

TEST(Json, IsWhatErrorsAre) {
  const Folder folder;
  const auto error = [&](std::vector<std::string> arguments, const std::string& command) {
    return answer(folder, std::move(arguments), command, 2).at("error");
  };
  const auto missing = error({"trace", "check", "none"}, "trace check");
  EXPECT_EQ(missing.at("exit_code"), 2);
  EXPECT_EQ(missing.at("message").get<std::string>().substr(0, 14), "the trace none");
  EXPECT_NE(error({"trace", "diff", "none"}, "trace diff").at("message"), "");
  EXPECT_NE(error({"digest", "none"}, "digest").at("message"), "");
  EXPECT_NE(error({"topology", "--spheres", "0"}, "topology").at("message"), "");
  EXPECT_NE(error({"eval", "--nonsense"}, "eval").at("message"), "");
}

}  // namespace
}  // namespace nodezero::test
