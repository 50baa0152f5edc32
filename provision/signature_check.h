/*
 * signature_check: is a signed file (CMS) what it says? Each signer is judged for himself, and everything that
 * is wrong with him is named, not just the first.
 */
#ifndef PODPIS_PROVISION_SIGNATURE_CHECK_H
#define PODPIS_PROVISION_SIGNATURE_CHECK_H

#include "asn1/cms.h"
#include "provision/certificate_check.h"
#include "provision/crls.h"

#define SIGNATURE_MAX (32u << 20) /* bytes of a signature file, its content included */

/* The file that a detached signature is over, with the digest that was asked for last. */
struct signature_content {
	const char *path;
	const char *name; /* of the digest; NULL: none yet */
	uint8_t digest[MESSAGE_DIGEST_MAX];
	size_t length;
};

/* What to judge by. */
struct signature_question {
	struct signature_content *content;  /* NULL: attached */
	const struct certificates *anchors; /* trusted */
	const struct certificates *others;  /* given besides those in the file */
	const struct crls *crls; /* given besides those in the file; NULL: not asked about */
	time_t when;
};

struct signature_verdict {
	struct cms_signer signer; /* up to the next call */
	bool read;                /* it could be read, so that `signer` says something */
	bool verified; /* content, attributes and signature fit; trust is another matter */
	struct certificate_findings findings; /* none: valid */
};

/* The bytes of a signature file: DER, BER, PEM or bare base64. Appends. ERROR_USAGE. */
bool signature_read(const char *path, struct buffer *bytes, struct error *err);

/* False when the check can't be done at all (the content can't be read, no memory). */
bool signature_check(struct cms_signed *signed_data, size_t number,
	const struct signature_question *question, struct signature_verdict *verdict,
	struct error *err);

#endif
