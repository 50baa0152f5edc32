/*
 * chain: path validation (RFC 5280, 6), which is OpenSSL's: from a certificate to a trust anchor, and whether
 * anything on the way was revoked.
 */
#ifndef PODPIS_PROVISION_CHAIN_H
#define PODPIS_PROVISION_CHAIN_H

#include <time.h>

#include "asn1/certificate.h"
#include "provision/crls.h"

struct chain {
	const struct certificates
		*anchors; /* trusted; an issuing authority without its root will do */
	const struct certificates *others; /* what came with it; untrusted */
	/*
	 * Lists to look into; NULL: nobody asks. The certificate itself must be covered, those above it are
	 * looked up where their issuer's list is there.
	 */
	const struct crls *crls;
	time_t when;
	bool leaf_dates_known; /* the caller looks at the certificate's own dates */
};

/* `path`: the verified certificates above it, anchors left out, as indices into `others` (NULL: not asked for). */
bool chain_verify(const struct chain *chain, const struct certificate *certificate, size_t *path,
	size_t max, size_t *count, struct error *err);

#endif
