/*
 * application: an application for a certificate: what is kept of it, and the states it goes through.
 *
 * A state that ends by itself has the time when it does (`due`); the time of the next one is counted from
 * there, so that it makes no difference when, or whether, somebody looks. application_settle takes the steps
 * whose time has come. docs/authority-api.yaml, State.
 */
#ifndef PODPIS_SANDBOX_APPLICATION_H
#define PODPIS_SANDBOX_APPLICATION_H

#include <jansson.h>

#include "tests/sandbox/codec.h"
#include "tests/sandbox/http.h"

/* Some have the same name on the wire. */
enum application_state {
	AWAITING_REQUEST,
	PROCESSING,
	AWAITING_CONFIRMATION, /* by an administrator */
	AWAITING_OPERATOR,     /* the same, by the authority's operator */
	RETURNED,
	REJECTED,
	AWAITING_SIGNATURES,
	REVIEWING,
	AWAITING_IDENTIFICATION,
	IDENTIFYING_FACE,
	IDENTIFYING_DATA,
	IDENTIFICATION_FAILED,
	APPROVING,
	READY,
	CONFIRMED,
	CANCELLED,
	REVOKED,
	APPLICATION_STATES,
};

enum {
	ACTION_REQUEST = 1 << 0,
	ACTION_RESUBMIT = 1 << 1,
	ACTION_SIGN = 1 << 2,
	ACTION_IDENTIFY = 1 << 3,
	ACTION_DOWNLOAD = 1 << 4,
	ACTION_CONFIRM = 1 << 5,
	ACTION_CANCEL = 1 << 6,
	ACTION_REVOKE = 1 << 7,
	/* not told to anybody */
	ACTION_RETURN = 1 << 8,
	ACTION_REJECT = 1 << 9,
};

struct application_state_info {
	const char *key;  /* in the store */
	const char *name; /* on the wire */
	const char *words;
	bool poll;
	unsigned actions;
};

const struct application_state_info *application_state_info(enum application_state state);
/* A wire name that some state has. */
bool application_state_known(const char *name);

struct application {
	char id[HTTP_NAME_MAX], account[HTTP_NAME_MAX], filed_by[HTTP_NAME_MAX];
	enum application_state state;
	int64_t due;           /* ms; 0: never by itself */
	char *reason;          /* NULL */
	json_t *fields;        /* [{name, reason}] */
	struct buffer body;    /* the application's exact bytes */
	json_t *json;          /* the same, parsed */
	struct buffer request; /* PKCS#10; empty: none yet */
	uint8_t spki[CODEC_SHA256];
	struct buffer signature;      /* CMS; empty: none */
	uint8_t signer[CODEC_SHA256]; /* SHA-256 of its certificate */
	char profile[65], identification[16];
	int64_t created, updated;  /* seconds */
	struct buffer certificate; /* SHA-256; empty: none */
	int64_t attempts;          /* at the portal */
	char portal_account[HTTP_NAME_MAX];
	bool face; /* the portal's camera saw the account's holder */
};

/* The authority makes the key, in its cloud, when it issues: there is no request. */
bool application_in_cloud(const struct application *application);

/* False when there is none. Free with application_clear in either case. */
bool application_load(struct store *store, const char *id, struct application *out);
void application_clear(struct application *application);
/* Writes what may change: everything but id, account, filed_by, created. */
void application_save(struct sandbox *sandbox, struct application *application);
/* Gives it an id and writes it. */
void application_create(struct sandbox *sandbox, struct application *application);

/* Into another state, from `when` (ms) on; saved, with an event. `reason` may be NULL. */
void application_enter(struct sandbox *sandbox, struct application *application,
	enum application_state state, int64_t when, const char *reason);

/* A filed application's first state: to be called when its contents were checked. */
void application_begin(struct sandbox *sandbox, struct application *application);

/* An administrator's confirmation, or the operator's: the documents are there. */
void application_confirmed(struct sandbox *sandbox, struct application *application, int64_t when);

/* The steps whose time has come; of all applications where `id` is NULL. */
void application_settle(struct sandbox *sandbox, const char *id);

/* May be done by whom it belongs to, in this state. */
bool application_allows(const struct application *application, unsigned action);

#endif
