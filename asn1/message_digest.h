/*
 * message_digest: a hash over bytes that come piece by piece, by the names of asn1/algorithm.h ("SHA256"). OpenSSL's, in
 * its default context, and Streebog.
 */
#ifndef PODPIS_ASN1_MESSAGE_DIGEST_H
#define PODPIS_ASN1_MESSAGE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "module/support/error.h"

#define MESSAGE_DIGEST_MAX 64 /* bytes */

struct message_digest;

/* NULL (with err) for a name that is not known. */
struct message_digest *message_digest_new(const char *name, struct error *err);
void message_digest_free(struct message_digest *digest);

bool message_digest_update(
	struct message_digest *digest, const void *data, size_t length, struct error *err);
/* Once, after the last piece. */
bool message_digest_finish(struct message_digest *digest, uint8_t value[MESSAGE_DIGEST_MAX],
	size_t *length, struct error *err);

#endif
