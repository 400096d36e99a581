#include "tests/layers/layer_rules.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>
#include <stdexcept>

#include <fmt/format.h>

#include "tests/layers/blank_comments.hpp"

namespace nodezero::layers {

namespace {

struct Layer {
  std::string_view folder;
  std::vector<std::string_view> below;  ///< what it may include beside itself
};

const std::vector<Layer>& layers() {
  static const std::vector<Layer> all = {
      {"include", {}},
      {"model", {"include"}},
      {"runtime", {}},
      {"actors", {"include", "model", "runtime"}},
      {"apps", {"include", "model", "runtime", "actors"}},
      {"bench", {"include", "model", "runtime", "actors", "apps"}},
  };
  return all;
}

/// The layer of that name; null for folders that are none, such as tests.
const Layer* find_layer(std::string_view folder) {
  const auto found = std::find_if(layers().begin(), layers().end(),
                                  [&](const Layer& layer) { return layer.folder == folder; });
  return found == layers().end() ? nullptr : &*found;
}

/// Ways to start a thread, or to have one started.
constexpr std::array<std::string_view, 8> thread_starters = {
    "std::thread",  "std::jthread", "std::async", "pthread_create",
    "omp parallel", "<thread>",     "<future>",   "<pthread.h>",
};

/// Stands for a program of somebody else's, with a build of its own.
bool is_foreign(const std::filesystem::path& file) {
  return file.string().starts_with("examples/");
}

/// Why `file` of `layer` must not have `#include <path>` or `#include "path"`; empty if it may.
std::string reason_against_include(const Layer& layer, const std::filesystem::path& file,
                                   const std::string& path, bool quoted) {
  const std::string first = path.substr(0, path.find('/'));
  // Public headers are included as those who have installed them do.
  const std::string folder = first == "nodezero" ? "include" : first;
  if (folder == "caf") {
    return file == "runtime/caf.hpp" || file == "include/nodezero/caf.hpp"
               ? ""
               : fmt::format("includes <{}>: only runtime/caf.hpp includes CAF", path);
  }
  if (folder == layer.folder) {
    return "";
  }
  if (folder == "tests") {
    return fmt::format("{} includes {}: nothing includes the tests", layer.folder, path);
  }
  if (find_layer(folder) != nullptr) {
    const bool allowed =
        std::find(layer.below.begin(), layer.below.end(), folder) != layer.below.end();
    return allowed ? "" : fmt::format("{} includes {}: it points upwards", layer.folder, path);
  }
  return quoted ? fmt::format("includes \"{}\": write a path from the root", path) : "";
}

}  // namespace

std::string to_string(const Violation& violation) {
  return fmt::format("{}:{}: {}", violation.file.string(), violation.line, violation.reason);
}

std::vector<Violation> violations_in(const std::filesystem::path& file, std::string_view text) {
  const Layer* layer = find_layer(file.begin()->string());
  if (layer == nullptr) {
    throw std::invalid_argument(file.string() + " belongs to no layer");
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
      const std::string reason =
          std::regex_match(operand, path, target)
              ? reason_against_include(*layer, file, path[2], path[1] == "\"")
              : fmt::format("includes {}: spell the path out", operand);
      if (!reason.empty()) {
        found.push_back({file, number, reason});
      }
    }
    if (layer->folder == "model") {
      for (std::string_view starter : thread_starters) {
        if (line.find(starter) != std::string::npos) {
          found.push_back({file, number, fmt::format("{}: model starts no thread", starter)});
        }
      }
    }
  }
  return found;
}

std::vector<Violation> violations_in_tree(const std::filesystem::path& root) {
  namespace fs = std::filesystem;
  std::vector<Violation> found;
  for (const Layer& layer : layers()) {
    if (!fs::is_directory(root / layer.folder)) {
      continue;
    }
    for (const auto& entry : fs::recursive_directory_iterator(root / layer.folder)) {
      if (is_foreign(fs::relative(entry.path(), root))) {
        continue;
      }
      if (entry.path().extension() == ".cpp" || entry.path().extension() == ".hpp" ||
          entry.path().extension() == ".h") {
        std::ifstream stream(entry.path(), std::ios::binary);
        const std::string text{std::istreambuf_iterator<char>(stream), {}};
        const auto more = violations_in(fs::relative(entry.path(), root), text);
        found.insert(found.end(), more.begin(), more.end());
      }
    }
  }
  return found;
}

}  // namespace nodezero::layers
