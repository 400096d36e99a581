/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef NODEZERO_HOSTS_H
#define NODEZERO_HOSTS_H

/* A trainer on several machines. Who uses this links libnodezero-hosts in place of libnodezero: the
 * same library with a network. What is said in nodezero/hosts.hpp holds here too. */

#include "nodezero/nodezero.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What the machines of a run show each other to be let in: `secret`, the path of a file that
 * `nodezero secret` has made, or else three PEM files. The others are NULL. */
typedef struct nodezero_credentials {
  const char* secret;
  const char* certificate;
  const char* key;
  const char* authority;
} nodezero_credentials;

typedef struct nodezero_listen_options {
  size_t size;         /**< of this struct; set by nodezero_listen_options_init */
  const char* address; /**< "1.2.3.4:port", "name:port", ":port" or "[::1]:port" (":4720") */
  nodezero_credentials credentials;
  uint32_t hosts;              /**< without which the first step is not begun (0) */
  double wait_seconds;         /**< for them (600) */
  double host_timeout_seconds; /**< without a sign of life (5) */
  /** Where hosts can connect to; in the call that creates the trainer. May be NULL. */
  void (*on_address)(void* user, const char* address);
  /** Somebody was sent away; on a thread of the network. May be NULL. */
  void (*on_refusal)(void* user, const char* who, const char* why);
  void* user;
} nodezero_listen_options;

/** Writes the defaults. */
NODEZERO_EXPORT void nodezero_listen_options_init(nodezero_listen_options* options, size_t size);

/** Lets other machines compute a share of each step of a trainer: for nodezero_options.machines, of
 * one trainer at a time. `message`, if not NULL, receives the error as a string cut off at
 * `message_size` bytes. */
NODEZERO_EXPORT nodezero_code nodezero_listen(const nodezero_listen_options* options,
                                              nodezero_machines** machines, char* message,
                                              size_t message_size);
/** Frees the handle, not what a trainer has of it. NULL is allowed. */
NODEZERO_EXPORT void nodezero_machines_destroy(nodezero_machines* machines);

/** Asks a host to leave its run, from any thread. */
typedef struct nodezero_stop nodezero_stop;
NODEZERO_EXPORT nodezero_stop* nodezero_stop_create(void);
NODEZERO_EXPORT void nodezero_stop_request(nodezero_stop* stop);
/** Not while a host has it. NULL is allowed. */
NODEZERO_EXPORT void nodezero_stop_destroy(nodezero_stop* stop);

typedef struct nodezero_host_options {
  size_t size;         /**< of this struct; set by nodezero_host_options_init */
  const char* connect; /**< the root's address */
  nodezero_credentials credentials;
  const char* name;            /**< NULL: this machine's (NULL) */
  uint32_t threads;            /**< lanes; 0: all cores (0) */
  uint64_t memory;             /**< bytes that the run may take here; 0: what it needs (0) */
  const char* listen;          /**< for the other hosts (":0") */
  double wait_seconds;         /**< for a root that is not there (600) */
  double host_timeout_seconds; /**< without a sign of life (5) */
  /** What happens, in one line each; on several threads, one at a time. May be NULL. */
  void (*on_notice)(void* user, const char* line);
  void* user;
  const nodezero_stop* stop; /**< may be NULL */
} nodezero_host_options;

/** Writes the defaults. */
NODEZERO_EXPORT void nodezero_host_options_init(nodezero_host_options* options, size_t size);

/** Lends this machine's cores to the trainer at that address, which must have the same model.
 * Returns when that run has ended, or `stop` was requested. */
NODEZERO_EXPORT nodezero_code nodezero_host(const nodezero_model* model,
                                            const nodezero_host_options* options, char* message,
                                            size_t message_size);
NODEZERO_EXPORT nodezero_code nodezero_host_perceptron(const int64_t* sizes, size_t size_count,
                                                       const nodezero_host_options* options,
                                                       char* message, size_t message_size);
NODEZERO_EXPORT nodezero_code nodezero_host_language_model(const nodezero_language_model* model,
                                                           const nodezero_host_options* options,
                                                           char* message, size_t message_size);

#ifdef __cplusplus
}
#endif

#endif
