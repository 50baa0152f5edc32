/*
 * faults: misbehaviour on request, as podpis-sandbox(1), FAULTS has it: a queue of things that go wrong, each
 * a number of times. It lives in memory: a sandbox that starts again has the faults of its command line.
 */
#ifndef PODPIS_SANDBOX_FAULTS_H
#define PODPIS_SANDBOX_FAULTS_H

#include <jansson.h>

#include "module/support/buffer.h"
#include "module/support/error.h"

enum fault_kind {
	/* of a request */
	FAULT_DELAY,       /* seconds */
	FAULT_STATUS,      /* status, seconds for Retry-After */
	FAULT_DROP_BEFORE, /* closed, not handled */
	FAULT_DROP_AFTER,  /* handled, the answer is lost */
	FAULT_TRUNCATE,    /* half the body, then closed */
	FAULT_GARBAGE,     /* 200 and no JSON */
	FAULT_END_SESSION, /* the access tokens of the login end */
	FAULT_END_LOGIN,   /* the login ends */
	/* of an application */
	FAULT_RETURN,      /* at the first look: field, reason */
	FAULT_RETURN_FORM, /* at the review of the signed form: field, reason */
	FAULT_REJECT,      /* at the first look: reason */
	FAULT_REJECT_FORM,
	FAULT_FACE_MISMATCH,
	FAULT_DATA_MISMATCH,
	FAULT_ALTERED_DOCUMENT, /* the bytes are others than those announced */
	FAULT_ALTERED_FORM,     /* the form, as announced, has another given name */
	FAULT_CHANGED_NAME,     /* the certificate has another surname */
	FAULT_OTHER_KEY,        /* ... another key */
	FAULT_FOREIGN_ISSUER,   /* ... another issuer of the same name */
	FAULT_EXPIRED_CERTIFICATE,
	FAULT_KINDS,
};

struct faults;

struct faults *faults_new(void);
void faults_free(struct faults *faults);

/* "KIND [xCOUNT] [+SKIP] [METHOD PATH] [: ARGUMENT]". ERROR_USAGE says what is wrong. */
bool faults_add(struct faults *faults, const char *spec, struct error *err);
void faults_clear(struct faults *faults);
/* What is still to come: [{"fault", "count"}]. */
json_t *faults_list(const struct faults *faults);

/* True (and one less) when the next request of this kind is to fail so; the argument is appended. */
bool faults_take_request(struct faults *faults, enum fault_kind kind, const char *method,
	const char *path, struct buffer *argument);
/* The first in the queue that answers this request wrongly (status ... garbage): one a request. */
bool faults_take_answer(struct faults *faults, const char *method, const char *path,
	enum fault_kind *kind, struct buffer *argument);
bool faults_take(struct faults *faults, enum fault_kind kind, struct buffer *argument);

#endif
