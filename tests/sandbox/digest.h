/*
 * digest: HTTP's digest authentication, the server's half (RFC 7616), for the cloud signing service's auth/login.
 *
 * SHA-256 is offered first, or MD5 alone; qop is "auth", always. A nonce is random, kept as SHA-256, good for five
 * minutes and for growing counts.
 */
#ifndef PODPIS_SANDBOX_DIGEST_H
#define PODPIS_SANDBOX_DIGEST_H

#include "tests/sandbox/http.h"

enum digest_answer {
	DIGEST_OK,
	DIGEST_MALFORMED, /* no Digest, or one that breaks a rule */
	DIGEST_STALE,     /* perhaps the right password, with a nonce that is over */
	DIGEST_WRONG,
};

/* What the request's Authorization says; *login is appended to where it is OK. */
enum digest_answer digest_check(struct request *request, bool md5_only, struct buffer *login);

/* Adds a challenge for each algorithm to a response that stays what it is. False without random bytes. */
bool digest_challenge(
	struct request *request, struct response *response, bool md5_only, bool stale);

#endif
