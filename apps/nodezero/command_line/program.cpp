// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <new>
#include <string>
#include <string_view>
#include <system_error>

#include <CLI/CLI.hpp>

#include "apps/nodezero/command_line/commands.hpp"
#include "apps/nodezero/common.hpp"
#include "apps/nodezero/process/out_of_memory.hpp"
#include "apps/nodezero/terminal/json_answer.hpp"
#include "formats/printable_text.hpp"
#include "model/kernels/kernels.hpp"

namespace nodezero::apps {

namespace {

/// The message on one line, even if it quotes text with line breaks.
std::string single_line(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) {
    text.pop_back();
  }
  for (char& c : text) {
    if (c == '\n' || c == '\r' || c == '\t') {
      c = ' ';
    }
  }
  return text;
}

/// Names the argument that CLI11 could not place. Once the command is known, options come first,
/// because an unknown option's value is left over as well.
std::string unknown_argument(const CLI::App& program) {
  const auto left_over = program.remaining(true);
  const auto is_option = [](const std::string& text) { return text.starts_with('-'); };
  if (program.get_subcommands().empty() && !is_option(left_over.front())) {
    return "unknown command '" + left_over.front() + "'";
  }
  const auto option = std::find_if(left_over.begin(), left_over.end(), is_option);
  return option != left_over.end() ? "unknown option '" + *option + "'"
                                   : "unexpected argument '" + left_over.front() + "'";
}

/// Says what went wrong as whoever calls the program wants to read it.
int report_error(int argc, const char* const* argv, int exit_code, const std::string& message) {
  std::cout.flush();
  std::fflush(stdout);
  if (asks_for_json(argc, argv)) {
    std::cout << json_error(argc, argv, exit_code, single_line(message)) << std::endl;
    return exit_code;
  }
  std::cerr << "nodezero: error: " << formats::escaped(single_line(message)) << std::endl;
  return exit_code;
}

std::string in_words(const std::system_error& error) {
  return error.code() == std::errc::resource_unavailable_try_again
             ? "a thread cannot be started; allow more (ulimit -u and -v, or the container's "
               "limits), "
               "or ask for fewer"
             : std::string(error.what());
}

}  // namespace

void add_json(CLI::App& command, JsonOptions& options, bool is_paged) {
  command.add_flag("--json", options.json, "Print JSON (docs/json.md), errors as well");
  if (is_paged) {
    command.add_option("--offset", options.offset, "With --json: leave out so many entries")
        ->type_name("N");
    command
        .add_option("--limit", options.limit,
                    "With --json: most entries of the answer's long list; 0: all")
        ->type_name("N")
        ->capture_default_str();
  }
}

void define_program(CLI::App& program) {
  program.name("nodezero");
  program.description("Train, sample and evaluate GPT-2 language models as a tree of actors");
  program.set_version_flag("--version", "nodezero " NODEZERO_VERSION);
  add_model_commands(program);
  add_checking_commands(program);
}

int run_program(int argc, char** argv) {
  end_where_memory_ends();
  CLI::App program;
  const auto report = [&](int exit_code, const std::string& message) {
    return report_error(argc, argv, exit_code, message);
  };
  define_program(program);
  try {
    if (const char* const kernels = std::getenv("NODEZERO_KERNELS")) {
      unwrap(model::select_kernels(kernels));
    }
    program.parse(argc, argv);
    if (program.get_subcommands().empty()) {
      return report(exit_bad_input, "no command given (see --help)");
    }
    return 0;
  } catch (const CommandError& error) {
    return report(error.exit_code(), error.what());
  } catch (const CommandExit& end) {
    return end.exit_code;
  } catch (const CLI::Success& help) {
    return program.exit(help);
  } catch (const CLI::ExtrasError&) {
    return report(exit_bad_input, unknown_argument(program) + " (see --help)");
  } catch (const CLI::ParseError& error) {
    return report(exit_bad_input, std::string(error.what()) + " (see --help)");
  } catch (const std::bad_alloc&) {
    return report(exit_failure, "out of memory");
  } catch (const std::system_error& error) {
    return report(exit_failure, in_words(error));
  } catch (const std::exception& error) {
    return report(exit_failure, error.what());
  }
}

}  // namespace nodezero::apps
