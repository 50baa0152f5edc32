/*
 * sandbox_process: podpis-sandbox (PODPIS_TEST_SANDBOX) as a process of a test's own, and what its /control says.
 */
#ifndef PODPIS_TESTS_SANDBOX_PROCESS_H
#define PODPIS_TESTS_SANDBOX_PROCESS_H

#include <jansson.h>

struct sandbox_process;

/* In `folder`/sandbox, on a free port; options end with NULL. Ready when it returns. */
struct sandbox_process *sandbox_start(const char *folder, const char *const *options);
void sandbox_stop(struct sandbox_process *sandbox);

/* "https://127.0.0.1:PORT" */
const char *sandbox_origin(const struct sandbox_process *sandbox);
const char *sandbox_ca(const struct sandbox_process *sandbox);
/* The file with that account's password. */
const char *sandbox_password_file(struct sandbox_process *sandbox, const char *account);
/* A file of its state, by its name; until the next one is asked for. */
const char *sandbox_file(struct sandbox_process *sandbox, const char *name);
/* The one-time password that was last sent for a credential; the caller frees. */
char *sandbox_otp(const struct sandbox_process *sandbox, const char *credential);

/* How often "/csc/v2/signatures/signHash" was asked for; NULL: anything. */
long sandbox_requests(struct sandbox_process *sandbox, const char *path);
long sandbox_connections(struct sandbox_process *sandbox);
void sandbox_forget_requests(struct sandbox_process *sandbox);
/* Signatures that were made in the cloud, ever. */
long sandbox_signatures(struct sandbox_process *sandbox);

void sandbox_fault(struct sandbox_process *sandbox, const char *specification);
/* Faults that have not happened yet. */
size_t sandbox_faults(struct sandbox_process *sandbox);
void sandbox_no_faults(struct sandbox_process *sandbox);
void sandbox_advance(struct sandbox_process *sandbox, long seconds);

#endif
