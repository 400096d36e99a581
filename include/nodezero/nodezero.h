/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Node Zero for programs in C99 and in any language that can call C: a model that learns inside a
 * host program, which stays in control.
 *
 * - Handles are opaque and are freed by nodezero_destroy.
 * - Functions return a code; nodezero_last_error() returns the sentence for people. Calls with
 *   a NULL trainer return NODEZERO_INVALID_ARGUMENT, without a sentence.
 * - The caller's structs begin with their size, which the caller passes to the `_init` function, so
 *   that programs keep working when a later version appends members. Structs passed to callbacks
 *   belong to the library, are const, and have no size.
 * - Data is copied into and out of the caller's buffers.
 * - `status` may be NULL, except in nodezero_get_status. If it was not set up by
 *   nodezero_status_init, the call returns NODEZERO_INVALID_ARGUMENT and does nothing.
 * - The library prints nothing, handles no signals, never ends the process, and starts no threads
 *   unless NODEZERO_OWN_THREADS asks for them.
 * - The host's functions are called in the default floating-point environment; the host's own is
 *   back when a call returns.
 * - In a child of fork(), calls return NODEZERO_CLOSED, unless the trainer is stepped.
 *
 * docs/embedding.md explains the concepts, and examples/c_host is a whole program.
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

/** The kind of an error. */
typedef enum nodezero_code {
  NODEZERO_OK = 0,
  NODEZERO_INVALID_ARGUMENT = 1,  /**< an option or argument that cannot work, such as NULL */
  NODEZERO_WRONG_SHAPE = 2,       /**< data whose size the model does not accept */
  NODEZERO_NOT_FINITE = 3,        /**< data containing a NaN or an infinity */
  NODEZERO_CLOSED = 4,            /**< the trainer has been closed */
  NODEZERO_WRONG_THREAD = 5,      /**< stepped, and called from another thread than created it */
  NODEZERO_WRONG_MODE = 6,        /**< this call does not exist in this way of running */
  NODEZERO_QUEUE_FULL = 7,        /**< a batch was refused, or submitting would block forever */
  NODEZERO_BUSY = 8,              /**< called from a callback or model that it would wait for */
  NODEZERO_IN_USE = 9,            /**< another trainer is using the folder */
  NODEZERO_NOT_FOUND = 10,        /**< no such file */
  NODEZERO_MALFORMED = 11,        /**< a file or state that is damaged or of another kind */
  NODEZERO_IO = 12,               /**< a file could not be read or written */
  NODEZERO_FAILED = 13,           /**< training or predict has failed; see nodezero_restore */
  NODEZERO_TIMED_OUT = 14,        /**< nodezero_wait_for_steps waited in vain */
  NODEZERO_INTERNAL = 15,         /**< an unexpected error, such as running out of memory */
  NODEZERO_BUFFER_TOO_SMALL = 16, /**< the size needed was written */
  NODEZERO_WRONG_STATE = 17,      /**< an actor's state does not accept the message */
  NODEZERO_STALE = 18,            /**< a message from another run, epoch, step or version */
  NODEZERO_UNSEALED = 19,         /**< a proof that the optimizer did not make */
  NODEZERO_CONSERVATION = 20,     /**< a step's micro-batches were not computed exactly once */
  NODEZERO_STOPPED = 21,          /**< the run ended before it could answer */
  NODEZERO_COMPONENT_LOST = 22    /**< an actor that cannot be replaced has died */
} nodezero_code;

/** Where a trainer does its work. */
typedef enum nodezero_running {
  NODEZERO_STEPPED = 0,      /**< inside nodezero_step and nodezero_advance_to, without threads */
  NODEZERO_OWN_THREADS = 1,  /**< on `threads` lanes and a few more threads of its own */
  NODEZERO_HOST_EXECUTOR = 2 /**< in jobs that the host runs, see `execute`; without threads */
} nodezero_running;

/** What happens to a batch when `queue_bound` batches are already queued. */
typedef enum nodezero_when_full {
  NODEZERO_WAIT = 0,        /**< submitting waits for room; an error if that could never happen */
  NODEZERO_DROP_OLDEST = 1, /**< the oldest batch that no step has taken is dropped */
  NODEZERO_REFUSE = 2       /**< the new batch is refused with NODEZERO_QUEUE_FULL */
} nodezero_when_full;

/** What becomes of the learning rate after the warm-up. */
typedef enum nodezero_schedule {
  NODEZERO_COSINE = 0,   /**< falls along a cosine, to min_learning_rate at the last step */
  NODEZERO_CONSTANT = 1, /**< stays */
  NODEZERO_WSD = 2       /**< stays, and falls in a straight line over the last decay_steps */
} nodezero_schedule;

/** How far a call has got. */
typedef enum nodezero_progress {
  NODEZERO_IDLE = 0,           /**< nothing to do until there are more batches */
  NODEZERO_WORKING = 1,        /**< there is more to do */
  NODEZERO_STEP_DONE = 2,      /**< the weights have a new version */
  NODEZERO_EPOCH_DONE = 3,     /**< and predictions see it */
  NODEZERO_FINISHED = 4,       /**< all of total_steps are done */
  NODEZERO_TRAINING_FAILED = 5 /**< nodezero_restore continues from an earlier state */
} nodezero_progress;

/** A model that trains inside a host program. */
typedef struct nodezero_trainer nodezero_trainer;
/** Other machines that take part in a trainer's steps; see nodezero_hosts.h. */
typedef struct nodezero_machines nodezero_machines;

/** A tensor of the host's own model. */
typedef struct nodezero_tensor {
  const char* name;     /**< UTF-8, unique within the model */
  const int64_t* shape; /**< `dimensions` positive extents; weight decay applies to 2 or more */
  size_t dimensions;
} nodezero_tensor;

/** The host's own model. With several threads, its functions are called from several at a time.
 * They must depend on nothing but their arguments and constant data that `user` points to. They
 * return 0 for success and anything else for failure. Tensors are row-major, in the order of
 * `tensors`. */
typedef struct nodezero_model {
  size_t size; /**< of this struct; set by nodezero_model_init */
  void* user;
  const nodezero_tensor* tensors; /**< copied */
  size_t tensor_count;
  /** Writes the initial weights, which are zero beforehand. May be NULL. */
  int (*initialize)(void* user, uint64_t seed, float* const* parameters);
  /** Overwrites `gradient` with the derivative of the loss's sum, and writes that sum and the count
   * to divide it by, which must be positive. */
  int (*loss_and_gradient)(void* user, const float* const* parameters, const void* batch,
                           size_t batch_size, float* const* gradient, double* loss_sum,
                           int64_t* loss_count);
  /** Writes the model's answer, `output_size` bytes. May be NULL. */
  int (*predict)(void* user, const float* const* parameters, const void* input, size_t input_size,
                 void* output, size_t output_size);
  /** What it is and in which version, UTF-8, copied: machines whose models differ in it, or in
   * their tensors, do not train together (nodezero_hosts.h). Batches cross as their bytes. NULL: "a
   * model in C". */
  const char* identity;
} nodezero_model;

/** A completed step. */
typedef struct nodezero_step_report {
  uint64_t step; /**< counted from 0, across epochs */
  uint64_t epoch;
  uint64_t version;     /**< of the weights after the step */
  double loss;          /**< the mean, with the weights before the step */
  double gradient_norm; /**< before clipping */
  double learning_rate;
} nodezero_step_report;

/** How a trainer learns: AdamW with decoupled weight decay. Defaults are in parentheses. */
typedef struct nodezero_options {
  size_t size; /**< of this struct; set by nodezero_options_init together with the defaults */
  nodezero_running running;     /**< (NODEZERO_STEPPED) */
  uint32_t threads;             /**< lanes that compute at once, at most 1,024 (1); stepped: 1 */
  uint32_t spheres;             /**< workers of the tree, at most 1,000,000 (3) */
  uint32_t symmetry;            /**< most children of a sphere, 2 to 65,536 (12) */
  uint32_t micro_batches;       /**< batches per step, at most 1,000,000 (1) */
  uint64_t steps_in_epoch;      /**< predictions see new weights at the end of an epoch (10) */
  uint64_t total_steps;         /**< finish after these; 0: as long as there are batches (0) */
  uint64_t seed;                /**< of the initial weights (1337) */
  double learning_rate;         /**< (0.001) */
  double min_learning_rate;     /**< at the last of total_steps; at most learning_rate (0.0001) */
  uint64_t warmup;              /**< steps during which the rate rises to learning_rate (0) */
  double beta1;                 /**< (0.9) */
  double beta2;                 /**< (0.99) */
  double epsilon;               /**< (1e-8) */
  double weight_decay;          /**< (0) */
  double clip;                  /**< largest global norm of a gradient; 0: no clipping (1) */
  size_t queue_bound;           /**< most batches in the queue, at least micro_batches (64) */
  nodezero_when_full when_full; /**< (NODEZERO_WAIT) */
  double time_per_step;         /**< in the host's time; 0: a step takes no time (0) */
  /** For states with names; no other trainer may use it meanwhile. A relative path is resolved when
   * the trainer is created. NULL: no such states (NULL). */
  const char* folder;
  void (*on_step)(void* user, const nodezero_step_report* report); /**< may be NULL */
  void (*on_notice)(void* user, const char* text);                 /**< may be NULL */
  void* user;                                                      /**< for the callbacks */
  /** For NODEZERO_HOST_EXECUTOR, otherwise NULL. Must have `job(argument)` called once, soon, on
   * any thread; it is itself called from any thread. A job waits for no other job and does nothing
   * once the trainer is gone, or when it is called again; one that is never called is kept. */
  void (*execute)(void* user, void (*job)(void* argument), void* argument);
  double start_time; /**< the host's time before the first step, such as its Unix time (0) */
  nodezero_schedule schedule; /**< (NODEZERO_COSINE) */
  uint64_t decay_steps;       /**< of NODEZERO_WSD; 0: a tenth of total_steps (0) */
  /** Not 0: states of another version of the library's arithmetic are restored as well. What they
   * become is not what a run from the start would have become (0). */
  int accept_other_arithmetic;
  /** For NODEZERO_OWN_THREADS: other machines that take part, made by nodezero_listen
   * (nodezero_hosts.h) (NULL). */
  nodezero_machines* machines;
} nodezero_options;

/** The state of a trainer. */
typedef struct nodezero_status {
  size_t size; /**< of this struct; set by nodezero_status_init. No more than that is written. */
  nodezero_progress progress;
  double time;            /**< reached by nodezero_advance_to */
  uint64_t steps;         /**< done so far, across epochs */
  uint64_t epochs;        /**< done so far */
  uint64_t version;       /**< of the weights */
  double loss;            /**< of the last step */
  uint64_t taken;         /**< submitted batches used by the steps so far */
  uint64_t waiting;       /**< submitted batches that no step has taken */
  uint64_t dropped;       /**< by NODEZERO_DROP_OLDEST */
  uint64_t threads;       /**< live threads that the trainer has started; they are: */
  uint32_t lanes;         /**< these compute */
  uint32_t observers;     /**< one, which calls on_step and on_notice */
  uint32_t checkpointers; /**< one, which holds the last version's state */
  uint32_t workers;       /**< of the actor system: one, for all other actors */
  uint32_t clocks;        /**< of the actor system: one, for timeouts */
  uint32_t printers;      /**< of the actor system: none any more */
} nodezero_status;

/** Writes the defaults. `size` is the size of the caller's struct:
 * nodezero_options_init(&options, sizeof options). */
NODEZERO_EXPORT void nodezero_options_init(nodezero_options* options, size_t size);
/** The same for a model; everything else in it becomes zero. */
NODEZERO_EXPORT void nodezero_model_init(nodezero_model* model, size_t size);
/** The same for a status. */
NODEZERO_EXPORT void nodezero_status_init(nodezero_status* status, size_t size);

/** Creates a trainer for the host's own model. `message`, if not NULL, receives the error as a
 * string cut off at `message_size` bytes. */
NODEZERO_EXPORT nodezero_code nodezero_create(const nodezero_model* model,
                                              const nodezero_options* options,
                                              nodezero_trainer** trainer, char* message,
                                              size_t message_size);

/** Creates a trainer for a multilayer perceptron for regression. `sizes` go from inputs to
 * outputs: {9, 32, 2} has one hidden layer of 32. */
NODEZERO_EXPORT nodezero_code nodezero_create_perceptron(const int64_t* sizes, size_t size_count,
                                                         const nodezero_options* options,
                                                         nodezero_trainer** trainer, char* message,
                                                         size_t message_size);

/** The sizes of a GPT-2, the language model that the program `nodezero` trains. */
typedef struct nodezero_language_model {
  size_t size;        /**< of this struct; set by nodezero_language_model_init */
  int64_t layers;     /**< (4) */
  int64_t heads;      /**< must divide the width (4) */
  int64_t width;      /**< (128) */
  int64_t context;    /**< most tokens of a window (64) */
  int64_t vocabulary; /**< token ids are below it (256) */
} nodezero_language_model;

/** Writes the defaults. */
NODEZERO_EXPORT void nodezero_language_model_init(nodezero_language_model* model, size_t size);

/** Creates a trainer for a language model. */
NODEZERO_EXPORT nodezero_code nodezero_create_language_model(const nodezero_language_model* model,
                                                             const nodezero_options* options,
                                                             nodezero_trainer** trainer,
                                                             char* message, size_t message_size);

/** Closes and frees the trainer; NULL is allowed. Inside one of the trainer's own callbacks, it
 * happens when the callback returns. */
NODEZERO_EXPORT void nodezero_destroy(nodezero_trainer* trainer);

/** Writes the error of the last failed call with this trainer, on any thread, as a string cut off
 * at `size` bytes. */
NODEZERO_EXPORT void nodezero_last_error(const nodezero_trainer* trainer, char* message,
                                         size_t size);
/** Writes why training has failed (NODEZERO_TRAINING_FAILED), or an empty string if it has not. */
NODEZERO_EXPORT void nodezero_failure(const nodezero_trainer* trainer, char* message, size_t size);

/** Adds a batch for the host's own model to the queue: `size` bytes, which are copied. */
NODEZERO_EXPORT nodezero_code nodezero_submit(nodezero_trainer* trainer, const void* batch,
                                              size_t size);
/** The same for a perceptron: inputs [examples, inputs], targets [examples, outputs]. */
NODEZERO_EXPORT nodezero_code nodezero_submit_examples(nodezero_trainer* trainer, size_t examples,
                                                       const float* inputs, const float* targets);

/** The same for a language model: token ids [sequences, context], and for each the one that follows
 * it, or -1 if that is not learned. */
NODEZERO_EXPORT nodezero_code nodezero_submit_tokens(nodezero_trainer* trainer, size_t sequences,
                                                     size_t context, const int32_t* inputs,
                                                     const int32_t* targets);

/** Stepped only: handles at most `budget` messages (at least 1; computing a batch is one message).
 * Returns early at the end of a step and when nothing is left to do. */
NODEZERO_EXPORT nodezero_code nodezero_step(nodezero_trainer* trainer, uint64_t budget,
                                            nodezero_status* status);
/** Stepped only: does as many steps as fit into the host's time up to `time` and as there are
 * batches for. The status says which time was reached. `time` must not lie before the time already
 * reached. */
NODEZERO_EXPORT nodezero_code nodezero_advance_to(nodezero_trainer* trainer, double time,
                                                  nodezero_status* status);
/** Not stepped: waits until `steps` steps are done, counted across epochs, or the trainer finishes
 * or fails; NODEZERO_TIMED_OUT after `timeout_ms` milliseconds. */
NODEZERO_EXPORT nodezero_code nodezero_wait_for_steps(nodezero_trainer* trainer, uint64_t steps,
                                                      uint64_t timeout_ms, nodezero_status* status);
/** The current state. Never waits. */
NODEZERO_EXPORT nodezero_code nodezero_get_status(const nodezero_trainer* trainer,
                                                  nodezero_status* status);

/** Predicts with the host's own model and the weights at the end of the last epoch. `version`
 * receives their version and may be NULL. */
NODEZERO_EXPORT nodezero_code nodezero_predict(nodezero_trainer* trainer, const void* input,
                                               size_t input_size, void* output, size_t output_size,
                                               uint64_t* version);
/** The same for a perceptron: inputs [examples, inputs], outputs [examples, outputs]. */
NODEZERO_EXPORT nodezero_code nodezero_predict_examples(nodezero_trainer* trainer, size_t examples,
                                                        const float* inputs, float* outputs,
                                                        uint64_t* version);

/** A text to continue. */
typedef struct nodezero_prompt {
  size_t size;           /**< of this struct; set by nodezero_prompt_init */
  const int32_t* tokens; /**< at least one; only the last `context` are used */
  size_t token_count;
  int64_t count;      /**< tokens to generate, at most 1,000,000 (0) */
  double temperature; /**< 0 always takes the likeliest token (0.8) */
  int64_t top_k;      /**< 0: no limit (0) */
  double top_p;       /**< 1: no limit (1) */
  uint64_t seed;      /**< (1337) */
} nodezero_prompt;

/** Writes the defaults. */
NODEZERO_EXPORT void nodezero_prompt_init(nodezero_prompt* prompt, size_t size);

/** A text that is being generated. It may outlive its trainer. */
typedef struct nodezero_text nodezero_text;

/** What nodezero_next_token writes behind the last token. */
#define NODEZERO_END_OF_TEXT (-1)

/** Begins to generate a text with a language model and the weights at the end of the last epoch. It
 * goes on beside the training, from these weights to its end, and is freed by
 * nodezero_destroy_text. */
NODEZERO_EXPORT nodezero_code nodezero_generate(nodezero_trainer* trainer,
                                                const nodezero_prompt* prompt,
                                                nodezero_text** text);
/** Waits for the next token; a stepped trainer computes it meanwhile. nodezero_last_error of the
 * trainer has the sentence if it fails. */
NODEZERO_EXPORT nodezero_code nodezero_next_token(nodezero_text* text, int32_t* token);
/** The version of the weights; 0 before the first token. */
NODEZERO_EXPORT uint64_t nodezero_text_version(const nodezero_text* text);
/** Frees the text; NULL is allowed. If it has not ended, no more of it is computed. */
NODEZERO_EXPORT void nodezero_destroy_text(nodezero_text* text);

/** Writes the state at the end of the last step into `buffer` and its size into `size`, which must
 * hold the buffer's size beforehand. If the buffer is NULL or too small, only the size is written.
 * All states of a model have the same size, so a buffer of that size will do even if training goes
 * on meanwhile. */
NODEZERO_EXPORT nodezero_code nodezero_save(nodezero_trainer* trainer, void* buffer, size_t* size);
/** Continues from a state of this model. Queued batches are dropped: submit again from the status'
 * `taken` on. After an error nothing has changed. */
NODEZERO_EXPORT nodezero_code nodezero_restore(nodezero_trainer* trainer, const void* state,
                                               size_t size);
/** nodezero_save to a file in the options' folder, completely or not at all. */
NODEZERO_EXPORT nodezero_code nodezero_save_file(nodezero_trainer* trainer, const char* name);
/** nodezero_restore from such a file. */
NODEZERO_EXPORT nodezero_code nodezero_restore_file(nodezero_trainer* trainer, const char* name);

/** Ends the trainer. Waiting calls return NODEZERO_CLOSED, and so do all later ones. */
NODEZERO_EXPORT nodezero_code nodezero_close(nodezero_trainer* trainer);

#ifdef __cplusplus
}
#endif

#endif
