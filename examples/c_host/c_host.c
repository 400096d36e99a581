/* SPDX-License-Identifier: BSD-3-Clause */
/* A simulation in C99 that a model learns from while it runs: a damped pendulum, whose state a
 * tenth of a second later the model predicts. The simulation is in control: it gives the model
 * batches and time, saves the model's state, goes on, rolls back and goes on again, to the same
 * bits. `c_host.py` is the same program in Python. */

#include <math.h>
#include <nodezero/nodezero.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { examples = 64, batches = 600 };

typedef struct state {
  float angle, speed;
} state;

static state advance(state s) {
  int i;
  for (i = 0; i < 10; ++i) {
    s.speed += 0.01f * (-9.81f * sinf(s.angle) - 0.1f * s.speed);
    s.angle += 0.01f * s.speed;
  }
  return s;
}

/* A number in [-1, 1) that depends on `index` alone. */
static float noise(unsigned index) {
  index = (index ^ (index >> 16)) * 0x45d9f3bu;
  index = (index ^ (index >> 16)) * 0x45d9f3bu;
  index ^= index >> 16;
  return (float)(index % 20000u) / 10000.0f - 1.0f;
}

static void fail_with(nodezero_trainer* trainer, const char* what) {
  char message[256];
  nodezero_last_error(trainer, message, sizeof message);
  fprintf(stderr, "%s: %s\n", what, message);
  exit(1);
}

/* Batches [first, last), a unit of time each. Returns the last step's loss. */
static double simulate(nodezero_trainer* trainer, unsigned first, unsigned last) {
  float before[2 * examples], after[2 * examples];
  nodezero_status status;
  unsigned batch, i;
  nodezero_status_init(&status, sizeof status);
  for (batch = first; batch < last; ++batch) {
    for (i = 0; i < examples; ++i) {
      const unsigned index = 2 * (batch * examples + i);
      const state s = {2.0f * noise(index), 4.0f * noise(index + 1)};
      const state next = advance(s);
      before[2 * i] = s.angle;
      before[2 * i + 1] = s.speed;
      after[2 * i] = next.angle;
      after[2 * i + 1] = next.speed;
    }
    if (nodezero_submit_examples(trainer, examples, before, after) != NODEZERO_OK) {
      fail_with(trainer, "submit");
    }
    if (nodezero_advance_to(trainer, batch + 1, &status) != NODEZERO_OK) {
      fail_with(trainer, "advance");
    }
  }
  return status.loss;
}

int main(void) {
  const int64_t sizes[] = {2, 32, 32, 2};
  nodezero_options options;
  nodezero_trainer* trainer;
  nodezero_status status;
  char message[256];
  size_t size = 0, end_size;
  void *middle, *end, *again;
  float start[2] = {1.0f, 0.0f}, learned[2];
  state truth = {1.0f, 0.0f};
  uint64_t version;

  nodezero_status_init(&status, sizeof status);
  nodezero_options_init(&options, sizeof options);
  options.learning_rate = 0.01;
  if (nodezero_create_perceptron(sizes, 4, &options, &trainer, message, sizeof message) !=
      NODEZERO_OK) {
    fprintf(stderr, "create: %s\n", message);
    return 1;
  }
  printf("Node Zero %s\n", nodezero_version());
  simulate(trainer, 0, batches / 2);
  if (nodezero_save(trainer, NULL, &size) != NODEZERO_BUFFER_TOO_SMALL) {
    fail_with(trainer, "save");
  }
  middle = malloc(size);
  end = malloc(size + 64);
  again = malloc(size + 64);
  if (nodezero_save(trainer, middle, &size) != NODEZERO_OK) {
    fail_with(trainer, "save");
  }
  printf("saved %lu bytes in the middle\n", (unsigned long)size);

  printf("loss at the end: %.6f\n", simulate(trainer, batches / 2, batches));
  end_size = size + 64;
  if (nodezero_save(trainer, end, &end_size) != NODEZERO_OK ||
      nodezero_restore(trainer, middle, size) != NODEZERO_OK) {
    fail_with(trainer, "save and restore");
  }
  nodezero_get_status(trainer, &status);
  printf("rolled back to step %lu\n", (unsigned long)status.steps);
  nodezero_destroy(trainer); /* and a new trainer goes on from there */
  if (nodezero_create_perceptron(sizes, 4, &options, &trainer, message, sizeof message) !=
          NODEZERO_OK ||
      nodezero_restore(trainer, middle, size) != NODEZERO_OK) {
    fail_with(trainer, "restore");
  }
  simulate(trainer, (unsigned)status.steps, batches);
  size += 64;
  if (nodezero_save(trainer, again, &size) != NODEZERO_OK) {
    fail_with(trainer, "save");
  }
  if (size != end_size || memcmp(end, again, size) != 0) {
    fprintf(stderr, "the second time was different\n");
    return 1;
  }
  printf("the same bits again\n");

  if (nodezero_predict_examples(trainer, 1, start, learned, &version) != NODEZERO_OK) {
    fail_with(trainer, "predict");
  }
  truth = advance(truth);
  printf("a tenth of a second later: %.4f %.4f, version %lu of the model: %.4f %.4f\n",
         (double)truth.angle, (double)truth.speed, (unsigned long)version, (double)learned[0],
         (double)learned[1]);
  nodezero_destroy(trainer);
  free(middle);
  free(end);
  free(again);
  return fabsf(truth.angle - learned[0]) < 0.1f ? 0 : 1;
}
