/*
 * authorization: what the cloud signing service was allowed to sign: signature activation data (SAD), from the
 * request to the last signature (CSC v1.0.4, 11.6 to 11.9; v2.0, 11.6 to 11.10).
 *
 * A SAD is random and kept as SHA-256. It is good for a number of signatures until it expires, of its
 * credential's holder alone; with SCAL 2 for certain hashes alone, each as often as it was authorised.
 */
#ifndef PODPIS_SANDBOX_AUTHORIZATION_H
#define PODPIS_SANDBOX_AUTHORIZATION_H

#include "tests/sandbox/credential.h"

/*
 * Makes `sad` good for so many signatures. False, with nothing done, where the credential does not allow it.
 * `hashes` and `hash_algorithm` may be NULL but for SCAL 2.
 */
bool authorization_grant(struct sandbox *sandbox, const char *sad,
	const struct credential *credential, int64_t signatures, const json_t *hashes,
	const char *hash_algorithm);

/* Takes signatures of these hashes off; false: the response is the error, and nothing was taken. */
bool authorization_take(struct request *request, struct response *response, const char *sad,
	const struct credential *credential, const json_t *hashes);

void authorization_authorize(struct request *request, struct response *response);
void authorization_check(struct request *request, struct response *response);     /* v2 */
void authorization_challenge(struct request *request, struct response *response); /* v2 */
void authorization_send_otp(struct request *request, struct response *response);  /* v1 */
void authorization_extend(struct request *request, struct response *response);

#endif
