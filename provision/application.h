/*
 * application: the JSON document that is applied with. Its exact bytes are signed, sent, and kept.
 *
 * UTF-8, compact, members in this order: version, profile, identification, created_at, person, request_sha256,
 * signer_sha256; key_location and key where the authority makes the key in its cloud (docs/authority-api.yaml).
 */
#ifndef PODPIS_PROVISION_APPLICATION_H
#define PODPIS_PROVISION_APPLICATION_H

#include <time.h>

#include "provision/person.h"

struct application {
	char *profile, *identification;
	time_t created;
	struct person person;
	uint8_t request_sha256[32], signer_sha256[32];
	bool has_request, has_signer;
	char *cloud_key; /* "ec:P-256": the authority makes such a key in its cloud; NULL: the request has it */
};

void application_clear(struct application *application);

/* Appends the bytes. */
bool application_encode(
	const struct application *application, struct buffer *out, struct error *err);
/* ERROR_FAILED when it is not such a document. Fills an empty struct. */
bool application_decode(
	const uint8_t *data, size_t length, struct application *out, struct error *err);

/* SHA-256, and its lower-case hexadecimal text. */
bool application_sha256(const void *data, size_t length, uint8_t hash[32], struct error *err);
void application_hex(const uint8_t *data, size_t length, char *text); /* 2 * length + 1 bytes */

#endif
