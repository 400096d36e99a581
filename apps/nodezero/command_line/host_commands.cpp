// SPDX-License-Identifier: BSD-3-Clause

// The commands and options of runs on several machines.

#include <cstdlib>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "apps/nodezero/command_line/command_option.hpp"
#include "apps/nodezero/command_line/commands.hpp"
#include "apps/nodezero/common.hpp"
#include "apps/nodezero/hosts/cluster.hpp"
#include "apps/nodezero/hosts/host_command.hpp"
#include "apps/nodezero/hosts/hosts_command.hpp"
#include "apps/nodezero/hosts/secret_command.hpp"
#include "apps/nodezero/train/train_command.hpp"

namespace nodezero::apps {

namespace {

OptionSpec machine_option(const char* name, double least, double most, const char* description) {
  return {name, "Options", OnResume::may_change, least, most, description};
}

void add_credentials(CLI::App& command, Credentials& credentials, const char* group) {
  const auto add = [&](const char* name, std::string& file, const char* description) {
    command.add_option(name, file, description)->type_name("FILE")->group(group);
  };
  add("--secret", credentials.secret,
      "File with the secret that all machines of the run have, made by nodezero secret");
  add("--certificate", credentials.certificate,
      "In place of a secret: PEM file with this machine's certificate");
  add("--key", credentials.key, "Its key");
  add("--ca", credentials.authority, "The authority that has signed those of all machines");
}

void add_secret(CLI::App& program) {
  auto* command =
      program.add_subcommand("secret", "Make the secret that the machines of a run have in common");
  const auto print = std::make_shared<bool>(false);
  command->add_flag("--print", *print, "Print it to a terminal all the same");
  command->callback([print] { secret_command(*print); });
}

void add_host(CLI::App& program) {
  auto* command =
      program.add_subcommand("host", "Lend this machine to a run that listens for hosts");
  const auto options = std::make_shared<HostOptions>();
  command
      ->add_option("--connect", options->connect,
                   "Address of the run, such as name:4720, or its folder on a shared disk")
      ->required()
      ->type_name("ADDRESS");
  add_credentials(*command, options->credentials, "Options");
  command
      ->add_option("--name", options->name,
                   "What the run calls this host; this machine's name if "
                   "not given")
      ->type_name("NAME");
  command
      ->add_option("--listen", options->listen,
                   "Address and port for the other hosts to connect to; a free port if not given")
      ->type_name("ADDRESS");
  add_value(*command, machine_option("threads", 0, 1'024, "Computing threads; 0: one per core"),
            &options->threads);
  command
      ->add_option("--memory", options->memory,
                   "Memory that the run may take here, such as 8GB; what is available if not given")
      ->transform(CLI::AsSizeValue(true))
      ->type_name("SIZE");
  add_value(*command, machine_option("wait", 1, 1e6, "Seconds to wait for a run that is not there"),
            &options->wait_s);
  add_value(*command,
            machine_option("host-timeout", 1, 86'400,
                           "Seconds without a sign of life after which another machine is lost"),
            &options->host_timeout_s);
  command
      ->add_option("--trace", options->trace,
                   "Record every message on this machine in this file, or in NAME.nztrace if it is "
                   "a folder, for nodezero trace merge")
      ->type_name("FILE");
  add_kernels(*command);
  command->callback([options] { host_command(*options); });
}

void add_hosts(CLI::App& program) {
  auto* command = program.add_subcommand(
      "hosts", "Show the machines that compute a run that listens for hosts");
  const auto folder = std::make_shared<std::string>();
  const auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "Print one JSON object");
  command->add_option("DIR", *folder, "Folder of the run")->required()->type_name("");
  command->callback([folder, json] { hosts_command(*folder, *json); });
}

}  // namespace

void add_listening(CLI::App& command, Listening& listening) {
  constexpr auto group = "Other machines";
  command
      .add_option("--listen", listening.address,
                  "Let nodezero host on other machines take part: address and port to listen at, "
                  "such as 0.0.0.0:4720")
      ->type_name("ADDRESS")
      ->group(group);
  add_credentials(command, listening.credentials, group);
  command
      .add_option(
          "--from", listening.from,
          "With --resume, take the run up in a new --out from one of its hosts, because the "
          "machine of its root is gone")
      ->type_name("ADDRESS")
      ->group(group);
  add_value(command, machine_option("hosts", 0, 1'000, "Hosts to wait for before the first step"),
            &listening.hosts)
      ->group(group);
  add_value(command,
            machine_option("audit", 0, 1,
                           "Share of the micro-batches that two machines compute, to find those "
                           "with faulty memory; at most one per step"),
            &listening.audit)
      ->group(group);
  add_value(command, machine_option("wait", 1, 1e6, "Seconds to wait for them at most"),
            &listening.wait_s)
      ->group(group);
  add_value(command,
            machine_option("host-timeout", 1, 86'400,
                           "Seconds without a sign of life after which a host is lost"),
            &listening.host_timeout_s)
      ->group(group);
  command
      .add_option_function<std::string>(
          "--cluster",
          [&listening](const std::string& name) { listening.cluster = cluster_named(name); },
          "This command was started on every machine by slurm (srun), by mpi (mpirun) or as the "
          "pods of an index (Kubernetes): the first process is the root, the others are its hosts")
      ->check(CLI::IsMember({"slurm", "mpi", "index"}))
      ->type_name("NAME")
      ->group(group);
}

void train_as_told(const TrainRequest& request, const Listening& listening) {
  if (listening.cluster == Cluster::none) {
    train_command(request, listening);
    return;
  }
  const auto role =
      cluster_role(listening.cluster, [](const char* name) { return std::getenv(name); });
  if (role.is_root()) {
    Listening root = listening;
    if (root.address.empty()) {
      root.address = "0.0.0.0";
    }
    if (root.hosts == 0 && role.processes > 1) {
      root.hosts = role.processes - 1;
    }
    train_command(request, root);
    return;
  }
  if (role.root.empty() && request.given.out.empty()) {
    throw CommandError(exit_bad_input, "--cluster needs --out, where hosts find the root");
  }
  // With a slash: the root may not have made its folder yet.
  host_command({.connect = role.root.empty() ? request.given.out + "/" : role.root,
                .credentials = listening.credentials,
                .name = name_in_cluster(role),
                .threads = request.given.has("threads") ? request.given.values.threads : 0,
                .wait_s = listening.wait_s,
                .host_timeout_s = listening.host_timeout_s});
}

void add_host_commands(CLI::App& program) {
  add_secret(program);
  add_host(program);
  add_hosts(program);
}

}  // namespace nodezero::apps
