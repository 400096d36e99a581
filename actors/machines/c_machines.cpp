// SPDX-License-Identifier: BSD-3-Clause

// nodezero_hosts.h in terms of the C++ interface.

#include <chrono>
#include <memory>
#include <new>
#include <stop_token>
#include <string>
#include <utility>

#include "actors/embedding/c_calls.hpp"
#include "actors/embedding/c_model.hpp"
#include "nodezero/hosts.hpp"
#include "nodezero/nodezero_hosts.h"

struct nodezero_stop {
  std::stop_source source;
};

namespace {

using nodezero::ErrorCode;
using nodezero::fail;
using nodezero::Result;
using nodezero::c::code_of;
using nodezero::c::missing;
using nodezero::c::write_text;

std::string text_of(const char* text) {
  return text ? text : "";
}

nodezero::MachineCredentials to_credentials(const nodezero_credentials& c) {
  return {text_of(c.secret), text_of(c.certificate), text_of(c.key), text_of(c.authority)};
}

/// Fails with invalid_argument if it is no time, or none that ends.
template <class Duration>
Result<void> to_time(double seconds, const char* what, Duration& time) {
  constexpr double century = 3.2e9;
  if (!(seconds >= 0 && seconds <= century)) {
    return fail(ErrorCode::invalid_argument,
                std::string(what) + " must be from 0 to 3.2e9 seconds");
  }
  time = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
  return {};
}

/// Both structs have these.
template <class C, class Options>
Result<void> take_times(const C& c, Options& options) {
  return to_time(c.wait_seconds, "wait_seconds", options.wait).and_then([&] {
    return to_time(c.host_timeout_seconds, "host_timeout_seconds", options.host_timeout);
  });
}

Result<nodezero::ListenOptions> to_options(const nodezero_listen_options* given) {
  const auto known = nodezero::known_part(given, nodezero_listen_options_init);
  if (!known) {
    return fail(known.error());
  }
  nodezero::ListenOptions options;
  options.address = text_of(known->address);
  options.credentials = to_credentials(known->credentials);
  options.hosts = known->hosts;
  options.on_address = nodezero::telling(known->on_address, known->user);
  if (known->on_refusal) {
    options.on_refusal = [call = known->on_refusal, user = known->user](const std::string& who,
                                                                        const std::string& why) {
      call(user, who.c_str(), why.c_str());
    };
  }
  return take_times(*known, options).map([&] { return std::move(options); });
}

Result<nodezero::HostOptions> to_options(const nodezero_host_options* given) {
  const auto known = nodezero::known_part(given, nodezero_host_options_init);
  if (!known) {
    return fail(known.error());
  }
  nodezero::HostOptions options;
  options.connect = text_of(known->connect);
  options.credentials = to_credentials(known->credentials);
  options.name = text_of(known->name);
  options.threads = known->threads;
  options.memory = known->memory;
  options.listen = text_of(known->listen);
  options.on_notice = nodezero::telling(known->on_notice, known->user);
  if (known->stop) {
    options.stop = known->stop->source.get_token();
  }
  return take_times(*known, options).map([&] { return std::move(options); });
}

/// `make` returns a Result with the model.
template <class Make>
nodezero_code host(const nodezero_host_options* given, char* message, std::size_t message_size,
                   Make make) {
  return code_of(
      [&]() -> Result<void> {
        auto options = to_options(given);
        if (!options) {
          return fail(std::move(options.error()));
        }
        auto model = make();
        if (!model) {
          return fail(std::move(model.error()));
        }
        return nodezero::host(std::move(*model), std::move(*options));
      },
      [&](const std::string& text) { write_text(text, message, message_size); });
}

}  // namespace

extern "C" {

void nodezero_listen_options_init(nodezero_listen_options* options, size_t size) {
  nodezero_listen_options defaults = {};
  defaults.size = size;
  defaults.address = ":4720";
  defaults.wait_seconds = 600;
  defaults.host_timeout_seconds = 5;
  nodezero::set_up(options, size, defaults);
}

void nodezero_host_options_init(nodezero_host_options* options, size_t size) {
  nodezero_host_options defaults = {};
  defaults.size = size;
  defaults.listen = ":0";
  defaults.wait_seconds = 600;
  defaults.host_timeout_seconds = 5;
  nodezero::set_up(options, size, defaults);
}

nodezero_code nodezero_listen(const nodezero_listen_options* options, nodezero_machines** machines,
                              char* message, size_t message_size) {
  return code_of(
      [&]() -> Result<void> {
        if (!machines) {
          return missing("the place for the machines");
        }
        *machines = nullptr;
        auto known = to_options(options);
        if (!known) {
          return fail(std::move(known.error()));
        }
        auto made = nodezero::listen(std::move(*known));
        if (!made) {
          return fail(std::move(made.error()));
        }
        *machines = new nodezero_machines{std::move(*made)};
        return {};
      },
      [&](const std::string& text) { write_text(text, message, message_size); });
}

void nodezero_machines_destroy(nodezero_machines* machines) {
  delete machines;
}

nodezero_stop* nodezero_stop_create(void) {
  return new (std::nothrow) nodezero_stop;
}

void nodezero_stop_request(nodezero_stop* stop) {
  if (stop) {
    stop->source.request_stop();
  }
}

void nodezero_stop_destroy(nodezero_stop* stop) {
  delete stop;
}

nodezero_code nodezero_host(const nodezero_model* model, const nodezero_host_options* options,
                            char* message, size_t message_size) {
  return host(options, message, message_size, [&] { return nodezero::make_c_model(model); });
}

nodezero_code nodezero_host_perceptron(const int64_t* sizes, size_t size_count,
                                       const nodezero_host_options* options, char* message,
                                       size_t message_size) {
  return host(options, message, message_size,
              [&] { return nodezero::make_c_perceptron(sizes, size_count); });
}

nodezero_code nodezero_host_language_model(const nodezero_language_model* model,
                                           const nodezero_host_options* options, char* message,
                                           size_t message_size) {
  return host(options, message, message_size,
              [&] { return nodezero::make_c_language_model(model); });
}

}  // extern "C"
