/* SPDX-License-Identifier: BSD-3-Clause */

/* A host of a small model, for check_library.sh: does some of everything, whatever fails, and then
 * wants to see its trainer go on, or say that it has failed and be restored.
 *
 *   library_host WAY   0: stepped, 1: own threads
 *
 * Exit code 0: it went on; 3: it did not. */
#include <stdlib.h>

#include "nodezero/nodezero.h"

static const int64_t sizes[] = {2, 4, 1};
static char state[4096];
static size_t state_size;

static nodezero_code create(int way, nodezero_trainer** trainer) {
  nodezero_options options;
  nodezero_options_init(&options, sizeof options);
  options.running = way;
  char message[300];
  return nodezero_create_perceptron(sizes, 3, &options, trainer, message, sizeof message);
}

/* Whether a step more is done within a minute. */
static int does_a_step(nodezero_trainer* trainer, int way) {
  const float inputs[] = {1, 2, 3, 4}, targets[] = {1, 2};
  nodezero_status status;
  nodezero_status_init(&status, sizeof status);
  nodezero_get_status(trainer, &status);
  const uint64_t before = status.steps;
  for (int i = 0; i < 3; ++i) {
    if (nodezero_submit_examples(trainer, 2, inputs, targets) != NODEZERO_OK) {
      return 0;
    }
  }
  if (way == NODEZERO_STEPPED) {
    nodezero_advance_to(trainer, (double)before + 1, &status);
  } else {
    nodezero_wait_for_steps(trainer, before + 1, 60000, &status);
  }
  return status.steps > before;
}

/* Whether the trainer goes on, or says that it has failed and does so when it has been restored. */
static int goes_on(nodezero_trainer* trainer, int way) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (does_a_step(trainer, way)) {
      return 1;
    }
    nodezero_status status;
    nodezero_status_init(&status, sizeof status);
    nodezero_get_status(trainer, &status);
    if (status.progress == NODEZERO_TRAINING_FAILED) {
      if (state_size == 0) {
        return 1; /* and there is nothing to restore */
      }
      if (nodezero_restore(trainer, state, state_size) != NODEZERO_OK) {
        return 0;
      }
    }
  }
  return 0;
}

int main(int count, char** values) {
  const int way = count > 1 ? atoi(values[1]) : 0;
  nodezero_trainer* trainer = NULL;
  if (create(way, &trainer) != NODEZERO_OK && create(way, &trainer) != NODEZERO_OK) {
    return 3;
  }
  for (int round = 0; round < 2; ++round) {
    does_a_step(trainer, way);
    state_size = sizeof state;
    if (nodezero_save(trainer, state, &state_size) != NODEZERO_OK) {
      state_size = 0;
    }
    const float input[] = {1, 2};
    float output[1];
    nodezero_predict_examples(trainer, 1, input, output, NULL);
  }
  const int code = goes_on(trainer, way) ? 0 : 3;
  nodezero_destroy(trainer);
  return code;
}
