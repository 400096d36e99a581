// SPDX-License-Identifier: BSD-3-Clause
#include "tests/layers/layer_rules.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include <fmt/format.h>

#include "tests/layers/blank_comments.hpp"

namespace nodezero::layers {

namespace {

/// A folder of the house and what its files may include beside themselves. An arrow that is not
/// here is a decision about the structure: draw it here and in docs/architecture.md, or move the
/// file.
struct Room {
  std::string_view folder;
  std::vector<std::string_view> below;  ///< "model/*": any room of model
};

/// The public header that every layer may use.
constexpr std::string_view errors = "include/nodezero/error.hpp";
/// What the libraries' symbols are marked with.
constexpr std::string_view exports = "include/nodezero/export.h";

const std::vector<Room>& rooms() {
  static const std::vector<Room> all = {
      {errors, {exports}},
      {exports, {}},
      {"include", {errors, exports}},
      {"include/nodezero/explore", {exports}},
      {"formats", {errors}},
      {"model", {"include", errors}},
      {"model/files", {errors}},
      {"model/kernels", {errors}},
      {"model/kernels/levels", {"model/kernels"}},
      {"model/tensors", {"include"}},
      {"model/bpe", {errors, "formats"}},
      {"model/text", {errors, "formats", "model/files", "model/bpe"}},
      {"model/gpt2", {errors, "model/kernels", "model/tensors"}},
      {"model/training",
       {"include", errors, "model/kernels", "model/tensors", "model/text", "model/gpt2"}},
      {"model/storage",
       {errors, "formats", "model/files", "model/tensors", "model/text", "model/gpt2",
        "model/training"}},
      {"model/interchange",
       {errors, "model/files", "model/tensors", "model/bpe", "model/text", "model/gpt2",
        "model/storage"}},
      {"runtime", {errors, "runtime/trace"}},
      {"runtime/network", {errors, "runtime"}},
      {"runtime/trace", {errors, "formats"}},
      {"runtime/inspect", {errors, "formats", "runtime/trace"}},
      {"actors",
       {"include", errors, "model/tensors", "model/gpt2", "model/training", "model/storage",
        "runtime", "runtime/trace"}},
      {"actors/spheres", {"actors", "model/tensors", "model/training", "runtime"}},
      {"actors/lanes", {"actors", "model/kernels", "model/storage", "model/training", "runtime"}},
      {"actors/inference", {"actors", "runtime"}},
      {"actors/run",
       {"include", errors, "actors", "actors/spheres", "actors/lanes", "actors/inference",
        "model/gpt2", "model/text", "model/training", "model/storage", "runtime"}},
      {"actors/hosts",
       {errors, "formats", "actors", "actors/spheres", "actors/lanes", "actors/run",
        "model/tensors", "model/kernels", "model/training", "model/storage", "runtime"}},
      {"actors/serving",
       {errors, "formats", "actors", "actors/inference", "actors/lanes", "actors/run", "model/gpt2",
        "model/kernels", "model/storage", "model/tensors", "model/text", "model/training",
        "runtime", "runtime/network"}},
      {"actors/machines",
       {"include", errors, "actors/embedding", "actors/hosts", "actors/run", "model/training",
        "runtime", "runtime/network", "runtime/trace"}},
      {"actors/laws", {errors, "actors", "runtime/trace", "runtime/inspect"}},
      {"actors/embedding",
       {"include", errors, "formats", "actors", "actors/run", "actors/laws", "model/files",
        "model/kernels", "model/tensors", "model/training", "model/storage", "runtime"}},
      {"verify/explore", {"runtime"}},
      {"verify/library", {"include/nodezero/explore", "runtime/trace", "verify/explore"}},
      {"verify/scenarios",
       {"formats", "actors", "actors/spheres", "actors/run", "actors/hosts", "actors/laws",
        "actors/embedding", "model/gpt2", "model/training", "runtime", "runtime/trace",
        "verify/explore"}},
      {"verify/replay",
       {"actors", "actors/run", "actors/laws", "model/storage", "runtime", "runtime/trace",
        "runtime/inspect", "verify/explore", "verify/scenarios"}},
      {"verify/mutants", {"actors/laws", "runtime/trace", "verify/explore", "verify/scenarios"}},
      {"apps/nodezero", {errors, "apps/nodezero/command_line"}},
      {"apps/nodezero/process", {"model/kernels", "runtime", "runtime/trace"}},
      {"apps/nodezero/terminal", {"formats", "apps/nodezero"}},
      {"apps/nodezero/plot", {"formats", "apps/nodezero", "apps/nodezero/terminal", "model/files"}},
      {"apps/nodezero/options",
       {errors, "apps/nodezero", "actors", "model/text", "model/training"}},
      {"apps/nodezero/train",
       {errors,
        "formats",
        "apps/nodezero",
        "apps/nodezero/process",
        "apps/nodezero/terminal",
        "apps/nodezero/options",
        "apps/nodezero/hosts",
        "apps/nodezero/plot",
        "apps/nodezero/serving",
        "actors",
        "actors/spheres",
        "actors/run",
        "actors/hosts",
        "actors/serving",
        "actors/laws",
        "model/files",
        "model/kernels",
        "model/text",
        "model/gpt2",
        "model/training",
        "model/storage",
        "runtime/network",
        "runtime/trace"}},
      {"apps/nodezero/hosts",
       {"formats", "apps/nodezero", "apps/nodezero/process", "apps/nodezero/terminal",
        "actors/hosts", "actors/laws", "actors/machines", "runtime/network", "runtime/trace"}},
      {"apps/nodezero/text",
       {"formats", "apps/nodezero", "apps/nodezero/process", "apps/nodezero/terminal",
        "apps/nodezero/options", "apps/nodezero/train", "apps/nodezero/serving", "actors/serving",
        "model/files", "model/kernels", "model/tensors", "model/text", "model/gpt2",
        "model/training", "model/storage", "model/interchange"}},
      {"apps/nodezero/serving",
       {"apps/nodezero", "apps/nodezero/process", "actors/serving", "model/files"}},
      {"apps/nodezero/trace",
       {"formats", "apps/nodezero", "apps/nodezero/process", "apps/nodezero/terminal",
        "actors/laws", "runtime/trace", "runtime/inspect"}},
      {"apps/nodezero/bench",
       {"apps/nodezero", "apps/nodezero/terminal", "apps/nodezero/options", "actors/run",
        "model/kernels", "model/tensors", "model/gpt2", "model/training"}},
      {"apps/nodezero/topology", {"apps/nodezero/terminal", "actors/spheres"}},
      {"apps/nodezero/checking",
       {"apps/nodezero", "apps/nodezero/process", "apps/nodezero/terminal", "apps/nodezero/train",
        "apps/nodezero/trace", "actors/laws", "model/storage", "runtime/trace", "runtime/inspect",
        "verify/explore", "verify/scenarios", "verify/replay"}},
      {"apps/nodezero/command_line",
       {"formats", "apps/nodezero", "apps/nodezero/process", "apps/nodezero/terminal",
        "apps/nodezero/options", "apps/nodezero/train", "apps/nodezero/text", "apps/nodezero/hosts",
        "apps/nodezero/plot", "apps/nodezero/serving", "apps/nodezero/topology",
        "apps/nodezero/bench", "apps/nodezero/trace", "apps/nodezero/checking", "model/kernels"}},
      {"apps/manual", {"apps/nodezero/command_line", "apps/nodezero/options"}},
      {"bench",
       {"include", "include/nodezero/explore", errors, "model/*", "runtime", "runtime/*", "actors",
        "actors/*", "apps/nodezero/*"}},
  };
  return all;
}

/// The innermost room that a file stands in; null for folders that are none, such as tests.
const Room* room_of(const std::filesystem::path& file) {
  for (auto folder = file; !folder.empty(); folder = folder.parent_path()) {
    for (const Room& room : rooms()) {
      if (room.folder == folder.generic_string()) {
        return &room;
      }
    }
  }
  return nullptr;
}

bool may_include(const Room& room, std::string_view other) {
  return std::any_of(room.below.begin(), room.below.end(), [&](std::string_view below) {
    return below.ends_with("/*") ? other.starts_with(below.substr(0, below.size() - 1))
                                 : other == below;
  });
}

/// The folders at the top of the tree that hold rooms, each once and in order.
std::vector<std::string> layers() {
  std::vector<std::string> all;
  for (const Room& room : rooms()) {
    std::string layer(room.folder.substr(0, room.folder.find('/')));
    if (std::find(all.begin(), all.end(), layer) == all.end()) {
      all.push_back(std::move(layer));
    }
  }
  return all;
}

/// Ways to start a thread, or to have one started.
constexpr std::array<std::string_view, 8> thread_starters = {
    "std::thread",  "std::jthread", "std::async", "pthread_create",
    "omp parallel", "<thread>",     "<future>",   "<pthread.h>",
};

bool is_source(const std::filesystem::path& file) {
  return file.extension() == ".cpp" || file.extension() == ".hpp" || file.extension() == ".h";
}

/// Why `file` of `room` must not have `#include <path>` or `#include "path"`; empty if it may.
std::string reason_against_include(const Room& room, const std::filesystem::path& file,
                                   const std::string& path, bool quoted) {
  const std::string folder = path.substr(0, path.find('/'));
  if (folder == "caf") {
    return file == "runtime/caf.hpp" || file == "runtime/network/caf_io.hpp" ||
                   file == "include/nodezero/caf.hpp" || room.folder == "include/nodezero/explore"
               ? ""
               : fmt::format("includes <{}>: only runtime/caf.hpp includes CAF", path);
  }
  if (folder == "tests") {
    return fmt::format("includes {}: nothing includes the tests", path);
  }
  // Public headers are included as those who have installed them do.
  const Room* const other = room_of(folder == "nodezero" ? "include/" + path : path);
  if (other != nullptr) {
    return other == &room || may_include(room, other->folder)
               ? ""
               : fmt::format("includes {}: {} may not use {}", path, room.folder, other->folder);
  }
  const auto all = layers();
  if (std::find(all.begin(), all.end(), folder) != all.end()) {
    return fmt::format("includes {}: it stands in no room", path);
  }
  return quoted ? fmt::format("includes \"{}\": write a path from the root", path) : "";
}

}  // namespace

std::string to_string(const Violation& violation) {
  return fmt::format("{}:{}: {}", violation.file.string(), violation.line, violation.reason);
}

std::vector<Violation> violations_in(const std::filesystem::path& file, std::string_view text) {
  const Room* room = room_of(file);
  if (room == nullptr) {
    return {{file, 1, "stands in no room"}};
  }
  static const std::regex directive(R"re(^\s*#\s*include\s*(.*?)\s*$)re");
  static const std::regex target(R"re(([<"])([^>"]+)[>"])re");
  std::vector<Violation> found;
  std::istringstream code(blank_comments_and_strings(text));
  std::size_t number = 0;
  for (std::string line; std::getline(code, line);) {
    ++number;
    std::smatch include, path;
    if (std::regex_match(line, include, directive)) {
      const std::string operand = include[1];
      const std::string reason = std::regex_match(operand, path, target)
                                     ? reason_against_include(*room, file, path[2], path[1] == "\"")
                                     : fmt::format("includes {}: spell the path out", operand);
      if (!reason.empty()) {
        found.push_back({file, number, reason});
      }
    }
    if (room->folder.starts_with("model")) {
      for (std::string_view starter : thread_starters) {
        if (line.find(starter) != std::string::npos) {
          found.push_back({file, number, fmt::format("{}: model starts no thread", starter)});
        }
      }
    }
  }
  // The mutants are a program of their own.
  if (room->folder.starts_with("apps") || room->folder == "bench" ||
      room->folder == "verify/mutants") {
    return found;
  }
  static const std::regex option(R"re((^|[^-\w])(--[a-z][-a-z]*))re");
  std::istringstream strings(blank_all_but_strings(text));
  number = 0;
  for (std::string line; std::getline(strings, line);) {
    ++number;
    std::smatch named;
    if (std::regex_search(line, named, option)) {
      found.push_back({file, number, fmt::format("{}: only apps know options", named.str(2))});
    }
  }
  return found;
}

std::vector<Violation> violations_in_tree(const std::filesystem::path& root) {
  namespace fs = std::filesystem;
  std::vector<Violation> found;
  for (const std::string& layer : layers()) {
    if (!fs::is_directory(root / layer)) {
      continue;
    }
    for (const auto& entry : fs::recursive_directory_iterator(root / layer)) {
      if (is_source(entry.path())) {
        std::ifstream stream(entry.path(), std::ios::binary);
        const std::string text{std::istreambuf_iterator<char>(stream), {}};
        const auto more = violations_in(fs::relative(entry.path(), root), text);
        found.insert(found.end(), more.begin(), more.end());
      }
    }
  }
  return found;
}

std::vector<std::string> arrows_inside_layers() {
  // apps/nodezero is the door of its layer.
  const auto layer_of = [](std::string_view folder) {
    return folder.starts_with("apps/nodezero") ? std::string_view("apps/nodezero")
                                               : folder.substr(0, folder.find('/'));
  };
  std::vector<std::string> arrows;
  for (const Room& room : rooms()) {
    for (const auto below : room.below) {
      const bool is_room =
          below != layer_of(below) && below != errors && below != exports && !below.ends_with("*");
      if (is_room && layer_of(below) == layer_of(room.folder)) {
        arrows.push_back(fmt::format("{} --> {}", room.folder, below));
      }
    }
  }
  std::sort(arrows.begin(), arrows.end());
  return arrows;
}

std::set<std::string> rooms_below(std::string_view folder) {
  std::set<std::string> found;
  std::vector<std::string_view> waiting = {folder};
  while (!waiting.empty()) {
    const auto next = waiting.back();
    waiting.pop_back();
    const auto room = std::ranges::find(rooms(), next, &Room::folder);
    for (const auto below : room == rooms().end() ? std::vector<std::string_view>{} : room->below) {
      if (found.emplace(below).second) {
        waiting.push_back(below);
      }
    }
  }
  return found;
}

std::vector<std::string> full_folders(const std::filesystem::path& root, std::size_t most) {
  namespace fs = std::filesystem;
  std::map<std::string, std::size_t> sources;
  for (const std::string& layer : layers()) {
    for (const auto& entry : fs::recursive_directory_iterator(root / layer)) {
      if (is_source(entry.path())) {
        ++sources[fs::relative(entry.path().parent_path(), root).generic_string()];
      }
    }
  }
  std::vector<std::string> full;
  for (const auto& [folder, count] : sources) {
    if (count > most) {
      full.push_back(fmt::format("{}: {} sources", folder, count));
    }
  }
  return full;
}

}  // namespace nodezero::layers
