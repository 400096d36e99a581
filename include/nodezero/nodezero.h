/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Node Zero for programs in C99 and in whatever calls C: a model that learns inside of a host
 * program, which stays in control.
 *
 * - Handles are opaque. Everything that has a handle's function is freed by its `_destroy`.
 * - Functions return a code; nodezero_last_error() has the sentence for people. Calls with a
 *   trainer that is NULL give NODEZERO_INVALID_ARGUMENT and no sentence.
 * - Structs of the caller's begin with their size, which the `_init` function is told and notes,
 *   so that programs go on working when a later version appends to them. What callbacks are
 *   handed is the library's, const, and needs none.
 * - Data is copied in and out of the caller's buffers.
 * - `status` may be NULL, but not in nodezero_get_status. One that was not set up by
 *   nodezero_status_init gives NODEZERO_INVALID_ARGUMENT, and nothing is done.
 * - Nothing is printed, no signal is handled, the process is never ended and no thread is
 *   started that `threads` does not ask for.
 *
 * docs/embedding.md says what the words mean, and examples/c_host is a whole program.
 */
#ifndef NODEZERO_NODEZERO_H
#define NODEZERO_NODEZERO_H

#include <stddef.h>
#include <stdint.h>

#include "nodezero/export.h"
#include "nodezero/version.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What went wrong. */
typedef enum nodezero_code {
  NODEZERO_OK = 0,
  NODEZERO_INVALID_ARGUMENT = 1,  /**< an option or argument that cannot work, such as NULL */
  NODEZERO_WRONG_SHAPE = 2,       /**< data whose size is not what the model takes */
  NODEZERO_NOT_FINITE = 3,        /**< data that holds a NaN or an infinity */
  NODEZERO_CLOSED = 4,            /**< a call after nodezero_close */
  NODEZERO_WRONG_THREAD = 5,      /**< stepped, and not the thread that created the trainer */
  NODEZERO_WRONG_MODE = 6,        /**< this way of running has no such call */
  NODEZERO_QUEUE_FULL = 7,        /**< a batch was refused, or its submitter would wait for ever */
  NODEZERO_BUSY = 8,              /**< a call from a callback or the model that would wait for it */
  NODEZERO_IN_USE = 9,            /**< another trainer works in that folder */
  NODEZERO_NOT_FOUND = 10,        /**< no such file */
  NODEZERO_MALFORMED = 11,        /**< was read, but is not what it should be */
  NODEZERO_IO = 12,               /**< a file could not be read or written */
  NODEZERO_FAILED = 13,           /**< training or predict; go on with nodezero_restore */
  NODEZERO_TIMED_OUT = 14,        /**< steps that nodezero_wait_for_steps waited for */
  NODEZERO_INTERNAL = 15,         /**< such as no memory */
  NODEZERO_BUFFER_TOO_SMALL = 16, /**< the needed size was written */
  NODEZERO_WRONG_STATE = 17,      /**< an actor's state does not accept the message */
  NODEZERO_STALE = 18,            /**< a message of another run, epoch, step or version */
  NODEZERO_UNSEALED = 19,         /**< a proof that the optimizer did not make */
  NODEZERO_CONSERVATION = 20,     /**< a step's micro-batches were not computed exactly once */
  NODEZERO_STOPPED = 21,          /**< the run ended before it could answer */
  NODEZERO_COMPONENT_LOST = 22    /**< an actor died that cannot be replaced */
} nodezero_code;

/** Where the work of a trainer is done. */
typedef enum nodezero_running {
  NODEZERO_STEPPED = 0,      /**< inside of nodezero_step and nodezero_advance_to, no thread */
  NODEZERO_OWN_THREADS = 1,  /**< `threads` lanes beside those of the actor system */
  NODEZERO_HOST_EXECUTOR = 2 /**< in jobs that the host runs: `execute`, no thread */
} nodezero_running;

/** What a submission does when `queue_bound` batches wait already. */
typedef enum nodezero_when_full {
  NODEZERO_WAIT = 0,        /**< until there is room; an error where that would be for ever */
  NODEZERO_DROP_OLDEST = 1, /**< the oldest batch that no step has taken is forgotten */
  NODEZERO_REFUSE = 2       /**< the new batch, with NODEZERO_QUEUE_FULL */
} nodezero_when_full;

/** How far a call has come. */
typedef enum nodezero_progress {
  NODEZERO_IDLE = 0,           /**< nothing can be done before there are more batches */
  NODEZERO_WORKING = 1,        /**< there is more to do */
  NODEZERO_STEP_DONE = 2,      /**< the weights have a new version */
  NODEZERO_EPOCH_DONE = 3,     /**< and predictions see it */
  NODEZERO_FINISHED = 4,       /**< all of total_steps are done */
  NODEZERO_TRAINING_FAILED = 5 /**< nodezero_restore goes on from an earlier state */
} nodezero_progress;

/** A model that trains inside of a host. */
typedef struct nodezero_trainer nodezero_trainer;

/** A tensor of a model of the host's. */
typedef struct nodezero_tensor {
  const char* name;     /**< unique in its model */
  const int64_t* shape; /**< `dimensions` positive extents; weight decay applies to 2 or more */
  size_t dimensions;
} nodezero_tensor;

/** A model of the host's. Functions are called from several threads at a time if there are
 * several; they depend on nothing but their arguments (and what `user` points to and nobody
 * writes). They return 0, or anything else to say that they have failed. Tensors are row-major,
 * in the order of `tensors`. */
typedef struct nodezero_model {
  size_t size; /**< of this struct; set by nodezero_model_init */
  void* user;
  const nodezero_tensor* tensors; /**< copied */
  size_t tensor_count;
  /** Writes the first weights, which come zeroed. May be NULL. */
  int (*initialize)(void* user, uint64_t seed, float* const* parameters);
  /** Overwrites the gradient of the loss's sum and writes sum and count (positive). */
  int (*loss_and_gradient)(void* user, const float* const* parameters, const void* batch,
                           size_t batch_size, float* const* gradient, double* loss_sum,
                           int64_t* loss_count);
  /** Writes the answer, `output_size` bytes. May be NULL. */
  int (*predict)(void* user, const float* const* parameters, const void* input, size_t input_size,
                 void* output, size_t output_size);
} nodezero_model;

/** A step that has been done. */
typedef struct nodezero_step_report {
  uint64_t step; /**< over all epochs, from 0 */
  uint64_t epoch;
  uint64_t version;     /**< of the weights after the step */
  double loss;          /**< the mean, before the step */
  double gradient_norm; /**< before clipping */
  double learning_rate;
} nodezero_step_report;

/** How a trainer learns: AdamW with decoupled weight decay. Defaults in parentheses. */
typedef struct nodezero_options {
  size_t size; /**< of this struct; set by nodezero_options_init, as are the defaults */
  nodezero_running running;     /**< (NODEZERO_STEPPED) */
  uint32_t threads;             /**< up to 1,024, that compute at once (1); stepped has one */
  uint32_t spheres;             /**< workers of the tree (3) */
  uint32_t symmetry;            /**< children of a sphere, at least 2 (12) */
  uint32_t micro_batches;       /**< batches that a step takes (1) */
  uint64_t steps_in_epoch;      /**< predictions see new weights at the end of an epoch (10) */
  uint64_t total_steps;         /**< then it is finished; 0: for as long as there are batches (0) */
  uint64_t seed;                /**< of the first weights (1337) */
  double learning_rate;         /**< (0.001) */
  double min_learning_rate;     /**< at the last of total_steps; at most learning_rate (0.0001) */
  uint64_t warmup;              /**< steps over which the rate rises to learning_rate (0) */
  double beta1;                 /**< (0.9) */
  double beta2;                 /**< (0.99) */
  double epsilon;               /**< (1e-8) */
  double weight_decay;          /**< (0) */
  double clip;                  /**< largest global norm of a gradient; 0: no clipping (1) */
  size_t queue_bound;           /**< batches that wait, at least micro_batches (64) */
  nodezero_when_full when_full; /**< (NODEZERO_WAIT) */
  double time_per_step;         /**< of the host's time, in its unit; 0: a step takes none (0) */
  /** That is this trainer's alone while it lives. NULL: no states with names. */
  const char* folder;
  void (*on_step)(void* user, const nodezero_step_report* report); /**< may be NULL */
  void (*on_notice)(void* user, const char* text);                 /**< may be NULL */
  void* user;                                                      /**< of the callbacks */
  /** For NODEZERO_HOST_EXECUTOR, else NULL: has `job(argument)` called once, soon, on any thread.
   * Is itself called from any thread. A job returns nothing, waits for no other job and does
   * nothing once the trainer is gone; one that is never called leaks. */
  void (*execute)(void* user, void (*job)(void* argument), void* argument);
} nodezero_options;

/** How far a trainer is. */
typedef struct nodezero_status {
  size_t size; /**< of this struct; set by nodezero_status_init. No more than that is written. */
  nodezero_progress progress;
  double time;            /**< that nodezero_advance_to has reached */
  uint64_t steps;         /**< done, over all epochs */
  uint64_t epochs;        /**< done */
  uint64_t version;       /**< of the weights */
  double loss;            /**< of the last step */
  uint64_t taken;         /**< submitted batches that the steps so far were made of */
  uint64_t waiting;       /**< submitted batches that no step has taken */
  uint64_t dropped;       /**< by NODEZERO_DROP_OLDEST */
  uint64_t threads;       /**< that the trainer has started and that live, in all; these are: */
  uint32_t lanes;         /**< compute */
  uint32_t observers;     /**< one, that calls on_step and on_notice */
  uint32_t checkpointers; /**< one, that holds the last version's state */
  uint32_t workers;       /**< of the actor system: one, for all other actors */
  uint32_t clocks;        /**< of the actor system: one, for timeouts */
  uint32_t printers;      /**< of the actor system: one, that never has anything to do */
} nodezero_status;

/** Writes the defaults. `size` is that of the caller's struct:
 * nodezero_options_init(&options, sizeof options). */
NODEZERO_EXPORT void nodezero_options_init(nodezero_options* options, size_t size);
/** The same for a model, of which all is zero. */
NODEZERO_EXPORT void nodezero_model_init(nodezero_model* model, size_t size);
/** The same for a status. */
NODEZERO_EXPORT void nodezero_status_init(nodezero_status* status, size_t size);

/** Creates a trainer of the host's own model. `message`, if not NULL, gets what is wrong, cut
 * off at `message_size` bytes. */
NODEZERO_EXPORT nodezero_code nodezero_create(const nodezero_model* model,
                                              const nodezero_options* options,
                                              nodezero_trainer** trainer, char* message,
                                              size_t message_size);

/** Creates a trainer of a multilayer perceptron for regression: `sizes` from its inputs to its
 * outputs. */
NODEZERO_EXPORT nodezero_code nodezero_create_perceptron(const int64_t* sizes, size_t size_count,
                                                         const nodezero_options* options,
                                                         nodezero_trainer** trainer, char* message,
                                                         size_t message_size);

/** NULL is allowed. In a callback of the trainer's it ends when the callback has returned. */
NODEZERO_EXPORT void nodezero_destroy(nodezero_trainer* trainer);

/** Writes what was wrong in the last call with this trainer that failed, in whatever thread, as
 * a string cut off at `size` bytes. */
NODEZERO_EXPORT void nodezero_last_error(const nodezero_trainer* trainer, char* message,
                                         size_t size);
/** The same for the training: why it has failed (NODEZERO_TRAINING_FAILED), or an empty string. */
NODEZERO_EXPORT void nodezero_failure(const nodezero_trainer* trainer, char* message, size_t size);

/** A batch of the host's own model: `size` bytes, which are copied. */
NODEZERO_EXPORT nodezero_code nodezero_submit(nodezero_trainer* trainer, const void* batch,
                                              size_t size);
/** A batch of a perceptron: inputs [examples, inputs], targets [examples, outputs]. */
NODEZERO_EXPORT nodezero_code nodezero_submit_examples(nodezero_trainer* trainer, size_t examples,
                                                       const float* inputs, const float* targets);

/** Stepped: handles at most `budget` messages (at least 1; one of them computes a batch) and
 * returns early at the end of a step and when nothing is left to do. */
NODEZERO_EXPORT nodezero_code nodezero_step(nodezero_trainer* trainer, uint64_t budget,
                                            nodezero_status* status);
/** Stepped: does all steps that the host's time up to `time` has room for and the batches suffice
 * for; the status has the time reached. `time` must not lie before the time reached. */
NODEZERO_EXPORT nodezero_code nodezero_advance_to(nodezero_trainer* trainer, double time,
                                                  nodezero_status* status);
/** Not stepped: waits until `steps` are done, counted from the first of all, or the trainer is
 * finished or has failed; NODEZERO_TIMED_OUT after `timeout_ms` milliseconds. */
NODEZERO_EXPORT nodezero_code nodezero_wait_for_steps(nodezero_trainer* trainer, uint64_t steps,
                                                      uint64_t timeout_ms, nodezero_status* status);
/** Waits for nothing. */
NODEZERO_EXPORT nodezero_code nodezero_get_status(const nodezero_trainer* trainer,
                                                  nodezero_status* status);

/** Asks the weights that the last epoch ended with, in the host's own model. `version`, of the
 * weights that answered, may be NULL. */
NODEZERO_EXPORT nodezero_code nodezero_predict(nodezero_trainer* trainer, const void* input,
                                               size_t input_size, void* output, size_t output_size,
                                               uint64_t* version);
/** Asks a perceptron: inputs [examples, inputs], outputs [examples, outputs]. */
NODEZERO_EXPORT nodezero_code nodezero_predict_examples(nodezero_trainer* trainer, size_t examples,
                                                        const float* inputs, float* outputs,
                                                        uint64_t* version);

/** Writes the state at the last step's end into `buffer` and its size into `size`, which holds
 * the buffer's size before. With too small a buffer, or NULL, only the size is written: it is the
 * same for all states of a model, so that a buffer of this size will do while training goes on. */
NODEZERO_EXPORT nodezero_code nodezero_save(nodezero_trainer* trainer, void* buffer, size_t* size);
/** Goes on from a state of this model. Batches that wait are forgotten: submit again from the
 * status' `taken` on. After an error everything is as it was. */
NODEZERO_EXPORT nodezero_code nodezero_restore(nodezero_trainer* trainer, const void* state,
                                               size_t size);
/** nodezero_save into a file of the folder of the options, whole or not at all. */
NODEZERO_EXPORT nodezero_code nodezero_save_file(nodezero_trainer* trainer, const char* name);
/** nodezero_restore from such a file. */
NODEZERO_EXPORT nodezero_code nodezero_restore_file(nodezero_trainer* trainer, const char* name);

/** Ends it: calls that wait return NODEZERO_CLOSED, as do all later ones. */
NODEZERO_EXPORT nodezero_code nodezero_close(nodezero_trainer* trainer);

#ifdef __cplusplus
}
#endif

#endif
