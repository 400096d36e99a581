// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/hosts/hosts_command.hpp"

#include <fstream>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/nodezero/common.hpp"
#include "apps/nodezero/terminal/json_answer.hpp"
#include "formats/bounded_json.hpp"

namespace nodezero::apps {

void write_hosts(const std::filesystem::path& folder, const actors::HostsStatus& status) {
  nlohmann::json machines = nlohmann::json::array();
  for (const auto& machine : status.machines) {
    machines.push_back({{"name", machine.name},
                        {"address", machine.address},
                        {"standing", machine.standing},
                        {"lanes", machine.lanes},
                        {"micro_batches_per_second", machine.micro_batches_per_second},
                        {"micro_batches", machine.micro_batches},
                        {"steps", machine.steps},
                        {"bytes_per_second", machine.bytes_per_second}});
  }
  const nlohmann::json text{{"step", status.step},
                            {"term", status.term},
                            {"step_seconds", status.step_seconds},
                            {"exchange_seconds", status.exchange_seconds},
                            {"bytes_sent_per_step", status.bytes_sent},
                            {"machines", machines}};
  // Nothing of value: it is not synced, and a full disk does not stop the command.
  const auto temporary = folder / (std::string(hosts_file) + ".new");
  std::ofstream(temporary) << text.dump(2) << "\n";
  std::error_code ignored;
  std::filesystem::rename(temporary, folder / hosts_file, ignored);
}

namespace {

/// @throws nlohmann::json::exception
void print_table(const nlohmann::json& status) {
  fmt::print("after step {}", status.at("step").get<std::uint64_t>());
  if (const double seconds = status.at("step_seconds").get<double>(); seconds > 0) {
    const double exchange = status.at("exchange_seconds").get<double>();
    fmt::print(": {:.3g} s per step, {:.0f} % of it exchange; {:.1f} MB sent per step", seconds,
               100 * exchange / seconds, 1e-6 * status.at("bytes_sent_per_step").get<double>());
  }
  fmt::print("\n{:<20} {:>5} {:>16} {:>14} {:>10} {:>8}  {:<21} {}\n", "machine", "lanes",
             "micro-batches/s", "in this step", "link MB/s", "step", "standing", "address");
  for (const auto& machine : status.at("machines")) {
    fmt::print("{:<20} {:>5} {:>16.2f} {:>14} {:>10.1f} {:>8}  {:<21} {}\n",
               machine.at("name").get<std::string>(), machine.at("lanes").get<std::uint32_t>(),
               machine.at("micro_batches_per_second").get<double>(),
               machine.at("micro_batches").get<std::uint32_t>(),
               1e-6 * machine.at("bytes_per_second").get<double>(),
               machine.at("steps").get<std::uint64_t>(), machine.at("standing").get<std::string>(),
               machine.at("address").get<std::string>());
  }
}

}  // namespace

void hosts_command(const std::string& folder, bool json) {
  std::ifstream file(std::filesystem::path(folder) / hosts_file);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || text.empty()) {
    throw CommandError(exit_bad_input,
                       fmt::format("'{}' is not the folder of a run that listens for "
                                   "hosts (train --listen) and computes now",
                                   folder));
  }
  const auto status = unwrap(formats::read_json(text));
  if (json) {
    auto answer = json_answer("hosts");
    answer.update(status);
    print_json(answer);
    return;
  }
  try {
    print_table(status);
  } catch (const nlohmann::json::exception&) {
    throw CommandError(exit_bad_input, fmt::format("'{}/{}' is damaged", folder, hosts_file));
  }
}

}  // namespace nodezero::apps
