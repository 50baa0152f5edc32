/*
 * csc: the cloud signing service: what its calls have in common, and the calls that are about no credential.
 *
 * The API of the Cloud Signature Consortium, v1.0.4 below /csc/v1 and v2.0 below /csc/v2, over the same
 * credentials. Requests are checked as the specification has it, and a violation is answered in its words.
 * A caller shows an access token (oauth.h); one that was given for a credential stands for its SAD, too.
 */
#ifndef PODPIS_SANDBOX_CSC_H
#define PODPIS_SANDBOX_CSC_H

#include <jansson.h>

#include "tests/sandbox/codec.h"
#include "tests/sandbox/credential.h"
#include "tests/sandbox/oauth.h"

/* 1 or 2, of the path; 0 is refused before a handler is called. */
unsigned csc_version(const struct request *request);

/* {"error", "error_description"}. Always returns false. */
bool csc_error(struct response *response, unsigned status, const char *error, const char *format,
	...) __attribute__((format(printf, 4, 5)));

/*
 * Members of the request, checked. An absent one that is `optional` leaves *out as it is. False: the response is
 * the error.
 */
bool csc_string(const struct request *request, struct response *response, const char *name,
	bool optional, const char **out);
bool csc_number(const struct request *request, struct response *response, const char *name,
	bool optional, int64_t *out);
bool csc_boolean(
	const struct request *request, struct response *response, const char *name, bool *out);
/* Base64 hashes, at least one; *out is a borrowed reference. */
bool csc_hashes(const struct request *request, struct response *response, bool optional,
	const json_t **out);

/* The caller's credential that the request names; to be cleared in either case. */
bool csc_credential(struct request *request, struct response *response, struct credential *out);

#define CSC_STREEBOG_256 "1.2.643.7.1.1.2.2"
#define CSC_STREEBOG_512 "1.2.643.7.1.1.2.3"
/* The bytes of a hash algorithm's digest, by its OID; 0: none that is allowed (SHA-1 is not). */
size_t csc_digest_size(const char *oid);

/* Who asks, into request->caller, before a handler is called. */
bool csc_enter(struct request *request, struct response *response);

void csc_info(struct request *request, struct response *response);
void csc_login(struct request *request, struct response *response);
void csc_revoke(struct request *request, struct response *response);
void csc_credentials_list(struct request *request, struct response *response);
void csc_credentials_info(struct request *request, struct response *response);

#endif
