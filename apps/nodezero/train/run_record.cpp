// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/train/run_record.hpp"

#include <charconv>

#include <fmt/format.h>

#include "apps/nodezero/common.hpp"
#include "apps/nodezero/options/option_values.hpp"
#include "formats/bounded_json.hpp"
#include "model/files/atomic_file.hpp"

namespace nodezero::apps {

namespace {

constexpr const char* file_name = "run.json";
constexpr int format_version = 1;

RunRecord from_json(const nlohmann::json& json) {
  if (json.at("format").get<int>() != format_version) {
    throw CommandError(exit_bad_input, fmt::format("it has format {}, and this program reads {}",
                                                   json.at("format").dump(), format_version));
  }
  RunRecord record;
  const auto run = json.at("run").get<std::string>();
  std::from_chars(run.data(), run.data() + run.size(), record.run, 16);
  record.started = json.at("started").get<std::string>();
  record.options = options_from_json(json.at("options"));
  record.data = json.at("data");
  record.model = json.at("model");
  record.versions = json.at("versions");
  record.processor = json.at("processor");
  record.sessions = json.at("sessions");
  record.results = json.at("results");
  return record;
}

}  // namespace

std::optional<RunRecord> read_run_record(const std::filesystem::path& folder) {
  const auto path = folder / file_name;
  const auto text = model::read_file(path);
  if (!text && text.error().code == ErrorCode::not_found) {
    return std::nullopt;
  }
  const auto damaged = [&](std::string_view what) {
    return CommandError(
        exit_bad_input,
        fmt::format("'{}' is damaged: it {}; put a copy back, or choose another --out",
                    path.string(), what));
  };
  const auto json = formats::read_json(unwrap(text));
  if (!json) {
    throw damaged(json.error().message);
  }
  try {
    return from_json(*json);
  } catch (const nlohmann::json::exception&) {
    throw damaged("lacks a value, or holds one of another type");
  } catch (const CommandError& error) {
    throw CommandError(exit_bad_input,
                       fmt::format("cannot use '{}': {}", path.string(), error.what()));
  }
}

std::string text_of(const RunRecord& record) {
  const nlohmann::ordered_json json = {
      {"format", format_version},    {"run", fmt::format("{:016x}", record.run)},
      {"started", record.started},   {"options", to_json(record.options)},
      {"data", record.data},         {"model", record.model},
      {"versions", record.versions}, {"processor", record.processor},
      {"sessions", record.sessions}, {"results", record.results}};
  // Prompts and paths may hold bytes that are not UTF-8, which JSON cannot carry.
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

void write_run_record(const std::filesystem::path& folder, const RunRecord& record, int exit_code) {
  unwrap(model::write_file_atomically(folder / file_name, text_of(record)), exit_code);
}

}  // namespace nodezero::apps
