// SPDX-License-Identifier: BSD-3-Clause

// A trainer and its host, both in C.

#include <cstring>

#include "hosts/support/embedded_hosts.hpp"
#include "nodezero/nodezero_hosts.h"

namespace nodezero::test {
namespace {

/// A model in C with one weight, whose batches are one float.
int loss_in_c(void*, const float* const* parameters, const void* batch, size_t size,
              float* const* gradient, double* sum, int64_t* count) {
  float x = 0;
  if (size != sizeof x) {
    return 1;
  }
  std::memcpy(&x, batch, size);
  gradient[0][0] = 2 * (parameters[0][0] - x);
  *sum = (parameters[0][0] - x) * (parameters[0][0] - x);
  *count = 1;
  return 0;
}

TEST_F(EmbeddedHosts, WorkInC) {
  const int64_t shape[] = {1};
  const nodezero_tensor tensor = {"w", shape, 1};
  nodezero_model model;
  nodezero_model_init(&model, sizeof model);
  model.tensors = &tensor;
  model.tensor_count = 1;
  model.loss_and_gradient = loss_in_c;
  model.identity = "one weight, version 1";
  nodezero_options options;
  nodezero_options_init(&options, sizeof options);
  options.running = NODEZERO_OWN_THREADS;
  options.micro_batches = 4;
  options.total_steps = 6;
  char message[400] = "";

  const std::string secret_path = secret().string();
  nodezero_listen_options listening;
  nodezero_listen_options_init(&listening, sizeof listening);
  EXPECT_EQ(nodezero_listen(&listening, &options.machines, message, sizeof message),
            NODEZERO_INVALID_ARGUMENT);
  EXPECT_NE(std::string(message).find("machines need a secret"), std::string::npos);
  listening.address = "127.0.0.1:0";
  listening.credentials.secret = secret_path.c_str();
  listening.hosts = 1;
  listening.user = &address_;
  listening.on_address = [](void* user, const char* address) {
    *static_cast<std::string*>(user) = address;
  };

  const auto weights = [&](nodezero_machines* machines) {
    options.machines = machines;
    nodezero_trainer* trainer = nullptr;
    EXPECT_EQ(nodezero_create(&model, &options, &trainer, message, sizeof message), NODEZERO_OK)
        << message;
    std::future<int> host;
    nodezero_host_options hosting;
    nodezero_host_options_init(&hosting, sizeof hosting);
    if (machines) {
      hosting.connect = address_.c_str();
      hosting.credentials.secret = secret_path.c_str();
      hosting.name = "moon";
      host = std::async(std::launch::async, [&] {
        char why[400] = "";
        const int code = nodezero_host(&model, &hosting, why, sizeof why);
        EXPECT_STREQ(why, "");
        return code;
      });
    }
    for (int i = 0; i < 24; ++i) {
      const float x = 0.1f * static_cast<float>(i);
      EXPECT_EQ(nodezero_submit(trainer, &x, sizeof x), NODEZERO_OK);
    }
    EXPECT_EQ(nodezero_wait_for_steps(trainer, 6, 60'000, nullptr), NODEZERO_OK);
    size_t size = 0;
    nodezero_save(trainer, nullptr, &size);
    std::vector<std::byte> state(size);
    EXPECT_EQ(nodezero_save(trainer, state.data(), &size), NODEZERO_OK);
    nodezero_destroy(trainer);
    if (host.valid()) {
      EXPECT_EQ(host.get(), NODEZERO_OK);
    }
    return state;
  };
  const auto alone = weights(nullptr);
  nodezero_machines* machines = nullptr;
  ASSERT_EQ(nodezero_listen(&listening, &machines, message, sizeof message), NODEZERO_OK)
      << message;
  EXPECT_EQ(weights(machines), alone);
  nodezero_machines_destroy(machines);

  nodezero_stop* const stop = nodezero_stop_create();
  nodezero_stop_request(stop);
  nodezero_host_options hosting;
  nodezero_host_options_init(&hosting, sizeof hosting);
  hosting.connect = "127.0.0.1:1";
  hosting.credentials.secret = secret_path.c_str();
  hosting.stop = stop;
  EXPECT_EQ(nodezero_host(&model, &hosting, message, sizeof message), NODEZERO_OK) << message;
  nodezero_stop_destroy(stop);
}

}  // namespace
}  // namespace nodezero::test
