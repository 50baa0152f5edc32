/*
 * credential: what a service tells of one of its keys (credentials/info; CSC v1.0.4, 11.5; v2.0, 11.5), read
 * into one shape from both versions.
 *
 * Everything in it comes from a server or from the cache, so everything is checked: what is not understood makes
 * the credential one that is not offered.
 */
#ifndef PODPIS_STORE_CLOUD_CREDENTIAL_H
#define PODPIS_STORE_CLOUD_CREDENTIAL_H

#include <jansson.h>

#include "asn1/certificate.h"
#include "asn1/spki.h"

#define CREDENTIAL_ID_MAX         256 /* bytes, with the NUL */
#define CREDENTIAL_CHAIN_MAX      8
#define CREDENTIAL_ALGORITHMS_MAX 16
#define CREDENTIAL_OID_MAX        48
#define CREDENTIAL_OBJECT_MAX     64 /* an authentication object's id, with the NUL */
#define CREDENTIAL_ELSEWHERE_MAX  8

enum credential_mode {
	CREDENTIAL_IMPLICIT,   /* the service sees to it itself */
	CREDENTIAL_EXPLICIT,   /* PIN, one-time password, or both */
	CREDENTIAL_OAUTH2CODE, /* in the browser */
};

struct credential {
	char id[CREDENTIAL_ID_MAX];
	char description[256]; /* plain UTF-8; "": none */
	enum credential_mode mode;
	bool pin, otp; /* what is asked for */
	bool otp_sent; /* the service sends it when it is told to */
	/* Version 2's names of them, and of what the service asks the person itself for when it is told to. */
	char pin_object[CREDENTIAL_OBJECT_MAX], otp_object[CREDENTIAL_OBJECT_MAX];
	size_t elsewhere_count;
	char elsewhere[CREDENTIAL_ELSEWHERE_MAX][CREDENTIAL_OBJECT_MAX];
	unsigned scal, multisign;
	const char
		*problem; /* why it can't sign: the service's word for its status; NULL: it can */
	size_t algorithm_count;
	char algorithms[CREDENTIAL_ALGORITHMS_MAX][CREDENTIAL_OID_MAX];
	size_t chain_count;
	struct certificate chain[CREDENTIAL_CHAIN_MAX]; /* the key's own first */
	struct spki key;                                /* points into memory of its own */
};

/* `info` is the answer, `id` the credential's. False says what is wrong; free with credential_clear else. */
bool credential_read(const char *id, const json_t *info, unsigned version, struct credential *out,
	struct error *err);
void credential_clear(struct credential *credential);

bool credential_has_algorithm(const struct credential *credential, const char *oid);

#endif
