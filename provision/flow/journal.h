/*
 * journal: what was applied for and how far it went, on disk ($XDG_STATE_HOME/podpis/journal.db, 0600).
 *
 * A SQLite database: a row an application, an append-only list of events, and the steps that were or are
 * about to be sent, each with the idempotency key that the authority sees. A change is one durable
 * transaction that leaves an event. Several processes may use it at once; whoever works on an application
 * holds its lock (journal_lock). Nothing secret is ever in it.
 */
#ifndef PODPIS_FLOW_JOURNAL_H
#define PODPIS_FLOW_JOURNAL_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "module/support/error.h"
#include "provision/flow_state.h"

struct journal;

struct journal_blob {
	uint8_t *data; /* owned; NULL: not there */
	size_t length;
};

/* One application. Texts are owned and NULL where nothing is known. Zero it before use. */
struct journal_application {
	int64_t id;      /* ours */
	char *authority; /* section's name */
	char *remote_id; /* the authority's id; NULL until it answered */
	char *account;   /* --for */
	char *fingerprint; /* of what was asked for: authority, slot, profile, identification, signer, person */
	char *profile, *identification;
	char *person;                 /* JSON object of the person's fields */
	char *holder;                 /* full name */
	enum flow_state state;        /* what the tool calls it */
	enum flow_state remote_state; /* what the authority last said; STATE_DRAFT: nothing */
	char *words;                  /* the authority's */
	char *reason;                 /* of a return, a refusal, a failed install */
	char *fields;                 /* JSON array of {"name","reason"} */
	char *documents; /* JSON array of {"id","title","media_type","sha256","size","signer","form"} */
	int64_t actions;                  /* bits of enum authority_action */
	int64_t poll;                     /* go on asking */
	int64_t next_poll;                /* time, 0: no wish */
	char *slot_uri;                   /* the token that the key is (to be) in */
	char *key_spec;                   /* "rsa:2048" */
	char *label;                      /* CKA_LABEL of key pair and certificate */
	struct journal_blob key_reserved; /* CKA_ID chosen before the key was made */
	struct journal_blob
		key_id; /* CKA_ID that the key is to have, once its public key is known */
	struct journal_blob spki;
	char *key_uri;
	char *signer_uri; /* of the key that signed the application; NULL: none */
	struct journal_blob signer_sha256;
	struct journal_blob request; /* DER PKCS#10 */
	struct journal_blob
		subject; /* where the authority makes the key: the name that is to be certified, DER */
	struct journal_blob application; /* the JSON's exact bytes */
	struct journal_blob signature;   /* CMS over it */
	char *certificates;              /* PEM, leaf first */
	struct journal_blob certificate_sha256;
	int64_t not_after;    /* of the certificate */
	int64_t installed;    /* time, 0: not */
	int64_t acknowledged; /* receipt confirmed at the authority */
	int64_t created, updated;
	int64_t renews; /* our id of the application whose certificate this one renews; 0: none */
};

struct journal_event {
	int64_t id, application, at;
	char *kind;   /* "drafted", "key-made", "submitted", … */
	char *detail; /* JSON or NULL */
};

/* A step that is sent to the authority, written down before. */
struct journal_step {
	int64_t id;
	char *name;            /* "submit", "upload", … */
	char *idempotency_key; /* UUID */
	struct journal_blob payload;
	bool repeated; /* it was begun before and never answered */
};

bool journal_open(struct journal **out, struct error *err);
/* For looking only: where there is none an empty one is looked at, and nothing is made. */
bool journal_look(struct journal **out, struct error *err);
/* The same with a directory of one's own. */
bool journal_open_at(const char *directory, struct journal **out, struct error *err);
void journal_close(struct journal *journal);

/*
 * Waits for the lock of an application (0: of making a new one) and returns it as a file descriptor to be
 * given to journal_unlock. It falls when the process dies. *waited (may be NULL): somebody else had it.
 */
bool journal_lock(struct journal *journal, int64_t id, int *lock, bool *waited, struct error *err);
/* The same without waiting: *lock is -1 when somebody else has it. */
bool journal_try_lock(struct journal *journal, int64_t id, int *lock, struct error *err);
void journal_unlock(int lock);

void journal_application_clear(struct journal_application *application);

/* Adds a row; sets id, created, updated. */
bool journal_add(struct journal *journal, struct journal_application *application,
	const char *event, const char *detail, struct error *err);
/* Writes the row and the event (NULL: none) in one transaction; sets updated. */
bool journal_save(struct journal *journal, struct journal_application *application,
	const char *event, const char *detail, struct error *err);
/* The same, and ends the step (journal_step_end) in that transaction: an answer is taken whole or not at all. */
bool journal_answer(struct journal *journal, struct journal_application *application,
	const char *event, const char *detail, struct journal_step *step, const char *answer,
	struct error *err);
bool journal_load(struct journal *journal, int64_t id, struct journal_application *application,
	struct error *err);

/* By our id, or the authority's, or the authority's beginning (4 characters or more) when only one fits. 0: none. */
bool journal_find(struct journal *journal, const char *text, int64_t *id, struct error *err);
/* The newest with that fingerprint, 0: none. */
bool journal_find_fingerprint(
	struct journal *journal, const char *fingerprint, int64_t *id, struct error *err);
bool journal_find_remote(struct journal *journal, const char *authority, const char *remote_id,
	int64_t *id, struct error *err);

/* The one that this certificate came of; 0: none. */
bool journal_find_certificate(
	struct journal *journal, const uint8_t sha256[32], int64_t *id, struct error *err);

/* All ids, oldest first. The caller frees. */
bool journal_ids(struct journal *journal, int64_t **ids, size_t *count, struct error *err);

bool journal_events(struct journal *journal, int64_t id, struct journal_event **events,
	size_t *count, struct error *err);
void journal_events_free(struct journal_event *events, size_t count);

/* An idempotency key: a version 4 UUID (RFC 9562, 5.4). */
#define JOURNAL_KEY_SIZE 37
bool journal_make_key(char text[JOURNAL_KEY_SIZE], struct error *err);

/*
 * Begins a step: the one of that name which was begun and not answered (with its old key and payload), else
 * a new one with a new key and this payload (NULL: none).
 */
bool journal_step_begin(struct journal *journal, int64_t application, const char *name,
	const uint8_t *payload, size_t length, struct journal_step *out, struct error *err);
/* The one that was begun and not answered, into `out`; *found says whether there is one. */
bool journal_step_find(struct journal *journal, int64_t application, const char *name,
	struct journal_step *out, bool *found, struct error *err);
/* Is there one? */
bool journal_step_pending(struct journal *journal, int64_t application, const char *name,
	bool *pending, struct error *err);
/* It was answered (or given up): `answer` says how. */
bool journal_step_end(
	struct journal *journal, struct journal_step *step, const char *answer, struct error *err);
/* Gives up what is begun under that name. */
bool journal_step_drop(
	struct journal *journal, int64_t application, const char *name, struct error *err);
void journal_step_clear(struct journal_step *step);

/* Helpers for the row's members. False without memory. */
bool journal_text(char **member, const char *value);
bool journal_bytes(struct journal_blob *member, const void *data, size_t length);

#endif
